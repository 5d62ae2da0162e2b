//! The formats that a report can be written in. One is a file of its own beside this one, and a row here: its option on the
//! command line and its file in a folder of results follow from that.

use super::error::ReportError;
use super::{annotations, badge, bencher, csv, github_benchmark, html, json, junit, lifecycle_csv, markdown};
use crate::results::model::Report;

/// A form that a whole report can be written in, as text.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its option on the command line, without the dashes.
    pub option: &'static str,
    /// What the option's help says.
    pub help: &'static str,
    /// Its file in a folder of results.
    pub file: &'static str,
    /// Whether it is the page to open. It is written last: whoever sees it finds the rest.
    pub is_page: bool,
    /// The text.
    pub render: fn(&Report) -> Result<String, ReportError>,
}

/// Every format, in the order of the options.
pub const FORMATS: &[Format] = &[
    Format {
        option: "json",
        help: "Write the results as JSON; `-` is standard output, here and below",
        file: "report.json",
        is_page: false,
        render: json::render,
    },
    Format {
        option: "junit",
        help: "Write the results for CI systems, in the format that most of them read",
        file: "junit.xml",
        is_page: false,
        render: junit::render,
    },
    Format {
        option: "html",
        help: "Write the results as one HTML page",
        file: "report.html",
        is_page: true,
        render: html::render,
    },
    Format {
        option: "markdown",
        help: "Write the results as Markdown",
        file: "summary.md",
        is_page: false,
        render: |report| Ok(markdown::render(report)),
    },
    Format {
        option: "annotations",
        help: "Write what is unexpected as workflow commands of GitHub, which show it at its line",
        file: "annotations.txt",
        is_page: false,
        render: |report| Ok(annotations::render(report)),
    },
    Format {
        option: "badge",
        help: "Write a badge as an image",
        file: "badge.svg",
        is_page: false,
        render: |report| Ok(badge::svg(report)),
    },
    Format {
        option: "badge-json",
        help: "Write a badge as data for an endpoint of shields.io",
        file: "badge.json",
        is_page: false,
        render: badge::shields,
    },
    Format {
        option: "csv",
        help: "Write the benchmark results as CSV, one row each",
        file: "benchmarks.csv",
        is_page: false,
        render: csv::render,
    },
    Format {
        option: "lifecycle-csv",
        help: "Write the results about the lifecycle as CSV, one row a figure",
        file: "lifecycle.csv",
        is_page: false,
        render: lifecycle_csv::render,
    },
    Format {
        option: "github-benchmark",
        help: "Write the benchmark results for github-action-benchmark, tool customSmallerIsBetter",
        file: "github-benchmark.json",
        is_page: false,
        render: github_benchmark::render,
    },
    Format {
        option: "bencher",
        help: "Write the benchmark results for Bencher, as Bencher Metric Format",
        file: "bencher.json",
        is_page: false,
        render: bencher::render,
    },
];
