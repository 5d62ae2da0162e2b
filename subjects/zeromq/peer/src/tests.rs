//! Both sides in one process.

use shmark_peer::kit::bench::check;
use shmark_peer::kit::bench::load::{Load, Timing};

use super::*;

#[test]
fn requests_are_answered_and_a_side_that_is_left_alone_comes_back() {
    let root = tempfile::tempdir().unwrap();
    let setup = |len| check::setup(root.path().to_str().unwrap(), len, Waiting::Block);
    for (len, requests) in [(8, 1_000), (13, 100), (4096, 1_000), (3_000_001, 10)] {
        assert_eq!(check::round_trips::<ZeroMq>(&setup(len), requests), Ok(()), "{len} bytes");
    }
    assert_eq!(check::server_outlives_its_client::<ZeroMq>(&setup(8)), Ok(()));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "the server removes what it made");
    assert!(ZeroMq::bench_client(&setup(8)).is_err(), "there is no server any more");
}

#[test]
fn what_it_lacks_is_unsupported() {
    let root = tempfile::tempdir().unwrap();
    let plain = check::setup(root.path().to_str().unwrap(), 8, Waiting::Block);
    let several = Load { timing: Timing::Throughput, outstanding: 2, ..Load::default() };
    for setup in [BenchSetup { waiting: Waiting::Spin, ..plain.clone() }, BenchSetup { load: several, ..plain }] {
        assert!(matches!(ZeroMq::bench_server(&setup), Err(Refusal::Unsupported(_))), "{setup:?}");
    }
}
