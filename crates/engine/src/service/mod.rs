//! Services: created by rename when complete, opened, left and cleaned under their lock, gone with the last that has it open.

mod builder;
pub(crate) mod cleanup;
pub(crate) mod files;
mod listing;
pub(crate) mod registry;
mod static_config;
pub(crate) mod strays;
pub(crate) mod sweep;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use builder::layouts;
pub use builder::{RequestResponseBuilder, Service, ServiceBuilder};
pub(crate) use listing::info;
pub use listing::{PortInfo, ServiceInfo};
use registry::Registry;
pub use static_config::{LAYOUT_VERSION, StaticConfig};
use sweep::{Discarded, Leaver};

use super::config::DeploymentProfile;
use super::error::{ServiceError, SystemError};
use super::lock;
use super::name::ServiceName;
use super::node::NodeInner;
use super::root::make_private_folder;
use super::settings::Settings;

/// Tries of open, create and open-or-create while others create and remove the same service. Each try that fails is another
/// one's success, so both bounds have to be passed before something else must be wrong.
const TRIES_MAX: u32 = 1000;
const TRIES_TIME: Duration = Duration::from_secs(10);
/// The first tries follow each other at once.
const TRIES_WITHOUT_PAUSE: u32 = 10;

/// Counts tries.
#[derive(Default)]
struct Tries {
    made: u32,
    end: Option<Instant>,
}

impl Tries {
    /// Whether to try once more; pauses before all but the first few.
    fn again(&mut self) -> bool {
        let end = *self.end.get_or_insert_with(|| Instant::now() + TRIES_TIME);
        self.made = self.made.saturating_add(1);
        if self.made > TRIES_WITHOUT_PAUSE {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.made <= TRIES_MAX || Instant::now() < end
    }
}

/// A service that this process has open; shared by everything made from it.
#[derive(Debug)]
pub(crate) struct ServiceInner {
    pub node: Arc<NodeInner>,
    pub name: ServiceName,
    pub folder: PathBuf,
    pub config: StaticConfig,
    pub registry: Registry,
    lock_file: File,
    /// A file's lock belongs to its open description, so threads that share it need a lock of their own.
    lock_threads: Mutex<()>,
    /// Ports that are gone and could not get the lock to say so.
    late_ports: Mutex<Vec<Leaver>>,
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
        // The mutex guards nothing but the lock below, so a panic of its holder leaves nothing half done.
        let thread = self.lock_threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.holding(thread, lock::acquire(&self.lock_file, &self.folder.join(files::LOCK))?)
    }

    /// Takes the service's lock for something that can as well be done later.
    ///
    /// # Errors
    /// `TimedOut` if somebody holds it for 100 ms.
    pub fn lock_soon(&self) -> io::Result<ServiceLock<'_>> {
        let thread = self.lock_threads.lock().unwrap_or_else(PoisonError::into_inner); // As above.
        self.holding(thread, lock::acquire_soon(&self.lock_file, &self.folder.join(files::LOCK))?)
    }

    #[allow(clippy::unnecessary_wraps, reason = "both callers return it as it is")]
    fn holding<'a>(&'a self, thread: MutexGuard<'a, ()>, file: lock::Guard<'a>) -> io::Result<ServiceLock<'a>> {
        let late = Late(self.take_out_late_ports());
        Ok(ServiceLock { _file: file, _thread: thread, _late: late })
    }

    fn lock_late_ports(&self) -> MutexGuard<'_, Vec<Leaver>> {
        // Changed in one step each, so a panic elsewhere leaves it right.
        self.late_ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under the lock: what is discarded, to be removed without.
    fn take_out_late_ports(&self) -> Vec<Discarded> {
        let mut late = self.lock_late_ports();
        let mut discarded = Vec::new();
        late.retain(|leaver| {
            self.registry.leave_ports(|entry| leaver.is(entry.id));
            // What a client still holds may have changed since it left.
            let leaver = if let Leaver::Client { .. } = leaver { Leaver::Nobody } else { *leaver };
            let swept = sweep::sweep(&self.folder, &self.registry, self.settings(), leaver);
            // What cannot be swept now is tried again with the lock that comes next; leaving twice is leaving once.
            swept.map(|files| discarded.push(files)).is_err()
        });
        discarded
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
            self.registry.leave_ports(|entry| leaver.is(entry.id));
            let discarded = sweep::sweep(&self.folder, &self.registry, self.settings(), leaver);
            drop(lock);
            // What cannot be removed now is removed with the next port that leaves, or with the service.
            let _ = discarded.and_then(Discarded::remove);
        } else {
            self.lock_late_ports().push(leaver);
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
            if is_there { Ok(()) } else { Err(missing()) }
        });
        there.map_err(|error| SystemError::at("reaching the service's folder", &self.folder, &error))
    }

    fn leave(&self) -> io::Result<()> {
        let discarded = {
            let _lock = self.lock()?;
            let service = (&self.registry, self.settings());
            cleanup::forget_node(&self.node.root, &self.folder, service, self.node.id, self.node.id)?
        };
        discarded.remove()
    }
}

impl Drop for ServiceInner {
    fn drop(&mut self) {
        let mut services = self.node.lock_services();
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
            self.node.leave_behind();
        }
    }
}

/// What opening found in the service's folder.
enum Found {
    Open(Box<ServiceInner>),
    Missing,
    /// It was removed meanwhile, or what was left of it has been removed now.
    Again,
}

/// Opens a service whose settings pass `check`.
pub(crate) fn open(
    node: &Arc<NodeInner>,
    name: &ServiceName,
    check: &dyn Fn(&StaticConfig) -> Result<(), ServiceError>,
) -> Result<ServiceInner, ServiceError> {
    node.check_linked()?;
    let mut services = node.lock_services();
    let mut tries = Tries::default();
    while tries.again() {
        match find(node, name, check)? {
            Found::Open(service) => {
                *services.entry(name.folder()).or_insert(0) += 1;
                return Ok(*service);
            }
            Found::Missing => return Err(ServiceError::DoesNotExist),
            Found::Again => {}
        }
    }
    Err(ServiceError::InCreation)
}

fn find(
    node: &Arc<NodeInner>,
    name: &ServiceName,
    check: &dyn Fn(&StaticConfig) -> Result<(), ServiceError>,
) -> Result<Found, ServiceError> {
    let folder = &node.root.services().join(name.folder());
    let system = |what: &'static str| move |error: io::Error| ServiceError::from(SystemError::at(what, folder, &error));
    // What dead nodes left must not stand in the way; what cannot be cleaned now is told by what fails next.
    let _ = cleanup::clean_dead_nodes(&node.root);
    if files::is_link(folder) {
        return Err(ServiceError::Corrupted { file: "folder", reason: "it is a link".to_owned() });
    }
    let lock_path = folder.join(files::LOCK);
    let lock_file = match lock::open(&lock_path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return without_lock(folder, &lock_path).map_err(system("looking at the service's folder"))?;
        }
        Err(error) => return Err(system("opening the service's lock")(error)),
    };
    let guard = match lock::acquire(&lock_file, &lock_path) {
        Ok(guard) => guard,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(ServiceError::InCreation),
        Err(error) => return Err(system("locking the service")(error)),
    };
    if !lock::is_still_at(&lock_file, &lock_path).map_err(system("looking at the service's lock"))? {
        return Ok(Found::Again);
    }
    let config = StaticConfig::read(folder)?;
    if config.name != name.as_str() {
        return Err(ServiceError::NameCollision { other: config.name });
    }
    let registry = Registry::open(folder, &config.settings)?;
    if registry.is_removed() || registry.node_ids().is_empty() {
        // Its last user was killed while leaving.
        registry.remove();
        let discarded = Discarded::service(&node.root, folder, node.id);
        drop(guard);
        discarded.and_then(Discarded::remove).map_err(system("removing a service that was left"))?;
        return Ok(Found::Again);
    }
    check(&config)?;
    if !registry.enter_node(node.id) {
        return Err(ServiceError::ExceedsMaxNodes { max_nodes: config.settings.max_nodes });
    }
    drop(guard);
    let (node, name) = (Arc::clone(node), name.clone());
    Ok(Found::Open(Box::new(ServiceInner {
        node,
        name,
        folder: folder.clone(),
        config,
        registry,
        lock_file,
        lock_threads: Mutex::default(),
        late_ports: Mutex::default(),
    })))
}

/// No lock was there to be opened: tells a service that came or went meanwhile from one that has lost it.
fn without_lock(folder: &Path, lock: &Path) -> io::Result<Result<Found, ServiceError>> {
    let there = match File::open(folder) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(Found::Missing)),
        Err(error) => return Err(error),
    };
    // A folder comes and goes with its lock in it, so both looks have to be at the same folder.
    match std::fs::symlink_metadata(lock) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if lock::is_still_at(&there, folder)? {
                return Ok(Err(ServiceError::Corrupted { file: "lock", reason: "it is missing".to_owned() }));
            }
        }
        looked => {
            looked?;
        }
    }
    Ok(Ok(Found::Again))
}

/// Creates a service.
pub(crate) fn create(
    node: &Arc<NodeInner>,
    name: &ServiceName,
    config: &StaticConfig,
) -> Result<ServiceInner, ServiceError> {
    // Looking first removes what the last user left when it was killed, and tells damage from existence.
    match open(node, name, &|_| Err(ServiceError::AlreadyExists)) {
        Err(ServiceError::DoesNotExist) => {}
        Err(error) => return Err(error),
        // `check` refuses whatever is there.
        Ok(_) => return Err(ServiceError::AlreadyExists),
    }
    let mut services = node.lock_services();
    let folder = node.root.services().join(name.folder());
    let system =
        |error: io::Error| ServiceError::from(SystemError::at("creating the service's files", &folder, &error));
    let aside = files::temporary_folder(&node.root, node.id).map_err(system)?;
    let made = make(&aside, &folder, node, config).and_then(|made| match std::fs::rename(&aside, &folder) {
        Ok(()) => Ok(made),
        Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
            Err(ServiceError::AlreadyExists)
        }
        Err(error) => Err(system(error)),
    });
    match made {
        Ok((lock_file, registry)) => {
            *services.entry(name.folder()).or_insert(0) += 1;
            let (node, name, config) = (Arc::clone(node), name.clone(), config.clone());
            Ok(ServiceInner {
                node,
                name,
                folder,
                config,
                registry,
                lock_file,
                lock_threads: Mutex::default(),
                late_ports: Mutex::default(),
            })
        }
        Err(error) => {
            // The first error is the one worth telling; what is left belongs to this node and goes with it.
            let _ = files::remove_folder(&aside);
            Err(error)
        }
    }
}

/// A complete service in a folder that nobody looks into, with its creator entered.
fn make(
    aside: &Path,
    folder: &Path,
    node: &NodeInner,
    config: &StaticConfig,
) -> Result<(File, Registry), ServiceError> {
    let system = |error: io::Error| ServiceError::from(SystemError::at("creating the service's files", aside, &error));
    make_private_folder(aside).map_err(system)?;
    let lock_file = lock::open(&aside.join(files::LOCK), true).map_err(system)?;
    config.write(aside)?;
    let registry = Registry::create(aside, folder, &config.settings).map_err(system)?;
    registry.enter_node(node.id);
    Ok((lock_file, registry))
}

/// Opens the service, or creates it if it does not exist; of several that do so at once, one creates (RR-SVC-03).
pub(crate) fn open_or_create(
    node: &Arc<NodeInner>,
    name: &ServiceName,
    config: &StaticConfig,
    check: &dyn Fn(&StaticConfig) -> Result<(), ServiceError>,
) -> Result<ServiceInner, ServiceError> {
    let mut tries = Tries::default();
    while tries.again() {
        match open(node, name, check) {
            Err(ServiceError::DoesNotExist) => {}
            other => return other,
        }
        match create(node, name, config) {
            Err(ServiceError::AlreadyExists) => {}
            other => return other,
        }
    }
    Err(ServiceError::InCreation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::node::Node;

    #[test]
    fn a_port_that_could_not_leave_does_so_with_the_next_lock() {
        let root = tempfile::tempdir().unwrap();
        let node = Node::builder().config(Config::default()).root(root.path().join("root")).create().unwrap();
        let name = ServiceName::new("late").unwrap();
        let service = node.service_builder(&name).request_response::<u64, u64>().create().unwrap();
        let [late, stays] = [(); 2].map(|()| service.server_builder().create().unwrap());
        let ids = || service.info().servers.into_iter().map(|port| port.id).collect::<Vec<_>>();
        let [first, second] = ids().try_into().unwrap();
        service.inner.lock_late_ports().push(Leaver::Server(first));
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
