//! A process loses sight of its namespace: its root can no longer be opened by its path. Whoever receives is told (RR-BAD-04),
//! and does not wait for ever.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::{Uid, chdir, chroot, setresuid};
use shmark_engine::{Config, Node, Waited};

use crate::common::{Scratch, numbers};
use crate::processes::Process;

const NOBODY: Uid = Uid::from_raw(65534);

/// A server that loses sight of its namespace by the second word of its role, and is then sent a request by a new client.
pub fn play(role: &str, root: &Path, ready: fn()) {
    let how = role.trim_start_matches("unreachable-");
    let node = Node::builder().config(Config::default()).root(root.join("root")).create().unwrap();
    let server = numbers(&node).create().unwrap().server_builder().create().unwrap();
    assert!(server.receive().unwrap().is_none());
    let lost = match how {
        "chdir" => chdir("/"),
        "chroot" => chroot(&root.join("elsewhere")).and_then(|()| chdir("/")),
        "setresuid" => setresuid(NOBODY, NOBODY, NOBODY),
        other => panic!("no such way: {other}"),
    };
    match lost {
        Err(Errno::EPERM) => println!("\nnot tested: this process may not {how}"),
        result => result.unwrap(),
    }
    if lost.is_err() {
        ready();
        return;
    }
    ready();
    let started = Instant::now();
    // The first call that says something: a request that was sent, or why none can be had.
    let mut silent = 0;
    loop {
        match server.receive_timeout(Duration::from_millis(50)) {
            Err(error) => {
                println!("\n{how}: {error}");
                break;
            }
            // There are ways to serve a client without its path.
            Ok(Waited::Received(active)) => break assert_eq!(*active, 7),
            Ok(_) => silent += 1,
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "a client has sent a request to a server that cannot open its namespace by the path any more ({how}), and \
             receiving ended {silent} times without an error"
        );
    }
    drop(server);
    drop(node);
}

fn lost(how: &str) {
    let scratch = Scratch::new();
    for folder in ["elsewhere", "root"] {
        std::fs::create_dir(scratch.path().join(folder)).unwrap();
    }
    let process = Process::start(&format!("unreachable-{how}"), scratch.path(), 0);
    let node = Node::builder().config(Config::default()).root(scratch.path().join("root")).create().unwrap();
    if let Ok(service) = numbers(&node).open() {
        let client = service.client_builder().create().unwrap();
        let pending = client.send_copy(7).unwrap();
        process.finish();
        drop((pending, client, service));
    } else {
        // It had nothing to lose, and said so.
        process.finish();
    }
}

#[test]
fn a_server_in_another_working_folder_goes_on() {
    lost("chdir");
}

#[test]
fn a_server_in_another_root_says_so() {
    lost("chroot");
}

#[test]
fn a_server_of_another_user_says_so() {
    lost("setresuid");
}
