//! Two services in one thread, in an event loop that waits for signals as well. See `client.rs`.

use std::error::Error;
use std::io::{Read, Write, stdout};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use shmark_engine::{Node, PollSet, Readiness, ServiceName};

fn main() -> Result<(), Box<dyn Error>> {
    // Ctrl-C writes a byte into a socket, which is one more thing to wait for.
    let (mut interrupted, interrupt) = UnixStream::pair()?;
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::low_level::pipe::register(signal, interrupt.try_clone()?)?;
    }

    let node = Node::builder().create()?;
    let mut servers = Vec::new();
    let mut set = PollSet::new()?;
    for name in ["My/Squares", "My/Cubes"] {
        let service = node.service_builder(&ServiceName::new(name)?).request_response::<u64, u64>().open_or_create()?;
        let server = service.server_builder().create()?;
        servers.push((set.attach(&server)?, name, server));
    }
    writeln!(stdout(), "ready to receive requests")?;

    loop {
        let events = set.arm()?.to_vec();
        if events.is_empty() {
            // Nothing is there, and whatever comes from now on makes the descriptor readable.
            let mut descriptors =
                [PollFd::new(set.as_fd(), PollFlags::POLLIN), PollFd::new(interrupted.as_fd(), PollFlags::POLLIN)];
            match poll(&mut descriptors, PollTimeout::NONE) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            if descriptors[1].any() == Some(true) {
                interrupted.read_exact(&mut [0])?;
                writeln!(stdout(), "exit")?;
                return Ok(());
            }
        }
        for event in events {
            let Some((_, name, server)) = servers.iter().find(|(id, ..)| *id == event.id) else { continue };
            if event.readiness == Readiness::Disconnected {
                writeln!(stdout(), "{name}: the last client has gone")?;
                continue;
            }
            while let Some(active) = server.receive()? {
                writeln!(stdout(), "{name}: received request {}", *active)?;
                let power = if *name == "My/Squares" { 2 } else { 3 };
                active.send_copy(active.wrapping_pow(power))?;
            }
        }
    }
}
