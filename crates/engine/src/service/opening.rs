//! Opening and creating services, while others do the same and leave.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inner::ServiceInner;
use super::registry::Registry;
use super::static_config::StaticConfig;
use super::sweep::Discarded;
use super::{cleanup, files};
use crate::error::{ServiceError, SystemContext, found};
use crate::id::Id;
use crate::lock;
use crate::name::ServiceName;
use crate::node::NodeInner;
use crate::root::make_private_folder;

/// Tries of open, create and open-or-create while others create and remove the same service. Each try that fails is another
/// one's success, so both bounds have to be passed before something else must be wrong.
const TRIES_MAX: u32 = 1000;
const TRIES_TIME: Duration = Duration::from_secs(10);
/// The first tries follow each other at once.
const TRIES_WITHOUT_PAUSE: u32 = 10;

const CREATING: &str = "creating the service's files";

/// Tries something until there is a result; pauses before all but the first few tries.
fn repeat<T>(mut attempt: impl FnMut() -> Result<Option<T>, ServiceError>) -> Result<T, ServiceError> {
    let (mut made, end) = (0_u32, Instant::now() + TRIES_TIME);
    while made < TRIES_MAX || Instant::now() < end {
        if made >= TRIES_WITHOUT_PAUSE {
            std::thread::sleep(Duration::from_millis(1));
        }
        made = made.saturating_add(1);
        if let Some(service) = attempt()? {
            return Ok(service);
        }
    }
    Err(ServiceError::InCreation)
}

/// What opening asks of a service that is there.
type Check<'a> = &'a dyn Fn(&StaticConfig) -> Result<(), ServiceError>;

/// Starts a service; from [`Node::service_builder`](crate::Node::service_builder).
#[derive(Debug)]
pub struct ServiceBuilder {
    pub(super) node: Arc<NodeInner>,
    pub(super) name: ServiceName,
}

impl ServiceBuilder {
    fn folder(&self) -> PathBuf {
        self.node.root.services().join(self.name.folder())
    }

    /// Opens a service whose settings pass `check`.
    pub(super) fn open(&self, check: Check<'_>) -> Result<ServiceInner, ServiceError> {
        self.node.check_linked()?;
        let mut services = lock::locked(&self.node.services);
        let service = repeat(|| self.find(check))?;
        *services.entry(self.name.folder()).or_insert(0) += 1;
        Ok(service)
    }

    /// What is in the service's folder; `None` if it was removed meanwhile, or what was left of it has been removed now.
    fn find(&self, check: Check<'_>) -> Result<Option<ServiceInner>, ServiceError> {
        let (node, folder) = (&self.node, &self.folder());
        // What dead nodes left must not stand in the way; what cannot be cleaned now is told by what fails next.
        let _ = cleanup::clean_dead_nodes(&node.root);
        if files::is_link(folder) {
            return Err(ServiceError::Corrupted { file: "folder", reason: "it is a link".to_owned() });
        }
        let lock_path = folder.join(files::LOCK);
        let Some(lock_file) = found(lock::open(&lock_path, false)).at("opening the service's lock", folder)? else {
            return without_lock(folder, &lock_path).map(|()| None);
        };
        let guard = match lock::acquire(&lock_file, &lock_path) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(ServiceError::InCreation),
            locked => locked.at("locking the service", folder)?,
        };
        if !lock::is_still_at(&lock_file, &lock_path).at("looking at the service's lock", folder)? {
            return Ok(None);
        }
        let config = StaticConfig::read(folder)?;
        if config.name != self.name.as_str() {
            return Err(ServiceError::NameCollision { other: config.name });
        }
        let registry = Registry::open(folder, &config.settings)?;
        if registry.is_abandoned() {
            // Its last user was killed while leaving.
            registry.remove();
            let discarded = Discarded::service(&node.root, folder, node.id);
            drop(guard);
            discarded.and_then(Discarded::remove).at("removing a service that was left", folder)?;
            return Ok(None);
        }
        check(&config)?;
        if !registry.enter_node(node.id) {
            return Err(ServiceError::ExceedsMaxNodes { max_nodes: config.settings.max_nodes });
        }
        drop(guard);
        Ok(Some(self.opened(config, registry, lock_file)))
    }

    fn opened(&self, config: StaticConfig, registry: Registry, lock_file: File) -> ServiceInner {
        let (node, name, folder) = (Arc::clone(&self.node), self.name.clone(), registry.folder.clone());
        let (lock_threads, late_ports) = Default::default();
        ServiceInner { node, name, folder, config, registry, lock_file, lock_threads, late_ports }
    }

    /// Creates a service.
    pub(super) fn create(&self, config: StaticConfig) -> Result<ServiceInner, ServiceError> {
        // Looking first removes what the last user left when it was killed, and tells damage from existence.
        match self.open(&|_| Err(ServiceError::AlreadyExists)) {
            Err(ServiceError::DoesNotExist) => {}
            // `check` refuses whatever is there.
            refused => return refused,
        }
        let (node, folder) = (&self.node, &self.folder());
        let mut services = lock::locked(&node.services);
        let aside = files::temporary_folder(&node.root, node.id).at(CREATING, folder)?;
        let (lock_file, registry) = make(&aside, folder, node.id, &config).inspect_err(|_| {
            // The first error is the one worth telling; what is left belongs to this node and goes with it.
            let _ = files::remove_folder(&aside);
        })?;
        *services.entry(self.name.folder()).or_insert(0) += 1;
        Ok(self.opened(config, registry, lock_file))
    }

    /// Opens the service, or creates it if it does not exist; of several that do so at once, one creates (RR-SVC-03).
    pub(super) fn open_or_create(&self, config: &StaticConfig, check: Check<'_>) -> Result<ServiceInner, ServiceError> {
        repeat(|| {
            match self.open(check) {
                Err(ServiceError::DoesNotExist) => {}
                other => return other.map(Some),
            }
            match self.create(config.clone()) {
                Err(ServiceError::AlreadyExists) => Ok(None),
                other => other.map(Some),
            }
        })
    }
}

/// No lock was there to be opened: tells a service that came or went meanwhile from one that has lost it.
fn without_lock(folder: &Path, lock: &Path) -> Result<(), ServiceError> {
    let what = "looking at the service's folder";
    let Some(there) = found(File::open(folder)).at(what, folder)? else { return Err(ServiceError::DoesNotExist) };
    // A folder comes and goes with its lock in it, so both looks have to be at the same folder.
    let has_lock = found(std::fs::symlink_metadata(lock)).at(what, folder)?.is_some();
    if !has_lock && lock::is_still_at(&there, folder).at(what, folder)? {
        return Err(ServiceError::Corrupted { file: "lock", reason: "it is missing".to_owned() });
    }
    Ok(())
}

/// Makes a complete service, with its creator entered, in a folder that nobody looks into, and lets it appear.
fn make(aside: &Path, folder: &Path, creator: Id, config: &StaticConfig) -> Result<(File, Registry), ServiceError> {
    make_private_folder(aside).at(CREATING, aside)?;
    let lock_file = lock::open(&aside.join(files::LOCK), true).at(CREATING, aside)?;
    config.write(aside)?;
    let registry = Registry::create(aside, folder, &config.settings).at(CREATING, aside)?;
    registry.enter_node(creator);
    match std::fs::rename(aside, folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
            Err(ServiceError::AlreadyExists)
        }
        renamed => Ok(renamed.at(CREATING, folder).map(|()| (lock_file, registry))?),
    }
}
