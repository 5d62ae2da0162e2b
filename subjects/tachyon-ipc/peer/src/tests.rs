//! Both sides in one process. That a side is left alone has no test: its receive would not come back.

use shmark_peer::kit::bench::check;

use super::*;

fn in_a_namespace(len: usize, waiting: Waiting, body: impl FnOnce(&mut BenchSetup)) {
    let root = tempfile::tempdir().unwrap();
    body(&mut check::setup(root.path().to_str().unwrap(), len, waiting));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "the server removes what it made");
}

#[test]
fn calls_of_any_length_are_answered() {
    for waiting in [Waiting::Spin, Waiting::Block] {
        for (len, requests) in [(8, 1_000), (13, 100), (4096, 1_000), (300_001, 100)] {
            in_a_namespace(len, waiting, |setup| {
                assert_eq!(check::round_trips::<Tachyon>(setup, requests), Ok(()), "{len} bytes, {waiting:?}");
            });
        }
    }
}

#[test]
fn several_calls_are_under_way() {
    in_a_namespace(1000, Waiting::Block, |setup| {
        (setup.load.timing, setup.load.outstanding) = (Timing::Throughput, 64);
        assert_eq!(check::round_trips::<Tachyon>(setup, 1_000), Ok(()));
    });
}

#[test]
fn what_it_lacks_is_unsupported() {
    in_a_namespace(8, Waiting::Spin, |setup| {
        let refused = |setup: &BenchSetup| matches!(Tachyon::bench_server(setup), Err(Refusal::Unsupported(_)));
        let plain = setup.clone();
        setup.load.timing = Timing::OpenLoop;
        assert!(refused(setup));
        *setup = plain.clone();
        setup.load.responses = 2;
        assert!(refused(setup));
        *setup = plain;
        setup.len = 100_000_000;
        assert!(refused(setup));
    });
}

#[test]
fn a_server_without_a_client_ends_and_a_client_without_a_server_is_refused() {
    in_a_namespace(8, Waiting::Block, |setup| {
        drop(Tachyon::bench_server(setup).unwrap_or_else(|refusal| panic!("{refusal:?}")));
        assert!(Tachyon::bench_client(setup).is_err());
    });
}
