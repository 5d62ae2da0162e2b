//! Who takes part, where, and then: measure.

use std::time::Duration;

use super::expected::expected_s;
use super::lifecycle::{self, LifecycleEntry, LifecycleFound};
use super::pin::Pin;
use super::placement::Placement;
use super::processes::Processes;
use super::rounds::{Entry, measure};
use super::width::ROUNDS_FACTOR_MAX;
use super::{BenchError, cases, pin};
use crate::harness::error::HarnessError;
use crate::harness::peer::Peer;
use crate::harness::run_folder::RunFolder;
use crate::harness::scheduling;
use crate::harness::subject::Subject;
use crate::results::events::{Event, Observer};
use crate::results::model::{BenchResult, LifecycleResult, Relative, SubjectInfo};
use crate::scenario::lifecycle::LifecycleScenario;
use crate::scenario::model::{BenchCase, BenchScenario};

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Questions.
    pub scenarios: Vec<BenchScenario>,
    /// Questions about the lifecycle, which come after those.
    pub lifecycle: Vec<LifecycleScenario>,
    /// Subjects asked for; the scenarios' baselines join them.
    pub subjects: Vec<Subject>,
    /// Rounds instead of the scenarios' own, at least 1.
    pub rounds: Option<usize>,
    /// Shorter, with wider intervals; see [`quick`](super::quick).
    pub quick: bool,
    /// Processors of client and server; chosen if absent. Of every pair each case of a load is measured on each.
    pub pin: Option<Pin>,
    /// Whether client and server of a load run under `SCHED_FIFO`.
    pub real_time: bool,
    /// How long the run waits, in all, for a host that has put the two processors far apart; see
    /// [`placement`](super::placement). Zero where they stay where they are.
    pub placement_wait: Duration,
    /// Whether a trial that the machine has disturbed to the end is only missing from its result, which is invalid otherwise.
    pub skips_disturbed: bool,
    /// Picks who begins.
    pub seed: u64,
}

impl Options {
    /// A question as it is asked: shorter if the run is quick.
    pub fn shown(&self, scenario: &BenchScenario) -> BenchScenario {
        if self.quick { cases::quick(scenario.clone()) } else { scenario.clone() }
    }

    /// The same of one about the lifecycle.
    pub fn shown_lifecycle(&self, scenario: &LifecycleScenario) -> LifecycleScenario {
        if self.quick { cases::quick_lifecycle(scenario.clone()) } else { scenario.clone() }
    }

    /// The cases of a question as they are measured: on each pair of processors if all are asked for.
    ///
    /// # Errors
    /// As [`pin::pairs`] and [`pin::allowed`].
    pub fn cases(&self, scenario: &BenchScenario) -> Result<Vec<BenchCase>, BenchError> {
        let cases = &scenario.cases;
        if self.pin != Some(Pin::All) {
            return Ok(cases.clone());
        }
        Ok(cases::on_pairs(cases, &pin::pairs(self.pin, &pin::allowed()?)?))
    }
}

/// What was measured.
#[derive(Debug, Clone, Default)]
pub struct BenchOutcome {
    /// One result a scenario, case and subject.
    pub bench: Vec<BenchResult>,
    /// Pairs of subjects within this run.
    pub relative: Vec<Relative>,
    /// One result a scenario about the lifecycle, case and subject.
    pub lifecycle: Vec<LifecycleResult>,
    /// Who took part.
    pub subjects: Vec<SubjectInfo>,
    /// What was asked for and not measured, one sentence each.
    pub skipped: Vec<String>,
    /// Subjects that were asked for and have no result at all, one sentence each; unless an interrupt ended it early.
    pub without_result: Vec<String>,
    /// Whether an interrupt ended it early; what is there is valid.
    pub interrupted: bool,
}

/// Subjects that answered, and the sentences about those that did not take part.
#[derive(Default)]
struct Participants {
    subjects: Vec<Subject>,
    infos: Vec<SubjectInfo>,
    skipped: Vec<String>,
    /// Whether there are questions for subjects without a benchmark mode.
    has_lifecycle: bool,
    /// Places of those subjects.
    without_loads: Vec<usize>,
}

/// Measures. A subject asked for has to be buildable and has to speak the protocol; a baseline that is not available
/// here, a subject without the feature `bench` and a case that a subject does not have are skipped visibly.
///
/// # Errors
/// Fewer than two processors, processors that cannot be used, or a subject asked for that is not fit to be measured.
pub fn run(options: &Options, observer: &mut dyn Observer) -> Result<BenchOutcome, BenchError> {
    let allowed = pin::allowed()?;
    let pairs = pin::pairs(options.pin, &allowed)?;
    let pin = *pairs.first().ok_or(BenchError::OneProcessor)?;
    Subject::check_names_differ(options.subjects.iter())?;
    if options.real_time {
        scheduling::may_be_real_time().map_err(BenchError::NotRealTime)?;
    }
    let folder = RunFolder::create()?;
    if cfg!(debug_assertions) {
        let text = "this shmark was built without optimisation, and the built-in subjects with it: their figures say \
                    nothing. Build with --release";
        observer.event(&Event::Warning { text: text.to_owned() });
    }
    let mut participants = Participants::default();
    let (entries, lifecycle) = match participants.gather(options, &folder, observer) {
        Err(BenchError::Harness(HarnessError::Interrupted)) => {
            return Ok(BenchOutcome { subjects: participants.infos, interrupted: true, ..BenchOutcome::default() });
        }
        gathered => gathered?,
    };
    let names: Vec<String> = participants.subjects.iter().map(|subject| subject.name.clone()).collect();
    let (least_s, most_s) = expected_s(&entries, &lifecycle);
    observer.event(&Event::Expected { least_s, most_s });
    let placement = Placement::new(options.placement_wait);
    let mut launcher = Processes {
        subjects: participants.subjects,
        folder,
        pin,
        placement,
        seed: options.seed,
        real_time: options.real_time,
    };
    let found = measure(&entries, &names, options.seed, &mut launcher, observer);
    participants.skipped.extend(found.skipped);
    let lives = if found.interrupted {
        LifecycleFound { interrupted: true, ..LifecycleFound::default() }
    } else {
        lifecycle::measure(&lifecycle, &launcher, observer)
    };
    participants.skipped.extend(lives.skipped);
    let is_without = |subject: &&Subject| {
        !found.bench.iter().any(|result| result.subject == subject.name)
            && !lives.results.iter().any(|result| result.subject == subject.name)
    };
    let mut without: Vec<&Subject> = Vec::new();
    for subject in options.subjects.iter().filter(|_| !lives.interrupted).filter(is_without) {
        if !without.contains(&subject) {
            without.push(subject);
        }
    }
    let sentence = |subject: &&Subject| {
        format!("subject `{}` was asked for and has no result; the warnings say why", subject.name)
    };
    Ok(BenchOutcome {
        without_result: without.iter().map(sentence).collect(),
        bench: found.bench,
        relative: found.relative,
        lifecycle: lives.results,
        subjects: participants.infos,
        skipped: participants.skipped,
        interrupted: lives.interrupted,
    })
}

impl Participants {
    /// Adds everybody who was asked for, then the baselines; says who takes part in which scenario.
    fn gather(
        &mut self,
        options: &Options,
        folder: &RunFolder,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<Entry>, Vec<LifecycleEntry>), BenchError> {
        self.has_lifecycle = !options.lifecycle.is_empty();
        let mut asked = Vec::new();
        for subject in &options.subjects {
            if let Some(index) = self.join(subject, folder, options.seed, observer)?
                && !asked.contains(&index)
            {
                asked.push(index);
            }
        }
        let mut entries = Vec::new();
        for scenario in &options.scenarios {
            let mut scenario = options.shown(scenario);
            scenario.rounds = options.rounds.unwrap_or(scenario.rounds).max(1);
            scenario.cases = options.cases(&scenario)?;
            let mut subjects = asked.clone();
            subjects.retain(|index| !self.without_loads.contains(index));
            let asked = subjects.len();
            for name in &scenario.baselines {
                match self.baseline(name, folder, options.seed, observer) {
                    Ok(Some(index)) if !subjects.contains(&index) && !self.without_loads.contains(&index) => {
                        subjects.push(index);
                    }
                    Ok(_) => {}
                    Err(BenchError::Harness(HarnessError::Interrupted)) => return Err(HarnessError::Interrupted.into()),
                    Err(error) => self.skip(format!("the baseline `{name}` is left out: {error}"), observer),
                }
            }
            // Whoever says how many gets so many.
            let rounds_max = scenario.rounds * if options.rounds.is_some() { 1 } else { ROUNDS_FACTOR_MAX };
            entries.push(Entry { scenario, subjects, asked, rounds_max, skips_disturbed: options.skips_disturbed });
        }
        let lifecycle = options.lifecycle.iter().map(|scenario| {
            let mut scenario = options.shown_lifecycle(scenario);
            scenario.rounds = options.rounds.unwrap_or(scenario.rounds).max(1);
            let rounds_max = scenario.rounds * if options.rounds.is_some() { 1 } else { ROUNDS_FACTOR_MAX };
            LifecycleEntry { scenario, subjects: asked.clone(), rounds_max }
        });
        Ok((entries, lifecycle.collect()))
    }

    fn baseline(
        &mut self,
        name: &str,
        folder: &RunFolder,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<Option<usize>, BenchError> {
        let subject = Subject::find(name).map_err(HarnessError::from)?;
        self.join(&subject, folder, seed, observer)
    }

    /// Builds a subject and asks it who it is. Returns its place, or `None` if it cannot be measured.
    fn join(
        &mut self,
        subject: &Subject,
        folder: &RunFolder,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<Option<usize>, BenchError> {
        if let Some(index) = self.subjects.iter().position(|known| known.name == subject.name) {
            Subject::check_names_differ([&self.subjects[index], subject].into_iter())?;
            return Ok(Some(index));
        }
        let name = &subject.name;
        subject.prepare(&mut |line| {
            observer.event(&Event::Building { subject: name.clone(), line: line.to_owned() });
        })?;
        let namespace = folder.namespace()?;
        let (peer, hello) = Peer::spawn(subject, "peer", namespace.path(), seed)?;
        drop(peer);
        for text in hello.warnings(subject) {
            observer.event(&Event::Warning { text });
        }
        let has_loads = hello.features.iter().any(|feature| feature == "bench");
        if !has_loads {
            let what = if self.has_lifecycle { "left out of loads" } else { "left out" };
            self.skip(format!("{name} is {what}: its peer does not declare the feature `bench`"), observer);
            if !self.has_lifecycle {
                return Ok(None);
            }
            self.without_loads.push(self.subjects.len());
        }
        let info = SubjectInfo {
            name: name.clone(),
            implementation: hello.implementation,
            version: hello.version,
            language: hello.language,
            features: hello.features,
            wire: hello.wire,
        };
        observer.event(&Event::SubjectReady { subject: info.clone() });
        self.subjects.push(subject.clone());
        self.infos.push(info);
        Ok(Some(self.subjects.len() - 1))
    }

    fn skip(&mut self, text: String, observer: &mut dyn Observer) {
        if !self.skipped.contains(&text) {
            observer.event(&Event::Warning { text: text.clone() });
            self.skipped.push(text);
        }
    }
}
