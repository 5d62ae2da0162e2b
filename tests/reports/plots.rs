//! Marks where a plain computation puts them, labels that nobody has to guess.

use shmark::report::ReportError;
use shmark::report::cases::{Case, cases};
use shmark::report::plots::drawing::{Anchor, Drawing, Mark, Shape};
use shmark::report::plots::palette::{Colour, Palette};
use shmark::report::plots::{bars, histogram, percentiles, raster, svg, text_width, write_png};
use shmark::results::model::{BenchResult, Percentiles, Ratio, Report};

use super::sample;

const SHAPES: [Shape; 2] = [Shape::Wide, Shape::Narrow];

fn drawn(report: &Report, draw: fn(&Case<'_>, &Palette, Shape) -> Option<Drawing>, shape: Shape) -> Drawing {
    draw(&cases(report)[0], &Palette::of(report), shape).unwrap()
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
fn boxes(drawing: &Drawing) -> Vec<(f64, f64, f64, f64, &str)> {
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
    for report in [sample::report(), crowded(1.0), crowded(1.02), crowded(1.3), crowded(2.8)] {
        for shape in SHAPES {
            for draw in [bars::draw, percentiles::draw] {
                let drawing = drawn(&report, draw, shape);
                let boxes = boxes(&drawing);
                for (i, a) in boxes.iter().enumerate() {
                    let inside = a.0 >= 0.0 && a.1 >= 0.0 && a.2 <= drawing.width + 0.5 && a.3 <= drawing.height;
                    assert!(inside, "{shape:?}: {a:?} is clipped by {} x {}", drawing.width, drawing.height);
                    for b in &boxes[i + 1..] {
                        let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                        assert!(apart, "{shape:?}, {:?}: {a:?} overlaps {b:?}", drawing.title);
                    }
                }
            }
        }
    }
}

#[test]
fn bars_end_where_their_ratio_is() {
    let report = sample::report();
    let drawing = drawn(&report, bars::draw, Shape::Wide);
    // The range is 50, so the axis is logarithmic; two ticks give the scale independently of the bars.
    let axis = |tick: &str| texts(&drawing).iter().find(|(_, _, text, _)| *text == tick).map(|(x, ..)| *x).unwrap();
    let (one, ten) = (axis("1"), axis("10"));
    let expected = |floors: f64| one + floors.log10() * (ten - one);
    let palette = Palette::of(&report);
    for (index, result) in cases(&report)[0].valid().enumerate() {
        let floors = result.p50_floors.unwrap();
        let colour = palette.colour(&result.subject);
        let rects = drawing.marks.iter().filter_map(|mark| match mark {
            Mark::Rect { left, right, top, colour: of, .. } if *of == colour => Some((*left, *right, *top)),
            _ => None,
        });
        let rects: Vec<_> = rects.collect();
        assert_eq!(rects.len(), 1, "one bar a subject");
        let (left, right, top) = rects[0];
        assert!((left - one).abs() < 0.01 && (right - expected(floors.ratio)).abs() < 0.01, "{}", result.subject);
        let name = texts(&drawing).into_iter().find(|(_, _, text, _)| *text == result.subject).unwrap();
        assert!((name.1 - (top + 9.0)).abs() < 0.01 && name.3 == colour, "the name stands beside another bar");
        assert_eq!(index, sorted_position(&drawing, top), "bars are not sorted");
        for bound in floors.ci95 {
            let drawn = drawing.marks.iter().any(|mark| match mark {
                Mark::Line { points, .. } => {
                    points.iter().all(|(x, _)| (x - expected(bound)).abs() < 0.01)
                        && (points[0].1 - (top + 4.0)).abs() < 0.01
                }
                _ => false,
            });
            assert!(drawn, "no whisker end at {bound} for {}", result.subject);
        }
    }
    assert!(!texts(&drawing).iter().any(|(_, _, text, _)| *text == "broken-ring"), "an invalid result has a bar");
    assert!(texts(&drawing).iter().any(|(.., text, _)| text.contains("1 floor = 84.0 ns")));
}

fn sorted_position(drawing: &Drawing, top: f64) -> usize {
    drawing.marks.iter().filter(|mark| matches!(mark, Mark::Rect { top: other, .. } if *other < top)).count()
}

#[test]
fn a_small_range_gets_a_linear_axis_from_0() {
    let mut report = sample::report();
    report.bench.truncate(2);
    let drawing = drawn(&report, bars::draw, Shape::Wide);
    let axis = |tick: &str| texts(&drawing).iter().find(|(_, _, text, _)| *text == tick).map(|(x, ..)| *x).unwrap();
    let (zero, four) = (axis("0"), axis("4"));
    let floors = report.bench[1].p50_floors.unwrap().ratio;
    let longest = drawing.marks.iter().filter_map(|mark| match mark {
        Mark::Rect { left, right, .. } => Some((*left, *right)),
        _ => None,
    });
    let (left, right) = longest.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!((left - zero).abs() < 0.01);
    assert!((right - (zero + floors / 4.0 * (four - zero))).abs() < 0.01);
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
        let max = drawing.marks.iter().any(|mark| match mark {
            Mark::Dot { x, y: at, colour: of, .. } => {
                *of == colour && (*x - find("max").0).abs() < 0.01 && (at - y(result.rtt_ns.max)).abs() < 0.01
            }
            _ => false,
        });
        assert!(max, "no dot at the maximum of {}", result.subject);
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
        for draw in [bars::draw, percentiles::draw] {
            let drawing = drawn(&report, draw, shape);
            let svg = svg(&drawing).unwrap();
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
            assert!(svg.contains(&format!("<title>{}</title>", drawing.title)), "{svg}");
            assert!(svg.contains("<desc>") && drawing.description.contains("reference: "));
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
    let (a, b) = (drawn(&report, bars::draw, Shape::Wide), drawn(&report, percentiles::draw, Shape::Narrow));
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
    for draw in [bars::draw, percentiles::draw] {
        let drawing = drawn(&sample::report(), draw, Shape::Wide);
        write_png(&drawing, &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"));
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((number(16), number(20)), ((drawing.width * 2.0) as u32, (drawing.height * 2.0).ceil() as u32));

        let (width, height, pixels) = raster(&drawing).unwrap();
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
fn a_png_that_cannot_be_written_is_an_error_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let path = dir.path().join("file/plot.png");
    let error = write_png(&drawn(&sample::report(), bars::draw, Shape::Narrow), &path).unwrap_err();
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
