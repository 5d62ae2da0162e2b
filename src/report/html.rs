//! `report.html`: one file that holds everything, for a browser on a desk or a phone, light or dark.

mod builds;
mod figures;
mod view;

use std::fmt::Write as _;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment};

use super::error::ReportError;
use super::plots::palette::{Colour, hex};
use super::sanitise::sanitise;
use crate::results::model::Report;

const TEMPLATE: &str = include_str!("html/report.html.jinja");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page: style, script and plots are in it, and it loads nothing.
///
/// # Errors
/// [`ReportError::Render`], which would be a defect of the template.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let report = &sanitise(report);
    let failed = |error: minijinja::Error| ReportError::Render { format: "report.html", why: format!("{error:#}") };
    let mut environment = Environment::new();
    // The template's name does not end in .html, so escaping is switched on for everything.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(failed)?);
    environment.add_template("report", TEMPLATE).map_err(failed)?;
    let style = format!("{STYLE}\n{}", plot_colours());
    let context = minijinja::context! {
        style => minijinja::Value::from_safe_string(style),
        script => minijinja::Value::from_safe_string(SCRIPT.to_owned()),
        view => minijinja::value::Serde(view::View::of(report)?),
    };
    environment.get_template("report").and_then(|template| template.render(context)).map_err(failed)
}

/// Plots have their light colours as attributes; on a dark page these rules replace them. A subject's key in a table has
/// the colour of its plots.
fn plot_colours() -> String {
    let (mut light_rules, mut dark_rules) = (String::new(), String::new());
    for colour in Colour::all() {
        let (light, dark) = (hex(colour.light()), hex(colour.dark()));
        for property in ["fill", "stroke"] {
            let _ = writeln!(dark_rules, ".plot svg [{property}=\"{light}\"] {{ {property}: {dark} }}");
        }
        if let Colour::Series(index) = colour {
            let _ = writeln!(light_rules, ".key-{index} {{ fill: {light} }}");
            let _ = writeln!(dark_rules, ".key-{index} {{ fill: {dark} }}");
        }
    }
    format!("{light_rules}@media (prefers-color-scheme: dark) {{\n{dark_rules}}}\n")
}
