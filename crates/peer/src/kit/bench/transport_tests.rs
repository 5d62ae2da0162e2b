//! What transports share, over a channel within this process.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{LazyLock, Mutex, mpsc};

use super::load::{Timing, Touch};
use super::place::{self, Place};
use super::{Accepting, check};
use crate::kit::implementation::{BenchClient, BenchServer, BenchSetup, BenchSubject, OpResult, Refusal, Waiting};

type Ends = (Receiver<u64>, Sender<u64>);

/// Where clients leave the server's ends, by the setup's path.
static MEETINGS: LazyLock<Mutex<HashMap<String, mpsc::Sender<Ends>>>> = LazyLock::new(Mutex::default);

/// Answers with `number + ADDED`; so one that adds is wrong.
struct Channels<const ADDED: u64>;

struct Server<const ADDED: u64> {
    accepting: Accepting<Ends>,
    ends: Option<Ends>,
    setup: BenchSetup,
    _place: Place,
}

impl<const ADDED: u64> BenchServer for Server<ADDED> {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some((requests, responses)) = &self.ends else {
            self.ends = self.accepting.poll(self.setup.waiting)?;
            return Ok(None);
        };
        let Some(request) = take(requests)? else { return Ok(None) };
        for number in self.setup.load.numbers(request) {
            responses.send(number + ADDED).map_err(|error| error.to_string())?;
        }
        Ok(Some(request))
    }
}

struct Client(Sender<u64>, Receiver<u64>);

impl BenchClient for Client {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        self.0.send(sequence).map_err(|error| error.to_string())
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        take(&self.1)
    }
}

fn take(from: &Receiver<u64>) -> Result<Option<u64>, String> {
    match from.try_recv() {
        Ok(number) => Ok(Some(number)),
        Err(TryRecvError::Empty) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

impl<const ADDED: u64> BenchSubject for Channels<ADDED> {
    type Client = Client;
    type Server = Server<ADDED>;

    fn bench_server(setup: &BenchSetup) -> OpResult<Server<ADDED>> {
        let path = place::path(setup, "channels")?;
        std::fs::File::create_new(&path).map_err(|error| place::refusal("making", &path, &error))?;
        let (meet, client) = channel();
        MEETINGS.lock().unwrap().insert(path.to_str().unwrap().to_owned(), meet);
        let accepting = Accepting::start(move || client.recv().map_err(|error| error.to_string())).unwrap();
        Ok(Server { accepting, ends: None, setup: setup.clone(), _place: Place::new(path) })
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Client> {
        let path = place::path(setup, "channels")?;
        let meeting = MEETINGS.lock().unwrap().remove(path.to_str().unwrap());
        let meeting = meeting.ok_or_else(|| place::unsupported("no server"))?;
        let ((requests, theirs), (answers, responses)) = (channel(), channel());
        meeting.send((theirs, answers)).unwrap();
        Ok(Client(requests, responses))
    }
}

fn in_a_namespace(waiting: Waiting, body: impl FnOnce(&mut BenchSetup)) {
    let root = tempfile::tempdir().unwrap();
    body(&mut check::setup(root.path().to_str().unwrap(), 8, waiting));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "the server removes what it made");
}

#[test]
fn round_trips_are_checked_and_leave_no_file() {
    for waiting in [Waiting::Spin, Waiting::Block] {
        in_a_namespace(waiting, |setup| {
            assert_eq!(check::round_trips::<Channels<0>>(setup, 10), Ok(()));
            assert_eq!(check::server_outlives_its_client::<Channels<0>>(setup), Ok(()));
            (setup.load.timing, setup.load.outstanding, setup.load.responses) = (Timing::Throughput, 3, 2);
            assert_eq!(check::round_trips::<Channels<0>>(setup, 10), Ok(()));
        });
    }
}

#[test]
fn a_wrong_answer_and_a_server_that_is_refused_are_said() {
    let root = tempfile::tempdir().unwrap();
    let mut setup = check::setup(root.path().to_str().unwrap(), 8, Waiting::Spin);
    let wrong = check::round_trips::<Channels<1>>(&setup, 2);
    assert_eq!(wrong, Err("response 2 came instead of 1".to_owned()));
    setup.root = "/nowhere at all".to_owned();
    let refused = check::round_trips::<Channels<0>>(&setup, 1).unwrap_err();
    assert!(refused.starts_with("making /nowhere at all/"), "{refused}");
}

#[test]
fn a_load_that_no_transport_has_is_unsupported_and_names_any_service() {
    let mut setup = check::setup("/root", 8, Waiting::Spin);
    assert_eq!(place::path(&setup, "sock").unwrap().parent(), Some(Path::new("/root")));
    setup.load.touch = Touch::Stamp;
    assert!(matches!(place::path(&setup, "sock"), Err(Refusal::Unsupported(why)) if why.contains("copies")));
    (setup.load.touch, setup.load.idle_clients) = (Touch::All, 1);
    assert!(matches!(place::path(&setup, "sock"), Err(Refusal::Unsupported(why)) if why.contains("idle")));
}
