//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Verbosity;
use super::columns::fitted;
use crate::report::comparisons;
use crate::report::figures::{counted, rate_per_s, wall};
use crate::report::streams;
use crate::report::words::{outcome_word, pairing_label};
use crate::results::events::{Event, Observer};

/// How much is told while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing.
    Quiet,
    /// What passes, in place where the terminal can do that; what is unexpected, for good.
    Usual,
    /// Everything that happens, a line each.
    Everything,
}

impl Detail {
    /// As it was asked for.
    pub fn of(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity { quiet: true, .. } => Self::Quiet,
            Verbosity { verbose: true, .. } => Self::Everything,
            _ => Self::Usual,
        }
    }

    /// Says a line of progress that needs no bar.
    pub fn say(self, line: &str) {
        if self != Self::Quiet {
            streams::say(line);
        }
    }
}

/// Shows what happens.
pub(super) struct Progress {
    detail: Detail,
    bar: Option<ProgressBar>,
    /// How many scenarios or trials are done, and how many there are.
    done: usize,
    count: usize,
    /// The subject whose build was announced last.
    building: String,
}

impl Progress {
    /// On standard error.
    pub fn new(detail: Detail) -> Self {
        // A dumb terminal cannot go back to the beginning of a line.
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bar = (detail == Detail::Usual && io::stderr().is_terminal() && !is_dumb).then(|| {
            let bar = ProgressBar::new(0);
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar
        });
        Self { detail, bar, done: 0, count: 0, building: String::new() }
    }

    fn planned(&mut self, what: &str, count: usize) {
        (self.done, self.count) = (0, count);
        let singular = what.strip_suffix('s').unwrap_or(what);
        let Some(bar) = &self.bar else {
            self.detail.say(&counted(count, singular));
            return;
        };
        let bar_style = if streams::colour_err() { "{bar:30.cyan/dim}" } else { "{bar:30}" };
        let template = format!("{{prefix}} {bar_style} {{pos}}/{{len}} {{elapsed}} {{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.reset();
        bar.set_length(count as u64);
        bar.set_prefix(if count == 1 { singular } else { what }.to_owned());
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// A line that stays.
    fn line(&self, text: &str) {
        let text = fitted(text, streams::width_err());
        match &self.bar {
            Some(bar) => bar.println(text),
            None => self.detail.say(&text),
        }
    }

    /// A line that only a log keeps: on a terminal the bar says it.
    fn passing(&self, text: String) {
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => self.detail.say(&text),
        }
    }

    /// What has begun: the bar shows it, and who asked for everything.
    fn begun(&self, text: String) {
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None if self.detail == Detail::Everything => self.line(&text),
            None => {}
        }
    }

    /// One more is done. The count for the beginning of a line; the bar has it already.
    fn step(&mut self) -> String {
        self.done += 1;
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done as u64);
                String::new()
            }
            None => format!("[{}/{}] ", self.done, self.count),
        }
    }

    fn building(&mut self, subject: &str, line: &str) {
        match &self.bar {
            Some(bar) => {
                bar.enable_steady_tick(Duration::from_millis(100));
                bar.set_message(format!("building {subject}: {line}"));
            }
            None if self.detail == Detail::Everything => self.line(&format!("building {subject}: {line}")),
            None if self.building != subject => self.detail.say(&format!("building {subject}")),
            None => {}
        }
        subject.clone_into(&mut self.building);
    }
}

impl Drop for Progress {
    /// A run that fails has no last event.
    fn drop(&mut self) {
        self.clear();
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Building { subject, line } => self.building(subject, line),
            Event::Planned { what, count } => self.planned(what, *count),
            Event::Expected { least_s, most_s } => {
                let [least, most] = [*least_s, *most_s].map(|seconds| wall(Duration::from_secs(seconds)));
                let more = if least == most {
                    String::new()
                } else {
                    format!(", and up to {most} where intervals stay too wide")
                };
                self.line(&format!("this takes about {least}{more}"));
            }
            Event::ScenarioStarted { scenario, client, server } => {
                let pairing = pairing_label(client, server);
                self.begun(format!("{scenario} ({pairing})"));
            }
            Event::ScenarioFinished { result } => {
                let step = self.step();
                let pairing = pairing_label(&result.client, &result.server);
                let line = format!("{step}{} {} ({pairing})", outcome_word(result.outcome), result.scenario);
                if result.is_unexpected() { self.line(&line) } else { self.passing(line) }
            }
            Event::TrialStarted { scenario, subject, case, round, rounds } => {
                if let Some(bar) = &self.bar {
                    // The steady tick would wake this process up while it is to leave the processors alone.
                    bar.disable_steady_tick();
                }
                self.begun(format!("{scenario}, {case}: {subject}, round {round} of {rounds}"));
            }
            Event::TrialRepeated { scenario, subject, case, round, why } => {
                self.passing(format!("{scenario}, {case}: {subject}, round {round}, is measured again: {why}"));
            }
            Event::TrialFinished { scenario, subject, case, round, p50_ns, p50_floors, saturated_per_s, invalid } => {
                let step = self.step();
                let head = format!("{step}{scenario}, {case}: {subject}, round {round}:");
                match (invalid, saturated_per_s) {
                    (Some(why), _) => self.line(&format!("{head} invalid: {why}")),
                    (None, Some(rate)) => self.passing(format!("{head} saturated at {}", rate_per_s(*rate))),
                    (None, None) if *p50_floors > 0.0 => {
                        self.passing(format!("{head} {p50_ns:.0} ns, {p50_floors:.2} floors"));
                    }
                    (None, None) => self.passing(format!("{head} {p50_ns:.0} ns")),
                }
            }
            Event::LifecycleRound { scenario, subject, case, round, figures, invalid } => {
                let head = format!("{}{scenario}, {case}: {subject}, round {round}:", self.step());
                match invalid {
                    Some(why) => self.line(&format!("{head} invalid: {why}")),
                    None => self.passing(format!("{head} {}", figures.join(", "))),
                }
            }
            Event::Warning { text } => self.line(&format!("warning: {text}")),
            Event::RunFinished { .. } => self.clear(),
            Event::RunStarted { seed, .. } => self.line(&format!("seed {seed}")),
            Event::SubjectReady { subject } => {
                self.passing(format!("{} {} ({}) is ready", subject.name, subject.version, subject.language));
            }
            Event::BuildsCompared { comparison } => self.passing(comparisons::sentence(comparison)),
            Event::BenchFinished { .. } | Event::LifecycleFinished { .. } | Event::Compared { .. } => {}
        }
    }
}
