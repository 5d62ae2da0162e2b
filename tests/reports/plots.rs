//! Marks where a plain computation puts them, labels that nobody has to guess.

use shmark::report::ReportError;
use shmark::report::cases::cases;
use shmark::report::plots::drawing::{Anchor, Drawing, Mark, Shape};
use shmark::report::plots::markers::marker;
use shmark::report::plots::palette::{Colour, Palette};
use shmark::report::plots::{
    Picture, Theme, distribution, histogram, of_question, percentiles, points, raster, series, svg,
};
use shmark::report::plots::{text_width, write_png};
use shmark::report::questions::{Question, questions};
use shmark::results::model::{BenchResult, Measure, Percentiles, Ratio, Report, Time};

use super::sample;

pub const SHAPES: [Shape; 3] = [Shape::File, Shape::Wide, Shape::Narrow];

type Draw = fn(&Question<'_>, &Palette, Shape) -> Option<Drawing>;

fn drawn(report: &Report, draw: Draw, shape: Shape) -> Drawing {
    draw(&questions(report)[0], &Palette::of(report), shape).unwrap()
}

/// A question over a number, with an interval of 10 % either way: `(subject, value, ns)`.
fn over(key: &str, payload: &str, measure: Measure, figures: &[(&str, &str, f64)]) -> Report {
    let result = |(subject, value, ns): &(&str, &str, f64)| BenchResult {
        measure,
        case: [(key.to_owned(), (*value).to_owned()), ("payload".to_owned(), payload.to_owned())].into(),
        trip_ns: Some(Time { ns: *ns, ci95_ns: Some([ns * 0.9, ns * 1.1]) }),
        ..sample::measured(subject, *ns, 1.0)
    };
    Report { bench: figures.iter().map(result).collect(), relative: Vec::new(), ..sample::report() }
}

/// Two subjects over sizes from 64 B to 64 MiB, the last case the smallest.
fn sizes() -> Report {
    let ours = [("64", 200.0), ("4096", 400.0), ("67108864", 800.0), ("32", 150.0)].map(|(v, ns)| ("ours", v, ns));
    let theirs = [("64", 900.0), ("4096", 950.0), ("32", 890.0)].map(|(v, ns)| ("theirs", v, ns));
    over("len", "bytes", Measure::RoundTrip, &[&ours[..], &theirs].concat())
}

/// Six subjects over a count, each a bit slower than the one before.
fn many_over_a_count(spread: f64) -> Report {
    let names: Vec<String> = (0..6).map(|i| format!("subject-{i}")).collect();
    let figures: Vec<(&str, &str, f64)> = names
        .iter()
        .enumerate()
        .flat_map(|(i, name)| {
            let ns = 150.0 * spread.powf(i as f64);
            ["1", "2", "8", "64"].map(|value| (name.as_str(), value, ns * (1.0 + value.len() as f64 / 10.0)))
        })
        .collect();
    over("clients", "u64", Measure::RoundTrip, &figures)
}

/// Where the markers of a colour are: their middles.
pub fn markers(drawing: &Drawing, colour: Colour) -> Vec<(f64, f64)> {
    let Mark::Area { points: shape, .. } = marker((0.0, 0.0), colour) else { panic!("a marker is an area") };
    let middles = drawing.marks.iter().filter_map(|mark| match mark {
        Mark::Area { points, colour: of } if *of == colour => {
            Some((points[0].0 - shape[0].0, points[0].1 - shape[0].1))
        }
        _ => None,
    });
    middles.collect()
}

/// Whether a line of text colour goes from one place to the other.
fn has_whisker(drawing: &Drawing, from: (f64, f64), to: (f64, f64)) -> bool {
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 0.01 && (a.1 - b.1).abs() < 0.01;
    drawing.marks.iter().any(|mark| match mark {
        Mark::Line { points, colour: Colour::Ink, .. } => near(points[0], from) && near(points[1], to),
        _ => false,
    })
}

fn text_at(drawing: &Drawing, wanted: &str) -> (f64, f64) {
    let found = texts(drawing).into_iter().find(|(_, _, text, _)| *text == wanted);
    let (x, y, ..) = found.unwrap_or_else(|| panic!("no text {wanted:?} in {:?}", texts(drawing)));
    (x, y)
}

/// Position, content and colour of every text.
fn texts(drawing: &Drawing) -> Vec<(f64, f64, &str, Colour)> {
    let texts = drawing.marks.iter().filter_map(|mark| match mark {
        Mark::Text { x, y, text, colour, .. } => Some((*x, *y, text.as_str(), *colour)),
        _ => None,
    });
    texts.collect()
}

/// Left, top, right and bottom of every text.
pub fn boxes(drawing: &Drawing) -> Vec<(f64, f64, f64, f64, &str)> {
    let boxes = drawing.marks.iter().filter_map(|mark| match mark {
        Mark::Text { x, y, text, size, bold, anchor, .. } => {
            let width = text_width(text, *size, *bold);
            let left = match anchor {
                Anchor::Left => *x,
                Anchor::Middle => x - width / 2.0,
                Anchor::Right => x - width,
            };
            Some((left, y - size / 2.0, left + width, y + size / 2.0, text.as_str()))
        }
        _ => None,
    });
    boxes.collect()
}

/// Many subjects close together, with names of every length, and figures from 1 to 100000 floors.
fn crowded(spread: f64) -> Report {
    let mut report = sample::report();
    report.bench = (0..12_usize)
        .map(|i| {
            let name = format!("subject-{i}-{}", "with-a-long-name-".repeat(i % 4));
            sample::measured(&name, 100.0 * spread.powf(i as f64), 1.0 + i as f64 / 10.0)
        })
        .collect();
    report.relative.clear();
    report
}

#[test]
fn no_label_is_clipped_or_overlaps_another() {
    let single = [sample::report(), crowded(1.0), crowded(1.02), crowded(1.3), crowded(2.8)];
    let several =
        [sizes(), many_over_a_count(1.0), many_over_a_count(1.03), many_over_a_count(1.6), several_settings()];
    for report in single.into_iter().chain(several) {
        for shape in SHAPES {
            for (_, drawing) in of_question(&questions(&report)[0], &Palette::of(&report), shape) {
                let boxes = boxes(&drawing);
                for (i, a) in boxes.iter().enumerate() {
                    let inside = a.0 >= 0.0 && a.1 >= 0.0 && a.2 <= drawing.width + 0.5 && a.3 <= drawing.height;
                    assert!(inside, "{shape:?}: {a:?} is clipped by {} x {}", drawing.width, drawing.height);
                    for b in &boxes[i + 1..] {
                        let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                        assert!(apart, "{shape:?}, {:?}: {a:?} overlaps {b:?}", drawing.description);
                    }
                }
            }
        }
    }
}

/// Cases that differ in two settings at once.
fn several_settings() -> Report {
    let mut report = over("clients", "u64", Measure::RoundTrip, &[("ours", "1", 150.0), ("ours", "4", 160.0)]);
    report.bench[1].case.insert("waiting".into(), "block".into());
    report
}

#[test]
fn points_are_where_their_ratio_is_with_their_interval() {
    let report = sample::report();
    let drawing = drawn(&report, points::draw, Shape::Wide);
    // The range is 50, so the axis is logarithmic; two ticks give the scale independently of the points.
    let (one, ten) = (text_at(&drawing, "1").0, text_at(&drawing, "10").0);
    let expected = |floors: f64| one + floors.log10() * (ten - one);
    let palette = Palette::of(&report);
    let mut above = 0.0;
    for result in cases(&report)[0].valid() {
        let floors = result.p50_floors.unwrap();
        let colour = palette.colour(&result.subject);
        let [(x, y)] = markers(&drawing, colour)[..] else { panic!("not one point of {}", result.subject) };
        assert!((x - expected(floors.ratio)).abs() < 0.01, "{} is at {x}", result.subject);
        assert!(y > above, "points are not sorted");
        above = y;
        let [low, high] = floors.ci95.map(expected);
        assert!(has_whisker(&drawing, (low, y), (high, y)), "no whisker of {}", result.subject);
        let name = texts(&drawing).into_iter().find(|(_, _, text, _)| *text == result.subject).unwrap();
        assert!((name.1 - y).abs() < 0.01 && name.3 == colour, "the name stands beside another point");
    }
    assert!(
        !drawing.marks.iter().any(|mark| matches!(mark, Mark::Rect { .. })),
        "a bar has no beginning on such an axis"
    );
    let has = |part: &str| texts(&drawing).iter().any(|(_, _, text, _)| text.contains(part));
    assert!(!texts(&drawing).iter().any(|(_, _, text, _)| *text == "broken-ring"), "an invalid result has a point");
    assert!(has("1 floor = 84.0 ns") && has("1.83 floors, 154 ns") && has("(logarithmic)"));
}

#[test]
fn a_small_range_gets_a_linear_axis_from_0() {
    let mut report = sample::report();
    report.bench.truncate(2);
    let drawing = drawn(&report, points::draw, Shape::Wide);
    let (zero, four) = (text_at(&drawing, "0").0, text_at(&drawing, "4").0);
    for result in &report.bench {
        let x = markers(&drawing, Palette::of(&report).colour(&result.subject))[0].0;
        assert!((x - (zero + result.p50_floors.unwrap().ratio / 4.0 * (four - zero))).abs() < 0.01);
    }
}

/// Below one floor a bar grew to the left.
#[test]
fn less_than_a_floor_is_left_of_one() {
    let mut report = sample::report();
    report.bench[0].p50_floors = Some(Ratio { ratio: 0.4, ci95: [0.38, 0.43] });
    let drawing = drawn(&report, points::draw, Shape::Narrow);
    let (x, _) = markers(&drawing, Palette::of(&report).colour("reference"))[0];
    let (one, ten) = (text_at(&drawing, "1").0, text_at(&drawing, "10").0);
    assert!((x - (one + 0.4_f64.log10() * (ten - one))).abs() < 0.01 && x > 0.0, "{x}");
}

#[test]
fn cases_that_differ_by_one_number_are_one_line_over_it() {
    let report = sizes();
    let question = &questions(&report)[0];
    let varying = question.varying().unwrap();
    assert_eq!(
        (&*varying.key, &varying.values[..], varying.is_bytes),
        ("len", &[64.0, 4096.0, 67_108_864.0, 32.0][..], true)
    );
    assert_eq!(
        question.cases.iter().map(|case| &*case.name).collect::<Vec<_>>(),
        ["len 64", "len 4096", "len 67108864", "len 32"]
    );
    assert_eq!(question.label(), "rtt: payload bytes");

    let drawing = drawn(&report, series::draw, Shape::Wide);
    let (x64, x4096) = (text_at(&drawing, "64 B").0, text_at(&drawing, "4 KiB").0);
    let (y200, y500) = (text_at(&drawing, "200 ns").1, text_at(&drawing, "500 ns").1);
    let x = |len: f64| x64 + (len / 64.0).ln() / 64_f64.ln() * (x4096 - x64);
    let y = |ns: f64| y200 + (ns / 200.0).ln() / 2.5_f64.ln() * (y500 - y200);
    let palette = Palette::of(&report);
    for (subject, expected) in [
        ("ours", &[(32.0, 150.0), (64.0, 200.0), (4096.0, 400.0), (67_108_864.0, 800.0)][..]),
        ("theirs", &[(32.0, 890.0), (64.0, 900.0), (4096.0, 950.0)]),
    ] {
        let found = markers(&drawing, palette.colour(subject));
        assert_eq!(found.len(), expected.len(), "{subject}: from the smallest to the largest, one point each");
        for ((at, level), (len, ns)) in found.iter().zip(expected) {
            // Subjects stand a few pixels beside each other.
            assert!((at - x(*len)).abs() < 10.0 && (level - y(*ns)).abs() < 0.1, "{subject} at {len}: {at}, {level}");
            let whisker = has_whisker(&drawing, (*at, y(ns * 0.9)), (*at, y(ns * 1.1)));
            assert!(
                whisker
                    || drawing.marks.iter().any(|mark| match mark {
                        Mark::Line { points, colour: Colour::Ink, .. } => {
                            (points[0].1 - y(ns * 0.9)).abs() < 0.1 && (points[1].1 - y(ns * 1.1)).abs() < 0.1
                        }
                        _ => false,
                    }),
                "{subject} at {len} has no whisker"
            );
        }
    }
    assert!(points::draw(question, &palette, Shape::Wide).is_some(), "points would do, too");
    let pictures: Vec<_> =
        of_question(question, &palette, Shape::Wide).into_iter().map(|(picture, _)| picture).collect();
    assert_eq!(pictures, [Picture::Series, Picture::Percentiles, Picture::Distribution], "one picture for each thing");
}

#[test]
fn a_word_that_differs_as_well_is_a_line_of_its_own() {
    let figures = [("ours", "64", 200.0), ("ours", "4096", 400.0), ("ours", "64", 210.0), ("ours", "4096", 220.0)];
    let mut report = over("len", "bytes", Measure::RoundTrip, &figures);
    for (index, result) in report.bench.iter_mut().enumerate() {
        result.case.insert("touch".into(), if index < 2 { "all" } else { "stamp" }.into());
    }
    let question = &questions(&report)[0];
    let varying = question.varying().unwrap();
    assert_eq!(varying.values, [64.0, 4096.0, 64.0, 4096.0]);
    assert_eq!(varying.words, ["touch all", "touch all", "touch stamp", "touch stamp"]);
    let drawing = drawn(&report, series::draw, Shape::Wide);
    let colour = Palette::of(&report).colour("ours");
    let solid = |wanted: bool| {
        let is_line = |mark: &&Mark| match mark {
            Mark::Line { points, colour: own, dashed, width } => {
                *own == colour && points.len() == 2 && *dashed != wanted && *width > 1.5
            }
            _ => false,
        };
        drawing.marks.iter().filter(is_line).count()
    };
    assert_eq!((solid(true), solid(false)), (1, 1), "a line for each word, told apart by more than its place");
    for name in ["ours, touch all", "ours, touch stamp"] {
        assert!(texts(&drawing).iter().any(|(_, _, text, _)| *text == name), "no line is called {name}");
    }
    assert_eq!(texts(&drawing).iter().filter(|(_, _, text, _)| *text == "4 KiB").count(), 1, "a size has one tick");
}

#[test]
fn what_is_no_single_number_is_no_line() {
    let varying = |report: &Report| questions(report)[0].varying();
    assert_eq!(varying(&several_settings()), None, "two settings differ");
    assert_eq!(varying(&sample::report()), None, "one case only");
    let waiting = over("waiting", "u64", Measure::RoundTrip, &[("ours", "spin", 150.0), ("ours", "block", 900.0)]);
    assert_eq!(varying(&waiting), None, "no number");
    let mut missing = sizes();
    missing.bench[0].case.remove("len");
    assert_eq!(varying(&missing), None, "a case does not have it");
    let elements = over("len", "u64", Measure::RoundTrip, &[("ours", "1", 150.0), ("ours", "8", 160.0)]);
    assert!(!varying(&elements).unwrap().is_bytes, "eight elements are not eight bytes");
}

#[test]
fn a_rate_over_a_small_count_is_linear_from_0_and_its_interval_is_turned() {
    let figures = [("ours", "1", 200.0), ("ours", "8", 50.0)];
    let drawing = drawn(&over("outstanding", "u64", Measure::Throughput, &figures), series::draw, Shape::Wide);
    let (y0, y10) = (text_at(&drawing, "0/s").1, text_at(&drawing, "10 M/s").1);
    let y = |rate: f64| y0 + rate / 1e7 * (y10 - y0);
    let found = markers(&drawing, Colour::Series(0));
    for ((at, level), ns) in found.iter().zip([200.0, 50.0]) {
        assert!((level - y(1e9 / ns)).abs() < 0.1, "{ns}: {level}");
        let [low, high] = [1.1, 0.9].map(|share| y(1e9 / (ns * share)));
        let whisker = drawing.marks.iter().any(|mark| match mark {
            Mark::Line { points, colour: Colour::Ink, .. } => {
                (points[0].0 - at).abs() < 0.01 && (points[0].1 - low).abs() < 0.1 && (points[1].1 - high).abs() < 0.1
            }
            _ => false,
        });
        assert!(whisker, "no whisker at {ns}");
    }
    let (x1, x8) = (text_at(&drawing, "1").0, text_at(&drawing, "8").0);
    assert!((found[0].0 - x1).abs() < 0.01 && (found[1].0 - x8).abs() < 0.01);
    assert!(!texts(&drawing).iter().any(|(_, _, text, _)| text.starts_with("floor ")), "a rate has no floor");
}

#[test]
fn shares_of_the_distribution_are_those_of_the_histogram() {
    let report = sample::report();
    let drawing = drawn(&report, distribution::draw, Shape::Wide);
    let (x1, x10) = (text_at(&drawing, "1 µs").0, text_at(&drawing, "10 µs").0);
    let (y0, y100) = (text_at(&drawing, "0 %").1, text_at(&drawing, "100 %").1);
    for result in cases(&report)[0].valid() {
        let decoded = histogram::decode(result).unwrap();
        let half = decoded.value_at_quantile(0.5) as f64;
        let expected = (x1 + (half / 1000.0).log10() * (x10 - x1), f64::midpoint(y0, y100));
        let found = markers(&drawing, Palette::of(&report).colour(&result.subject));
        let is_there = found.iter().any(|(x, y)| (x - expected.0).abs() < 1.0 && (y - expected.1).abs() < 2.0);
        assert!(is_there, "{}: no marker at {expected:?}: {found:?}", result.subject);
    }
}

#[test]
fn lines_go_through_the_percentiles_of_the_histogram() {
    let report = sample::report();
    let drawing = drawn(&report, percentiles::draw, Shape::Wide);
    let find = |label: &str| texts(&drawing).into_iter().find(|(_, _, text, _)| *text == label).unwrap();
    // Scales from two ticks each.
    let (p90, p999) = (find("p90").0, find("p99.9").0);
    let x = |inverse: f64| p90 + (inverse.log10() - 1.0) / 2.0 * (p999 - p90);
    let (micro, hundred) = (find("1 µs").1, find("100 µs").1);
    let y = |ns: f64| micro + (ns.log10() - 3.0) / 2.0 * (hundred - micro);
    for result in cases(&report)[0].valid() {
        let colour = Palette::of(&report).colour(&result.subject);
        let line = drawing.marks.iter().find_map(|mark| match mark {
            Mark::Line { points, colour: of, dashed: false, .. } if *of == colour && points.len() > 2 => Some(points),
            _ => None,
        });
        let decoded = histogram::decode(result).unwrap();
        for (inverse, name) in [(10.0, "p90"), (100.0, "p99"), (1e4, "p99.99")] {
            let value = decoded.value_at_quantile(1.0 - 1.0 / inverse) as f64;
            let near =
                line.unwrap().iter().min_by(|a, b| (a.0 - x(inverse)).abs().total_cmp(&(b.0 - x(inverse)).abs()));
            let (at_x, at_y) = near.unwrap();
            assert!((at_x - x(inverse)).abs() < 0.01, "{name} of {}: x {at_x}", result.subject);
            assert!((at_y - y(value)).abs() < 0.01, "{name} of {}: y {at_y}, not {}", result.subject, y(value));
        }
        let max = (find("max").0, y(result.rtt_ns.max));
        let is_there = |(x, at): &(f64, f64)| (x - max.0).abs() < 0.01 && (at - max.1).abs() < 0.01;
        assert!(markers(&drawing, colour).iter().any(is_there), "no marker at the maximum of {}", result.subject);
    }
    let floor = drawing.marks.iter().any(|mark| match mark {
        Mark::Line { points, dashed: true, .. } => points.iter().all(|(_, at)| (at - y(sample::FLOOR_NS)).abs() < 0.01),
        _ => false,
    });
    assert!(floor, "no line at the floor");
}

#[test]
fn svg_has_every_label_a_title_and_words_for_those_who_do_not_see_it() {
    let report = sample::report();
    for shape in SHAPES {
        for draw in [points::draw as Draw, percentiles::draw, distribution::draw] {
            let drawing = drawn(&report, draw, shape);
            let svg = svg(&drawing, Theme::Light).unwrap();
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
            assert!(svg.contains(&format!("<title>{}</title>", drawing.title)), "{svg}");
            assert!(svg.contains("<desc>") && drawing.description.contains("reference: "));
            assert!(drawing.title.starts_with("How long does a round trip of one u64 take"), "{}", drawing.title);
            assert!(svg.contains("role=\"img\"") && svg.contains("font-family=\"sans-serif\""));
            for (_, _, text, _) in texts(&drawing) {
                assert!(svg.contains(&format!("\n{text}\n")), "{text:?} is missing");
            }
        }
    }
}

#[test]
fn a_subject_has_one_colour_in_every_plot() {
    let report = sample::report();
    let colour_of = |drawing: &Drawing, name: &str| {
        texts(drawing).into_iter().find(|(_, _, text, _)| *text == name).map(|(.., colour)| colour)
    };
    let (a, b) = (drawn(&report, points::draw, Shape::Wide), drawn(&report, percentiles::draw, Shape::Narrow));
    let mut seen = std::collections::HashSet::new();
    for result in report.bench.iter().filter(|result| result.valid) {
        let colour = colour_of(&a, &result.subject);
        assert!(matches!(colour, Some(Colour::Series(_))) && colour == colour_of(&b, &result.subject), "{colour:?}");
        assert!(seen.insert(colour), "two subjects share {colour:?}");
    }
}

/// Width, height and bit depth are at fixed places of a PNG's first chunk.
#[test]
fn png_has_twice_the_size_and_is_not_blank() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plot.png");
    for draw in [points::draw as Draw, percentiles::draw, distribution::draw] {
        let drawing = drawn(&sample::report(), draw, Shape::Wide);
        write_png(&drawing, Theme::Light, &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"));
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((number(16), number(20)), ((drawing.width * 2.0) as u32, (drawing.height * 2.0).ceil() as u32));

        let (width, height, pixels) = raster(&drawing, Theme::Light).unwrap();
        assert_eq!((width, height), (number(16), number(20)));
        let share = |wanted: Colour| {
            let (red, green, blue) = wanted.light();
            let count = pixels.chunks_exact(3).filter(|pixel| *pixel == [red, green, blue]).count();
            count as f64 / f64::from(width * height)
        };
        assert!((0.7..0.99).contains(&share(Colour::Background)), "{}", share(Colour::Background));
        // Letters, and each of the four subjects.
        assert!(share(Colour::Ink) > 0.001);
        assert!((0..4).all(|index| share(Colour::Series(index)) > 0.000_5));
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "a temporary file is left");
}

#[test]
fn a_dark_picture_has_the_dark_colours_alone() {
    let drawing = drawn(&sample::report(), percentiles::draw, Shape::Wide);
    let (_, _, pixels) = raster(&drawing, Theme::Dark).unwrap();
    let (red, green, blue) = Colour::Background.dark();
    assert_eq!(pixels[..3], [red, green, blue]);
    let svg = svg(&drawing, Theme::Dark).unwrap();
    for colour in Colour::all() {
        let hex = shmark::report::plots::palette::hex(colour.light());
        assert!(!svg.contains(&hex), "{colour:?} is light on a dark picture");
    }
}

#[test]
fn a_png_that_cannot_be_written_is_an_error_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let path = dir.path().join("file/plot.png");
    let error = write_png(&drawn(&sample::report(), points::draw, Shape::Narrow), Theme::Dark, &path).unwrap_err();
    assert!(matches!(&error, ReportError::Write { path: at, .. } if *at == path), "{error}");
}

#[test]
fn strange_figures_are_drawn_without_a_panic() {
    let strange = |change: fn(&mut BenchResult)| {
        let mut report = sample::report();
        report.bench.iter_mut().for_each(change);
        report
    };
    let reports = [
        strange(|result| result.rtt_ns = Percentiles::default()),
        strange(|result| result.floor_rtt_ns = Percentiles::default()),
        strange(|result| (result.rtt_ns.max, result.histogram) = (f64::MAX, String::new())),
        strange(|result| (result.rtt_ns.min, result.histogram) = (-5.0, String::new())),
        strange(|result| result.p50_floors = Some(Ratio { ratio: 0.0, ci95: [0.0, 0.0] })),
        strange(|result| result.p50_floors = Some(Ratio { ratio: 1e-9, ci95: [-1.0, 1e9] })),
        strange(|result| result.p50_floors_rounds.clear()),
    ];
    let dir = tempfile::tempdir().unwrap();
    for report in reports {
        for path in shmark::report::plots::write_all(&report, dir.path()).unwrap() {
            assert!(path.metadata().unwrap().len() > 1000);
        }
        shmark::report::html::render(&report).unwrap();
    }
}
