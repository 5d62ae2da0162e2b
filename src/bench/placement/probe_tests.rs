//! Looks whose threads meet, and those whose threads do not, in every order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;

use loom::sync::atomic::{AtomicBool as LoomBool, AtomicU64 as LoomU64};

use super::*;
use crate::bench::pin::allowed;

/// A machine that does not get something done by then is broken.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where the end is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Word,
    /// In the line, where a late server stores over it.
    Line,
}

const END: u64 = u64::MAX;

/// Under loom: without clock and interrupt, so that the end alone ends a wait.
struct Modelled {
    line: LoomU64,
    over: LoomBool,
    end: End,
}

impl Modelled {
    fn end(&self) {
        match self.end {
            End::Word => self.over.store(true, Ordering::Relaxed),
            End::Line => self.line.store(END, Ordering::Release),
        }
    }
}

impl Table for Modelled {
    const POLLS: u32 = 1;

    fn token(&self) -> u64 {
        self.line.load(Ordering::Acquire)
    }

    fn put(&self, token: u64) {
        self.line.store(token, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        match self.end {
            End::Word => self.over.load(Ordering::Relaxed),
            End::Line => self.token() == END,
        }
    }

    fn pause(&self) {
        loom::thread::yield_now();
    }

    fn yield_now(&self) {
        loom::thread::yield_now();
    }
}

/// Every order of a server's and a client's accesses, with an end before, between or behind any of them, that comes
/// without regard to either thread. Returns how many orders there were, and in how many of them the client got through; a thread that
/// does not end in one of them is a panic.
fn explore(end: End) -> (usize, usize) {
    let (orders, met) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&orders), Arc::clone(&met));
    loom::model::Builder::new().check(move || {
        let table = loom::sync::Arc::new(Modelled { line: LoomU64::new(EMPTY), over: LoomBool::new(false), end });
        let (for_server, for_client) = (table.clone(), table.clone());
        let server = loom::thread::spawn(move || answer(&*for_server));
        let client = loom::thread::spawn(move || round_trip(&*for_client, wait_for_server(&*for_client)?));
        table.end();
        let back = client.join().unwrap();
        server.join().unwrap();
        assert!(back.is_none_or(|token| token == READY + 2), "a token that nobody has sent came back: {back:?}");
        counts.0.fetch_add(1, Ordering::Relaxed);
        counts.1.fetch_add(usize::from(back.is_some()), Ordering::Relaxed);
    });
    (orders.load(Ordering::Relaxed), met.load(Ordering::Relaxed))
}

#[test]
fn both_threads_end_in_every_order() {
    let (orders, met) = explore(End::Word);
    assert!(met > 0 && met < orders, "both have to happen: {met} of {orders}");
}

#[test]
fn an_end_in_the_line_itself_is_found_to_be_overwritten() {
    assert!(
        catch_unwind(AssertUnwindSafe(|| explore(End::Line))).is_err(),
        "the exploration finds no order that hangs"
    );
}

/// Runs a side alone; whether it measured. Fails if it does not end.
fn alone(look: LineProbe, side: fn(&LineProbe) -> bool) -> (bool, u64) {
    let look = Arc::new(look);
    let (tell, told) = mpsc::channel();
    let shared = Arc::clone(&look);
    thread::spawn(move || tell.send(side(&shared)));
    let measured = told.recv_timeout(DEADLINE).expect("the side ends");
    (measured, look.token())
}

fn server(look: &LineProbe) -> bool {
    answer(look);
    false
}

fn client(look: &LineProbe) -> bool {
    run_client(look).is_some()
}

#[test]
fn a_side_whose_other_one_never_comes_ends_at_the_deadline_and_at_an_interrupt() {
    let hour = Duration::from_hours(1);
    for (side, left) in [(server as fn(&LineProbe) -> bool, READY), (client, EMPTY)] {
        assert_eq!(alone(LineProbe::new(Duration::from_millis(5)), side), (false, left));
        assert!(!alone(LineProbe { interrupted: || true, ..LineProbe::new(hour) }, side).0);
    }
    // In the middle: the token is with a server that does not answer.
    let gone = LineProbe::new(Duration::from_millis(5));
    gone.put(READY);
    assert_eq!(alone(gone, client), (false, READY + 1));
}

#[test]
fn a_side_that_comes_when_the_look_is_over_leaves_at_once() {
    for side in [server as fn(&LineProbe) -> bool, client] {
        let look = LineProbe::new(Duration::from_hours(1));
        look.end();
        assert_eq!(alone(look, side), (false, EMPTY), "and nothing is stored");
    }
}

#[test]
fn a_look_measures_a_line_or_says_nothing() {
    let allowed = allowed().unwrap();
    let [first, .., last] = allowed[..] else { return };
    // A busy machine may not give two processors at once; then the look ends all the same, and the next one succeeds.
    let since = Instant::now();
    let found = std::iter::repeat_with(|| floor_ns((first, last)))
        .find(|found| found.is_some() || since.elapsed() > DEADLINE)
        .flatten();
    assert!(found.is_some_and(|floor_ns| floor_ns > 1.0), "no look has measured a line: {found:?}");
    assert_eq!(floor_ns((first, CpuSet::count() + 1)), None, "there is no such processor");
    assert_eq!(floor_ns((CpuSet::count() + 1, last)), None);
}
