//! Where results go besides the terminal: a folder, and a file for each format that is asked for.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::failure::CommandError;
use crate::report::streams::{self, print, say};
use crate::report::{FORMATS, Format, is_stdout, render_terminal, write_all, write_file};
use crate::results::model::Report;

/// Columns of a terminal whose width is not known.
const WIDTH: usize = 100;
/// Option of the folder for everything.
const OUT: &str = "out";

/// Where results go besides the terminal.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    /// Folder for every format, plots and events.jsonl.
    pub out: Option<PathBuf>,
    /// Formats that were asked for by an option of their own.
    files: Vec<(&'static Format, PathBuf)>,
}

/// Options are made from the table of formats, so that one more format is one more option.
impl Args for Outputs {
    fn augment_args(command: Command) -> Command {
        let option = |name: &'static str, value, help| {
            Arg::new(name).long(name).value_name(value).help(help).value_parser(value_parser!(PathBuf))
        };
        let command = command.arg(option(OUT, "DIR", "Folder for every format, plots and events.jsonl"));
        command.args(FORMATS.iter().map(|format| option(format.option, "FILE", format.help)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Outputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
        let files = FORMATS.iter().filter_map(|format| Some((format, path(format.option)?))).collect();
        Ok(Self { out: path(OUT), files })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Outputs {
    /// The folder alone.
    pub fn folder(out: PathBuf) -> Self {
        Self { out: Some(out), files: Vec::new() }
    }

    /// # Errors
    /// Two formats for standard output.
    pub fn check(&self) -> Result<(), CommandError> {
        let on_stdout = self.files.iter().filter(|(_, path)| is_stdout(path));
        let words: Vec<String> = on_stdout.map(|(format, _)| format!("--{}", format.option)).collect();
        if words.len() > 1 { Err(CommandError::SharedStdout(words.join(" and "))) } else { Ok(()) }
    }

    /// Whether standard output belongs to a format.
    fn take_stdout(&self) -> bool {
        self.files.iter().any(|(_, path)| is_stdout(path))
    }

    /// Says something to people: on standard output, or on standard error if a format has that.
    pub fn tell(&self, text: &str) {
        if self.take_stdout() { say(text.trim_end()) } else { print(text) }
    }

    /// Writes what was asked for. Returns the page to open, if there is one.
    pub fn write(&self, report: &Report) -> Result<Option<PathBuf>, CommandError> {
        let mut page =
            self.out.as_ref().map(|dir| write_all(report, dir)).transpose()?.and_then(|written| written.page);
        for (format, path) in &self.files {
            write_file(path, (format.render)(report)?.as_bytes())?;
            if format.is_page && page.is_none() && !is_stdout(path) {
                page = Some(path.clone());
            }
        }
        Ok(page)
    }

    /// Shows a report to people.
    pub fn show(&self, report: &Report) {
        let (width, colour) = if self.take_stdout() {
            (streams::width_err(), streams::colour_err())
        } else {
            (streams::width_out(), streams::colour_out())
        };
        self.tell(&render_terminal(report, width.unwrap_or(WIDTH), colour));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_format_has_an_option_and_a_file_of_its_own() {
        let command = Outputs::augment_args(Command::new("test"));
        command.clone().debug_assert();
        let options: BTreeSet<_> = FORMATS.iter().map(|format| format.option).collect();
        let files: BTreeSet<_> = FORMATS.iter().map(|format| format.file).collect();
        assert_eq!((options.len(), files.len()), (FORMATS.len(), FORMATS.len()));
        assert_eq!(FORMATS.iter().filter(|format| format.is_page).count(), 1);
        for format in FORMATS {
            let words = ["test".to_owned(), format!("--{}", format.option), "x".to_owned()];
            let matches = command.clone().try_get_matches_from(words).unwrap();
            let outputs = Outputs::from_arg_matches(&matches).unwrap();
            let [(found, path)] = outputs.files.as_slice() else { panic!("{outputs:?}") };
            assert_eq!((found.option, path.to_str()), (format.option, Some("x")));
        }
    }
}
