//! A service that is open: its lock, and how ports and the whole process leave it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use super::registry::Registry;
use super::static_config::StaticConfig;
use super::sweep::{self, Discarded, Leaver};
use super::{cleanup, files};
use crate::config::DeploymentProfile;
use crate::error::{SystemContext, SystemError};
use crate::lock;
use crate::name::ServiceName;
use crate::node::NodeInner;
use crate::settings::Settings;

/// A service that this process has open; shared by everything made from it.
#[derive(Debug)]
pub(crate) struct ServiceInner {
    pub node: Arc<NodeInner>,
    pub name: ServiceName,
    pub folder: PathBuf,
    pub config: StaticConfig,
    pub registry: Registry,
    pub(super) lock_file: File,
    /// A file's lock belongs to its open description, so threads that share it need a lock of their own.
    pub(super) lock_threads: Mutex<()>,
    /// Ports that are gone and could not get the lock to say so.
    pub(super) late_ports: Mutex<Vec<Leaver>>,
}

/// The service's lock, held.
pub(crate) struct ServiceLock<'a> {
    _file: lock::Guard<'a>,
    _thread: MutexGuard<'a, ()>,
    /// Dropped last, without the lock.
    _late: Late,
}

/// What late ports have left, removed when this is dropped.
struct Late(Vec<Discarded>);

impl Drop for Late {
    fn drop(&mut self) {
        for discarded in self.0.drain(..) {
            // What cannot be removed now is removed with the next port that leaves, or with the service.
            let _ = discarded.remove();
        }
    }
}

impl ServiceInner {
    /// Takes the service's lock.
    ///
    /// # Errors
    /// `TimedOut` if somebody holds it for 3 seconds.
    pub fn lock(&self) -> io::Result<ServiceLock<'_>> {
        self.lock_within(lock::LOOKS_MAX)
    }

    /// Takes the service's lock for something that can as well be done later.
    ///
    /// # Errors
    /// `TimedOut` if somebody holds it for 100 ms.
    pub fn lock_soon(&self) -> io::Result<ServiceLock<'_>> {
        self.lock_within(lock::LOOKS_SOON)
    }

    fn lock_within(&self, looks_max: u32) -> io::Result<ServiceLock<'_>> {
        let thread = lock::locked(&self.lock_threads);
        let file = lock::acquire_within(&self.lock_file, &self.folder.join(files::LOCK), looks_max)?;
        let late = Late(self.take_out_late_ports());
        Ok(ServiceLock { _file: file, _thread: thread, _late: late })
    }

    /// Under the lock: what is discarded, to be removed without.
    fn take_out_late_ports(&self) -> Vec<Discarded> {
        let mut taken = Vec::new();
        // What cannot be swept now is tried again with the lock that comes next; leaving twice is leaving once.
        lock::locked(&self.late_ports).retain(|leaver| self.take_out(*leaver).map(|files| taken.push(files)).is_err());
        taken
    }

    /// Takes a port out of the registry. Under the lock: what is discarded, to be removed without.
    fn take_out(&self, leaver: Leaver) -> io::Result<Discarded> {
        self.registry.leave_ports(|entry| leaver.is(entry.id));
        sweep::sweep(&self.registry, leaver)
    }

    pub fn settings(&self) -> &Settings {
        &self.config.settings
    }

    /// Whether the node's profile wants everything in memory from the beginning.
    pub fn locks_memory(&self) -> bool {
        self.node.config.profile == DeploymentProfile::SafetyCritical
    }

    /// Takes a port out of the service, and what nobody will ask for any more with it. Where the lock cannot be had, that is
    /// done as soon as anybody of this service in this process gets it, or with the service.
    pub fn leave_port(&self, leaver: Leaver) {
        if let Ok(lock) = self.lock() {
            let discarded = self.take_out(leaver);
            drop(lock);
            // What cannot be removed now is removed with the next port that leaves, or with the service.
            let _ = discarded.and_then(Discarded::remove);
        } else {
            lock::locked(&self.late_ports).push(leaver.later());
        }
    }

    /// Whether the service's folder can still be reached by its path: by others, and by this process for new files.
    ///
    /// # Errors
    /// Why not.
    pub fn check_reachable(&self) -> Result<(), SystemError> {
        let path = self.folder.join(files::LOCK);
        let there = lock::is_still_at(&self.lock_file, &path).and_then(|is_there| {
            let missing = || io::Error::new(io::ErrorKind::NotFound, "it is not there any more, or another one is");
            is_there.then_some(()).ok_or_else(missing)
        });
        there.at("reaching the service's folder", &self.folder)
    }

    fn leave(&self) -> io::Result<()> {
        let lock = self.lock()?;
        let discarded = cleanup::forget_nodes(&self.node.root, &self.registry, &[self.node.id], self.node.id);
        drop(lock);
        discarded?.remove()
    }
}

impl Drop for ServiceInner {
    fn drop(&mut self) {
        let mut services = lock::locked(&self.node.services);
        let key = self.name.folder();
        let last = match services.get_mut(&key) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            _ => services.remove(&key).is_some(),
        };
        if last && self.leave().is_err() {
            // Somebody holds the lock and does not go on. The node's file will stay, unlocked, so that the next one to
            // look cleans up for us.
            self.node.left_behind.store(true, Ordering::Relaxed); // Relaxed: read by the node's last owner.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::node::Node;

    #[test]
    fn a_port_that_could_not_leave_leaves_with_the_next_lock() {
        let root = tempfile::tempdir().unwrap();
        let node = Node::builder().config(Config::default()).root(root.path().join("root")).create().unwrap();
        let name = ServiceName::new("late").unwrap();
        let service = node.service_builder(&name).request_response::<u64, u64>().create().unwrap();
        let [late, stays] = [(); 2].map(|()| service.server_builder().create().unwrap());
        let ids = || service.info().servers.into_iter().map(|port| port.id).collect::<Vec<_>>();
        let [first, second] = ids().try_into().unwrap();
        lock::locked(&service.inner.late_ports).push(Leaver::Server(first));
        assert_eq!(ids(), [first, second], "before anybody has the lock");
        let changes = service.inner.registry.changes();
        drop(service.inner.lock().unwrap());
        assert_eq!(ids(), [second], "after somebody had the lock");
        assert!(service.inner.registry.changes() > changes, "the other ports are not told");
        let changes = service.inner.registry.changes();
        drop(service.inner.lock().unwrap());
        assert_eq!(service.inner.registry.changes(), changes, "a port leaves twice");
        drop((late, stays));
    }
}
