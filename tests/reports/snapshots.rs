//! What a reader sees, in every format.

use insta::assert_snapshot;

use shmark::report;

use super::sample;

#[test]
fn terminal() {
    assert_snapshot!(report::render_terminal(&sample::report(), 100, false));
}

#[test]
fn terminal_narrow() {
    assert_snapshot!(report::render_terminal(&sample::report(), 60, false));
}

#[test]
fn markdown() {
    assert_snapshot!(report::markdown::render(&sample::report()));
}

#[test]
fn junit() {
    assert_snapshot!(report::junit::render(&sample::report()).unwrap());
}

/// What a reader gets, without tags, style, script and plots.
#[test]
fn html_text() {
    let html = report::html::render(&sample::report()).unwrap();
    let mut text = html[html.find("<body").unwrap()..html.find("<script").unwrap()].to_owned();
    while let (Some(start), Some(end)) = (text.find("<svg"), text.find("</svg>")) {
        let shown = if text[start..].starts_with("<svg class=\"key") { "" } else { "[plot]" };
        text.replace_range(start..end + "</svg>".len(), shown);
    }
    let mut shown = String::new();
    for part in text.split('<').filter_map(|part| part.split_once('>')) {
        let text = part.1.split_whitespace().collect::<Vec<_>>().join(" ");
        let block = part.0.starts_with(['h', 'p', 'd', 't', 'l', 'f']) || part.0.starts_with("section");
        if block && !shown.ends_with('\n') {
            shown.push('\n');
        }
        shown.push_str(&text);
        if !text.is_empty() {
            shown.push(' ');
        }
    }
    for (entity, plain) in
        [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        shown = shown.replace(entity, plain);
    }
    assert_snapshot!(shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"));
}
