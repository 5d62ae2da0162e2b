//! Both sides in one process.

use shmark_peer::kit::bench::check;
use shmark_peer::kit::bench::load::{Load, Timing, Touch};

use super::*;

/// One test and one namespace: the place of temporary files is set once for a process.
#[test]
fn requests_are_answered_and_a_side_that_is_left_alone_comes_back() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    for waiting in [Waiting::Spin, Waiting::Block] {
        for (len, requests) in [(8, 1_000), (13, 100), (4096, 1_000), (3_000_001, 10)] {
            let setup = check::setup(root, len, waiting);
            assert_eq!(check::round_trips::<IpcChannel>(&setup, requests), Ok(()), "{len} bytes, {waiting:?}");
        }
        let mut setup = check::setup(root, 8, waiting);
        assert_eq!(check::server_outlives_its_client::<IpcChannel>(&setup), Ok(()));
        setup.load = Load { timing: Timing::Throughput, outstanding: 8, responses: 3, ..Load::default() };
        assert_eq!(check::round_trips::<IpcChannel>(&setup, 100), Ok(()));
    }
    let setup = check::setup(root, 8, Waiting::Spin);
    drop(IpcChannel::bench_server(&setup).unwrap_or_else(|refusal| panic!("{refusal:?}")));
    assert!(IpcChannel::bench_client(&setup).is_err(), "there is no server any more");
    let load = Load { touch: Touch::Stamp, ..Load::default() };
    let refused = IpcChannel::bench_server(&BenchSetup { load, ..setup });
    assert!(matches!(refused, Err(Refusal::Unsupported(_))));

    // The folder of a server goes with the thread that waited for its client.
    let left = || fs::read_dir(root).unwrap().count();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while left() > 0 && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(left(), 0);
}
