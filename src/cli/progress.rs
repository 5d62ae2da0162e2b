//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::events::{Event, Observer};
use crate::report::streams::say;
use crate::report::summary::{outcome_word, pairing_label};
use crate::report::terminal::wants_colour;

/// Shows what happens.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    colour: bool,
    /// What is counted, how many are done, and how many there are.
    what: String,
    done: usize,
    count: usize,
    /// The subject whose build was announced last.
    building: String,
}

impl Progress {
    /// On standard error.
    pub fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        let bar = terminal.then(|| {
            let bar = ProgressBar::new(0);
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar
        });
        Self { bar, colour: wants_colour(terminal), what: String::new(), done: 0, count: 0, building: String::new() }
    }

    fn planned(&mut self, what: &str, count: usize) {
        what.clone_into(&mut self.what);
        (self.done, self.count) = (0, count);
        let Some(bar) = &self.bar else {
            say(&format!("{count} {what}"));
            return;
        };
        let bar_style = if self.colour { "{bar:30.cyan/dim}" } else { "{bar:30}" };
        let template = format!("{{prefix}} {bar_style} {{pos}}/{{len}} {{elapsed}} {{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.reset();
        bar.set_length(count as u64);
        bar.set_prefix(what.to_owned());
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// A line that stays.
    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => say(text),
        }
    }

    /// A line that only a log keeps: on a terminal the bar says it.
    fn passing(&self, text: String) {
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => say(&text),
        }
    }

    fn step(&mut self) -> String {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
        }
        format!("[{}/{}]", self.done, self.count)
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
            Event::Building { subject, line } => {
                if let Some(bar) = &self.bar {
                    bar.enable_steady_tick(Duration::from_millis(100));
                    bar.set_message(format!("building {subject}: {line}"));
                } else if self.building != *subject {
                    say(&format!("building {subject}"));
                }
                self.building.clone_from(subject);
            }
            Event::Planned { what, count } => self.planned(what, *count),
            Event::ScenarioStarted { scenario, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(scenario.clone());
                }
            }
            Event::ScenarioFinished { result } => {
                let step = self.step();
                let pairing = pairing_label(&result.client, &result.server);
                let line = format!("{step} {} {} ({pairing})", outcome_word(result.outcome), result.scenario);
                if result.is_unexpected() { self.line(&line) } else { self.passing(line) }
            }
            Event::TrialStarted { scenario, subject, case, round, rounds } => {
                if let Some(bar) = &self.bar {
                    // The steady tick would wake this process up while it is to leave the processors alone.
                    bar.disable_steady_tick();
                    bar.set_message(format!("{scenario}, {case}: {subject}, round {round} of {rounds}"));
                }
            }
            Event::TrialFinished { scenario, subject, case, round, p50_ns, p50_floors, invalid } => {
                let step = self.step();
                let head = format!("{step} {scenario}, {case}: {subject}, round {round}:");
                match invalid {
                    Some(why) => self.line(&format!("{head} invalid: {why}")),
                    None => self.passing(format!("{head} p50 {p50_ns:.0} ns, {p50_floors:.2} floors")),
                }
            }
            Event::Warning { text } => self.line(&format!("warning: {text}")),
            Event::RunFinished { .. } => self.clear(),
            Event::RunStarted { seed, .. } => self.line(&format!("seed {seed}")),
            Event::SubjectReady { subject } => {
                self.passing(format!("{} {} ({}) is ready", subject.name, subject.version, subject.language));
            }
            Event::BenchFinished { .. } | Event::Compared { .. } => {}
        }
    }
}
