//! Deployment profiles: what memory is spent for.

use std::collections::BTreeMap;

use shmark_engine::error::{LoanError, PortError};
use shmark_engine::{AllocationStrategy, Config, DeploymentProfile, Node};

use crate::common::{Scratch, name};

/// Of each file of the namespace that is mapped here: bytes, bytes in memory, and whether all of it is locked there.
fn mapped(scratch: &Scratch) -> BTreeMap<String, (u64, u64, bool)> {
    let folder = scratch.path().to_str().unwrap();
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut found = BTreeMap::new();
    let mut file = None;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if first.contains('-') && !first.ends_with(':') {
            file = line.find(folder).map(|at| line[at..].to_owned());
        } else if let Some(file) = &file {
            let entry = found.entry(file.clone()).or_insert((0, 0, true));
            match first {
                "Size:" => entry.0 += words.next().unwrap().parse::<u64>().unwrap() * 1024,
                "Rss:" => entry.1 += words.next().unwrap().parse::<u64>().unwrap() * 1024,
                "VmFlags:" => entry.2 &= words.any(|flag| flag == "lo"),
                _ => {}
            }
        }
    }
    found
}

fn node(scratch: &Scratch, profile: DeploymentProfile) -> Node {
    let config = Config { profile, ..Config::default() };
    Node::builder().root(scratch.path()).config(config).create().unwrap()
}

/// Every page of every file that is mapped on the message path is in memory from the beginning, and stays there.
#[test]
fn safety_critical_ports_have_everything_in_memory() {
    for profile in [DeploymentProfile::Desktop, DeploymentProfile::SafetyCritical] {
        let scratch = Scratch::new();
        let node = node(&scratch, profile);
        let service = node.service_builder(&name("profile")).request_response::<[u8], u64>().create().unwrap();
        let server = service.server_builder().create().unwrap();
        let client = service.client_builder().initial_max_slice_len(10_000).create().unwrap();
        let pending = client.loan_slice(10_000).unwrap().send().unwrap();
        server.receive().unwrap().unwrap().send_copy(7).unwrap();
        assert_eq!(**pending.receive().unwrap().as_ref().unwrap(), 7);
        let found = mapped(&scratch);
        // Registry, both segments and the connection, each side for itself.
        assert!(found.len() >= 4, "{found:?}");
        let locks = profile == DeploymentProfile::SafetyCritical;
        for (file, (bytes, in_memory, locked)) in &found {
            assert_eq!(*locked, locks, "whether {file} is locked into memory, {profile:?}");
            assert!(!locks || in_memory == bytes, "{in_memory} of {bytes} bytes of {file} are in memory");
        }
    }
}

/// What was not allocated at the beginning is refused.
#[test]
fn safety_critical_ports_do_not_grow() {
    let scratch = Scratch::new();
    let node = node(&scratch, DeploymentProfile::SafetyCritical);
    let service = node.service_builder(&name("profile")).request_response::<[u8], [u8]>().create().unwrap();
    for strategy in [AllocationStrategy::BestFit, AllocationStrategy::PowerOfTwo] {
        let client = service.client_builder().allocation_strategy(strategy).create();
        assert_eq!(client.unwrap_err(), PortError::GrowthInSafetyCriticalProfile);
        let server = service.server_builder().allocation_strategy(strategy).create();
        assert_eq!(server.unwrap_err(), PortError::GrowthInSafetyCriticalProfile);
    }
    let client = service.client_builder().initial_max_slice_len(4).create().unwrap();
    assert_eq!(client.loan_slice(5).unwrap_err(), LoanError::ExceedsMaxLoanSize { len: 5, max: 4 });
    assert_eq!(scratch.files_like("segment-").len(), 1, "a port that was refused leaves nothing");
}
