//! Random cases of whole ports.

use std::cell::Cell;

use proptest::prelude::*;

use super::operation::{Operation, operation};
use super::state::{self, Model, Traits};
use super::world::World;
use super::{PortSettings, RequestResponse, event};
use crate::kit::explore::{Log, explore};
use crate::kit::failure::{Broken, Rule};
use crate::kit::{Config, Failure};

/// Operations of a case, at most.
const OPERATIONS_MAX: usize = 120;
/// No request has more elements: they grow with their number.
const LEN_MAX_EVER: usize = 2 * OPERATIONS_MAX;
const TESTED: &str = "the ports of a service";

/// Small counts, so that every limit is met all the time.
fn settings() -> impl Strategy<Value = PortSettings> {
    let behaviours = (any::<bool>(), any::<bool>(), any::<bool>());
    let counts = (1_usize..4, 1_usize..3, 1_usize..3, 1_usize..4, 1_usize..3, 1_usize..4);
    (behaviours, counts).prop_map(|((overflow_requests, overflow_responses, fire_and_forget), counts)| {
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
            max_nodes: 2,
        }
    })
}

/// What was wrong with an event, or what was seen without one.
fn broken(happened: String) -> Broken {
    Broken { rule: Rule::Pattern, happened }
}

fn run<R: RequestResponse>(
    implementation: &R,
    ports: R::Ports,
    (settings, operations, ending): &(PortSettings, Vec<(Operation, u8)>, u64),
    log: &mut Log,
) -> Result<(), Broken> {
    log.push(format!("a service with {settings:?}"));
    let mut world = World::new(ports, *settings, implementation.grows());
    let traits = Traits::of(implementation, LEN_MAX_EVER);
    let mut models = vec![Model::new(*settings, traits)];
    let mut follow = |models: &mut Vec<Model>, event: event::Event| {
        log.push(event.to_string());
        *models = state::follow(models, &event)?;
        Ok(())
    };
    for (operation, pick) in operations {
        for event in world.carry_out(*operation, *pick).map_err(broken)? {
            follow(&mut models, event).map_err(broken)?;
        }
    }
    world.wind_up(*ending, |event| follow(&mut models, event)).map_err(broken)?;
    world.end().map_err(broken)
}

pub(super) fn check(implementation: &impl RequestResponse, config: Config) -> Result<(), Failure> {
    let operations = prop::collection::vec((operation(), any::<u8>()), 1..OPERATIONS_MAX);
    let cases = (settings(), operations, any::<u64>());
    let tested = Cell::new(0_u32);
    explore(TESTED, config, &cases, |case, log| {
        let Some(ports) = implementation.create(case.0) else { return Ok(()) };
        tested.set(tested.get() + 1);
        run(implementation, ports, case, log)
    })?;
    if tested.get() > 0 {
        return Ok(());
    }
    Err(Failure {
        rule: Rule::SomethingIsTested,
        tested: TESTED.to_owned(),
        happened: format!("none of {} services could be created", config.cases),
        operations: Log::new(),
        repeat: "cargo test".to_owned(),
    })
}
