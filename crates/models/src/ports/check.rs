//! Random cases of whole ports.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;

use super::event::Event;
use super::operation::{LeftOut, Step, left_out, step};
use super::state::{self, Model};
use super::system::{SystemUnderTest, lens};
use super::traits::Traits;
use super::{PortSettings, RequestResponse, Tried};
use crate::explore::{Log, explore};
use crate::failure::{Broken, Rule};
use crate::{Config, RuleViolation};

/// Steps of a case, at most.
const STEPS_MAX: usize = 400;
/// States that a case may have at once; with more it ends, having shown nothing wrong.
const STATES_MAX: usize = 256;
const TESTED: &str = "the ports of a service";

/// Small counts, so that every limit is met all the time.
fn settings() -> impl Strategy<Value = PortSettings> {
    let behaviours = (any::<bool>(), any::<bool>(), any::<bool>());
    let counts = (1_usize..4, 1_usize..4, 1_usize..3, 1_usize..4, 1_usize..3, 1_usize..5);
    let departed = prop_oneof![4 => Just(256_usize), 1 => 2_usize..9];
    let all = (behaviours, counts, departed);
    all.prop_map(|((overflow_requests, overflow_responses, fire_and_forget), counts, max_departed_clients)| {
        let (max_active_requests, max_loaned_requests, max_borrowed_responses, response_buffer, servers, clients) =
            counts;
        PortSettings {
            overflow_requests,
            overflow_responses,
            fire_and_forget,
            max_active_requests,
            max_loaned_requests,
            max_borrowed_responses,
            response_buffer,
            max_servers: servers,
            max_clients: clients,
            max_departed_clients,
            max_nodes: 2,
        }
    })
}

#[derive(Debug, Clone)]
struct Case {
    settings: PortSettings,
    left_out: LeftOut,
    steps: Vec<Step>,
    ending: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let steps = prop::collection::vec(step(), 1..STEPS_MAX);
    let always = LeftOut::always();
    (settings(), left_out(), steps, any::<u64>()).prop_map(move |(settings, left_out, steps, ending)| Case {
        settings,
        left_out: left_out.and(always),
        steps,
        ending,
    })
}

/// What was wrong with an event, or what was seen without one.
fn broken(happened: String) -> Broken {
    Broken { rule: Rule::Pattern, happened }
}

fn run<R: RequestResponse>(
    implementation: &R,
    ports: R::Ports,
    case: &Case,
    log: &mut Log,
    operations: &mut u64,
) -> Result<(), Broken> {
    log.push(format!("a service with {:?}", case.settings));
    let mut system = SystemUnderTest::new(ports, case.settings, implementation.grows());
    let mut models = vec![Model::new(case.settings, Rc::new(Traits::of(implementation, lens())))];
    let mut too_many = false;
    let mut follow = |event: Event| {
        // What is in the namespace is looked at all the time, and of interest when it is wrong.
        let is_look = matches!(event, Event::Files { .. });
        if !is_look {
            *operations += 1;
            log.push(event.to_string());
        }
        models = state::follow(std::mem::take(&mut models), &event)?;
        too_many = models.len() > STATES_MAX;
        if too_many { Err(String::new()) } else { Ok(()) }
    };
    let mut all = || {
        for step in case.steps.iter().filter(|step| !case.left_out.contains(step.operation)) {
            system.carry_out(*step, &mut follow)?;
            system.files(false).into_iter().try_for_each(&mut follow)?;
        }
        system.tear_down(case.ending, case.left_out, &mut follow)
    };
    match all() {
        Err(_) if too_many => Ok(()),
        Err(happened) => Err(broken(happened)),
        Ok(()) => system.end().map_err(broken),
    }
}

pub(super) fn check(implementation: &impl RequestResponse, config: Config) -> Result<Tried, RuleViolation> {
    let tried = Cell::new(Tried::default());
    explore(TESTED, config, &cases(), |case, log| {
        let Some(ports) = implementation.create(case.settings) else { return Ok(()) };
        let mut now = tried.get();
        now.cases += 1;
        let result = run(implementation, ports, case, log, &mut now.operations);
        tried.set(now);
        result
    })?;
    if tried.get().cases > 0 {
        return Ok(tried.get());
    }
    Err(RuleViolation {
        rule: Rule::SomethingIsTested,
        tested: TESTED.to_owned(),
        happened: format!("none of {} services could be created", config.cases),
        operations: Log::new(),
        repeat: "cargo test".to_owned(),
    })
}
