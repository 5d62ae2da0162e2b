//! A whole conformance run: pairings times scenarios, on several threads, in order to one observer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::harness::error::HarnessError;
use crate::harness::interrupt::interrupted;
use crate::harness::peer::HelloReply;
use crate::harness::run_folder::RunFolder;
use crate::harness::subject::Subject;
use crate::results::events::{Event, Observer};
use crate::results::model::{ConformanceResult, Coverage, Footer, SubjectInfo, Verdict, exit_code};
use crate::scenario::Catalogue;
use crate::scenario::model::Scenario;

use super::execution::Setting;
use super::memory::Room;
use super::trial::{self, Rounds, Trial};
use super::{coverage, probe};

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Subjects in the client role and in the server role; the same one twice for a subject on its own.
    pub pairings: Vec<(Subject, Subject)>,
    /// Scenarios, in the order of the results.
    pub scenarios: Vec<Scenario>,
    /// Scenarios at a time, at least 1.
    pub jobs: usize,
    /// How often each scenario has to pass, at least 1. Round `n` has the seed `seed + n`.
    pub repeat: u64,
    /// Seed of what the runner makes up.
    pub seed: u64,
    /// Keep the transcripts of what passed, too.
    pub trace: bool,
    /// Words of the command line that repeating a scenario needs beside subjects, scenario and seed, such as
    /// `--scenarios` and its folder.
    pub again: Vec<String>,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct ConformanceOutcome {
    /// One entry a scenario, matrix cell and pairing, in the order of the options.
    pub results: Vec<ConformanceResult>,
    /// One entry a requirement and pairing.
    pub coverage: Vec<Coverage>,
    /// Each subject once.
    pub subjects: Vec<SubjectInfo>,
    /// Pairings of which nothing was judged, one sentence each; unless the run was interrupted.
    pub without_result: Vec<String>,
    /// `false` if the run was interrupted: what is there is valid, but not all that was asked for.
    pub complete: bool,
}

impl ConformanceOutcome {
    /// As the command line promises, for a run of these results alone.
    pub fn exit_code(&self) -> u8 {
        let without_result = self.without_result.clone();
        exit_code(&Footer { complete: self.complete, failure: None, without_result }, &self.results, &[], &[], &[])
    }
}

/// Builds the subjects, asks each who it is, and carries out every scenario for every pairing.
///
/// # Errors
/// A subject cannot be built or does not speak the protocol, or no namespace can be made. An interrupt is no error: what
/// was found until then is returned.
pub fn run(options: &Options, observer: &mut dyn Observer) -> Result<ConformanceOutcome, HarnessError> {
    let catalogue = Catalogue::builtin().map_err(|error| HarnessError::Catalogue { message: error.to_string() })?;
    Subject::check_names_differ(options.pairings.iter().flat_map(|(client, server)| [client, server]))?;
    let folder = RunFolder::create()?;
    let mut known: Vec<(&Subject, HelloReply)> = Vec::new();
    for subject in options.pairings.iter().flat_map(|(client, server)| [client, server]) {
        if !known.iter().any(|(other, _)| *other == subject) {
            let hello = probe::ready(subject, &folder, options.seed, observer)?;
            known.push((subject, hello));
        }
    }
    let plan = RunPlan { catalogue: &catalogue, options, known: &known };
    let jobs: Vec<Job<'_>> = plan.jobs();
    observer.event(&Event::Planned { what: "scenarios".to_owned(), count: jobs.len() });
    let trials = carry_out(&plan, &jobs, &folder, observer)?;
    if let Some(text) = stretched(&trials) {
        observer.event(&Event::Warning { text });
    }
    let complete = trials.iter().all(Option::is_some);
    Ok(ConformanceOutcome {
        coverage: plan.coverage(&trials),
        without_result: if complete { plan.without_result(&trials) } else { Vec::new() },
        subjects: known.iter().map(|(subject, hello)| probe::info(subject, hello)).collect(),
        complete,
        results: trials.into_iter().flatten().map(|trial| trial.result).collect(),
    })
}

/// Passes that are none by the scenarios' own bounds.
fn stretched(trials: &[Option<Trial>]) -> Option<String> {
    let results = trials.iter().flatten().map(|trial| &trial.result).filter(|result| !result.stretched.is_empty());
    let named: Vec<String> = results
        .map(|result| format!("{} ({}): {}", result.scenario, result.server, result.stretched.join("; ")))
        .collect();
    let first = named.first()?;
    let more = if named.len() > 1 { format!(", and so did others: {} in all", named.len()) } else { String::new() };
    Some(format!(
        "a scenario kept its bounds only because they were stretched: {first}{more}. Results have them as `stretched`"
    ))
}

struct RunPlan<'a> {
    catalogue: &'a Catalogue,
    options: &'a Options,
    known: &'a [(&'a Subject, HelloReply)],
}

/// One scenario for one pairing.
struct Job<'a> {
    setting: Setting<'a>,
    /// Why it is not to be carried out.
    skipped: Option<String>,
}

impl<'a> RunPlan<'a> {
    fn jobs(&self) -> Vec<Job<'a>> {
        let (catalogue, seed, again) = (self.catalogue, self.options.seed, self.options.again.as_slice());
        let scenarios = &self.options.scenarios;
        self.options
            .pairings
            .iter()
            .flat_map(|(client, server)| scenarios.iter().map(move |scenario| (client, server, scenario)))
            .map(|(client, server, scenario)| {
                let setting = Setting { catalogue, scenario, client, server, seed, again };
                Job { skipped: self.why_skipped(&setting), setting }
            })
            .collect()
    }

    fn why_skipped(&self, setting: &Setting<'_>) -> Option<String> {
        let hello = |subject: &Subject| self.known.iter().find(|(other, _)| *other == subject).map(|(_, hello)| hello);
        let (client, server) = (hello(setting.client)?, hello(setting.server)?);
        if client.wire != server.wire {
            return Some(format!(
                "subjects `{}` and `{}` cannot talk to each other: the one speaks `{}`, the other `{}`",
                setting.client.name, setting.server.name, client.wire, server.wire
            ));
        }
        setting.scenario.peers.iter().find_map(|plan| {
            let subject = setting.subject(plan.role);
            let declared = &hello(subject)?.features;
            let missing: Vec<&str> = setting
                .scenario
                .features
                .iter()
                .filter(|feature| !declared.contains(feature))
                .map(String::as_str)
                .collect();
            (!missing.is_empty())
                .then(|| format!("subject `{}` does not declare: {}", subject.name, missing.join(", ")))
        })
    }

    /// The trials of each pairing.
    fn by_pairing<'t>(
        &self,
        trials: &'t [Option<Trial>],
    ) -> impl Iterator<Item = (&'a (Subject, Subject), &'t [Option<Trial>])> {
        let count = self.options.scenarios.len();
        self.options
            .pairings
            .iter()
            .enumerate()
            .map(move |(index, pairing)| (pairing, &trials[index * count..][..count]))
    }

    fn without_result(&self, trials: &[Option<Trial>]) -> Vec<String> {
        let mut sentences = Vec::new();
        for ((client, server), own) in self.by_pairing(trials) {
            let mut results = own.iter().flatten().map(|trial| &trial.result).peekable();
            let reason = results.peek().and_then(|result| result.message.lines().next()).unwrap_or_default();
            if results.all(|result| result.outcome == Verdict::Skipped) {
                let who = if client == server {
                    format!("subject `{}` was", client.name)
                } else {
                    format!("subjects `{}` and `{}` were", client.name, server.name)
                };
                sentences.push(format!("{who} asked for, and no scenario was carried out ({reason})"));
            }
        }
        sentences
    }

    fn coverage(&self, trials: &[Option<Trial>]) -> Vec<Coverage> {
        let scenarios = &self.options.scenarios;
        let mut coverage = Vec::new();
        for ((client, server), own) in self.by_pairing(trials) {
            let pairs: Vec<_> = scenarios.iter().zip(own).map(|(scenario, trial)| (scenario, trial.as_ref())).collect();
            coverage.extend(coverage::of_pairing(self.catalogue, (&client.name, &server.name), &pairs));
        }
        coverage
    }
}

enum WorkerMessage {
    Started(usize),
    Finished(usize, Box<Result<Trial, HarnessError>>),
}

/// Carries out the jobs; `None` for those that an interrupt prevented.
fn carry_out(
    plan: &RunPlan<'_>,
    jobs: &[Job<'_>],
    folder: &RunFolder,
    observer: &mut dyn Observer,
) -> Result<Vec<Option<Trial>>, HarnessError> {
    let room = Room::default();
    let rounds = Rounds { repeat: plan.options.repeat.max(1), trace: plan.options.trace, room: &room };
    let mut trials: Vec<Option<Trial>> = jobs.iter().map(|_| None).collect();
    let next = AtomicUsize::new(0);
    let mut broken = None;
    thread::scope(|scope| {
        let (messages, inbox) = mpsc::channel();
        for _ in 0..plan.options.jobs.clamp(1, jobs.len().max(1)) {
            let (messages, next) = (messages.clone(), &next);
            scope.spawn(move || work(jobs, next, folder, rounds, &messages));
        }
        drop(messages);
        for item in inbox {
            match item {
                WorkerMessage::Started(index) => {
                    let setting = &jobs[index].setting;
                    observer.event(&Event::ScenarioStarted {
                        scenario: setting.scenario.name(),
                        client: setting.client.name.clone(),
                        server: setting.server.name.clone(),
                    });
                }
                WorkerMessage::Finished(index, done) => match *done {
                    Ok(trial) => {
                        observer.event(&Event::ScenarioFinished { result: Box::new(trial.result.clone()) });
                        trials[index] = Some(trial);
                    }
                    Err(HarnessError::Interrupted) => {}
                    Err(error) => broken = Some(error),
                },
            }
        }
    });
    broken.map_or(Ok(trials), Err)
}

fn work(
    jobs: &[Job<'_>],
    next: &AtomicUsize,
    folder: &RunFolder,
    rounds: Rounds<'_>,
    messages: &mpsc::Sender<WorkerMessage>,
) {
    while !interrupted() {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = jobs.get(index) else { return };
        let started = messages.send(WorkerMessage::Started(index));
        let done = match &job.skipped {
            Some(reason) => {
                let mut result = trial::blank(&job.setting, Verdict::Skipped);
                result.message.clone_from(reason);
                Ok(Trial { result, checks: Vec::new() })
            }
            None => trial::run(&job.setting, folder, rounds),
        };
        let over = done.is_err();
        if started.is_err() || messages.send(WorkerMessage::Finished(index, Box::new(done))).is_err() || over {
            // Without a namespace or after an interrupt there is no point in the next one.
            next.store(jobs.len(), Ordering::Relaxed);
            return;
        }
    }
}
