//! Both sides in one process.

use shmark_peer::kit::bench::check;
use shmark_peer::kit::bench::load::{Timing, Touch};
use shmark_peer::kit::implementation::Refusal;

use super::*;

fn setup(root: &tempfile::TempDir, len: usize, waiting: Waiting) -> BenchSetup {
    check::setup(root.path().to_str().unwrap(), len, waiting)
}

#[test]
fn requests_are_answered_and_a_side_that_is_left_alone_comes_back() {
    for waiting in [Waiting::Spin, Waiting::Block] {
        let root = tempfile::tempdir().unwrap();
        for (len, requests) in [(8, 1_000), (13, 100), (4096, 1_000)] {
            let setup = setup(&root, len, waiting);
            assert_eq!(check::round_trips::<Queues>(&setup, requests), Ok(()), "{len} bytes, {waiting:?}");
        }
        let mut setup = setup(&root, 8, waiting);
        assert_eq!(check::server_outlives_its_client::<Queues>(&setup), Ok(()));
        setup.load = Load { timing: Timing::Throughput, outstanding: 4, responses: 2, ..Load::default() };
        assert_eq!(check::round_trips::<Queues>(&setup, 100), Ok(()));
    }
}

#[test]
fn names_are_taken_away_by_the_client_or_with_the_server() {
    let root = tempfile::tempdir().unwrap();
    let setup = setup(&root, 8, Waiting::Spin);
    let server = Queues::bench_server(&setup).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    assert!(Queues::bench_server(&setup).is_err(), "there is one");
    let client = Queues::bench_client(&setup).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    assert!(Queues::bench_client(&setup).is_err(), "the names are gone");
    drop((server, client));
    drop(Queues::bench_server(&setup).unwrap_or_else(|refusal| panic!("{refusal:?}")));
    assert!(Queues::bench_client(&setup).is_err(), "the names are gone with the server");
}

#[test]
fn what_the_system_or_a_queue_lacks_is_unsupported() {
    let root = tempfile::tempdir().unwrap();
    let refused = |setup: &BenchSetup| match Queues::bench_server(setup) {
        Err(Refusal::Unsupported(why)) => why,
        other => panic!("{:?}", other.map(|_| "a server")),
    };
    let mut setup = setup(&root, 1 << 30, Waiting::Spin);
    assert!(refused(&setup).contains("fs.mqueue.msgsize_max"));
    setup.len = 8;
    (setup.load.timing, setup.load.outstanding) = (Timing::Throughput, 1 << 20);
    assert!(refused(&setup).contains("fs.mqueue.msg_max"));
    setup.load = Load { touch: Touch::Stamp, ..Load::default() };
    refused(&setup);
}
