//! `registry`: the mapped table of a service's nodes, clients and servers, and the counter that says it changed.
//!
//! Written under the service's lock, read without it. A place is filled while it is empty and then made visible by one
//! store of its state; readers look at the state before and after. So a writer that dies anywhere leaves an empty place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::files;
use super::static_config::{LAYOUT_VERSION, StaticConfig};
use crate::connection::Side;
use crate::error::{ServiceError, SystemContext};
use crate::id::Id;
use crate::settings::Settings;
use crate::shm::Mapping;
use crate::wait::notification_pipe;
use crate::wait::word;

const FILE: &str = "registry";
const MAGIC: u64 = u64::from_le_bytes(*b"shmkreg\0") + (LAYOUT_VERSION << 56);
/// Words of the head: one line of constants, one line for the counter.
const HEAD_WORDS: usize = 16;
const COUNTER: usize = 8;
const REMOVED: usize = 4;
/// Numbers that clients got who left with something unread.
const DEPARTURES: usize = 5;
/// Words of a node's place: state, id.
const NODE_WORDS: usize = 4;
/// Words of a port's place: state, id, node, name length, name, wake word, and a server's count of requests given up.
const PORT_WORDS: usize = 16;
/// In a port's place.
const WAKE_WORD: usize = 14;
/// In a server's place.
const GIVEN_UP: usize = 15;
/// Bytes of a port's name.
pub(crate) const PORT_NAME_BYTES_MAX: usize = 64;

/// A port as the table shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PortEntry {
    pub id: Id,
    pub node: Id,
    pub name: String,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Registry {
    map: Mapping,
    /// The service's folder, where notification pipes are.
    pub folder: PathBuf,
    pub settings: Settings,
}

fn words(settings: &Settings) -> usize {
    HEAD_WORDS + settings.max_nodes * NODE_WORDS + (settings.max_clients + settings.max_servers) * PORT_WORDS
}

impl Registry {
    /// Makes the file in a folder that nobody else sees yet, and that is called `folder` later.
    pub fn create(aside: &Path, folder: &Path, settings: &Settings) -> io::Result<Self> {
        let map = Mapping::create(&aside.join(FILE), words(settings) * 8)?;
        let registry = Self { map, folder: folder.to_owned(), settings: *settings };
        // Relaxed: the folder becomes visible by rename, which orders everything before it.
        registry.word(0).store(MAGIC, Ordering::Relaxed);
        Ok(registry)
    }

    /// Maps an existing one; `settings` say how long it has to be.
    ///
    /// # Errors
    /// [`ServiceError::Corrupted`], or those of the system.
    pub fn open(folder: &Path, settings: &Settings) -> Result<Self, ServiceError> {
        let corrupted = |reason| ServiceError::Corrupted { file: FILE, reason };
        let (path, bytes) = (folder.join(FILE), words(settings) * 8);
        let is_damage = |kind| matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::NotFound);
        let map = match Mapping::open(&path, true) {
            Err(error) if is_damage(error.kind()) || files::is_no_file(&path) => {
                return Err(corrupted(error.to_string()));
            }
            opened => opened.at("opening the service's registry", folder)?,
        };
        if map.len() != bytes {
            return Err(corrupted(format!("it has {} bytes, not {bytes}", map.len())));
        }
        let registry = Self { map, folder: folder.to_owned(), settings: *settings };
        // Relaxed: the word never changes once the folder is visible.
        if registry.word(0).load(Ordering::Relaxed) != MAGIC {
            return Err(corrupted("wrong magic number or version".to_owned()));
        }
        Ok(registry)
    }

    /// Settings and table of the service in a folder, or nothing if it is damaged: only that is final.
    ///
    /// # Errors
    /// If it cannot be told, for instance for lack of descriptors.
    pub fn open_undamaged(folder: &Path) -> Result<Option<(StaticConfig, Self)>, ServiceError> {
        let config = StaticConfig::read(folder);
        match config.and_then(|config| Self::open(folder, &config.settings).map(|registry| (config, registry))) {
            Err(error) if error.is_damage() => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Touches every page and keeps it in memory.
    pub fn lock_in_memory(&self) -> io::Result<()> {
        self.map.lock_in_memory()
    }

    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.map.words()[index]
    }

    /// Relaxed: the lock orders what its holders read and write, and to others the fields of a place are made visible by the
    /// release store of its state.
    fn read(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Relaxed)
    }

    /// As [`Registry::read`].
    fn write(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Relaxed);
    }

    /// How often the table has changed. The only word that is read on the message path.
    #[inline]
    pub fn changes(&self) -> u64 {
        // Acquire: whoever sees a new count also sees the change that it counts.
        self.word(COUNTER).load(Ordering::Acquire)
    }

    /// Tells every port that something has changed, those that sleep too.
    pub fn changed(&self) {
        // Release: pairs with `changes`. A counter and not a flag, so that no change hides another.
        self.word(COUNTER).fetch_add(1, Ordering::Release);
        // The sender's fence of the module `wait::word`, once for all of them: this is not the message path.
        fence(Ordering::SeqCst);
        for place in self.all_places() {
            let word = self.word(place + WAKE_WORD);
            if !word::is_quiet(word, false)
                && word::wake_owner(word)
                && let Some(port) = self.port(place)
                && let Ok(pipe) = notification_pipe::open(&self.folder.join(files::notification_pipe(port.id)))
            {
                notification_pipe::notify(&pipe);
            }
        }
    }

    /// Index of a port's wake word, for [`Registry::wake_word`]; `None` if it is not entered.
    pub fn find_wake_word(&self, side: Side, id: Id) -> Option<usize> {
        let place = self.places(side).find(|place| self.port(*place).is_some_and(|port| port.id == id));
        place.map(|place| place + WAKE_WORD)
    }

    /// A port's wake word.
    #[inline]
    pub fn wake_word(&self, index: usize) -> Option<&AtomicU64> {
        self.map.words().get(index)
    }

    /// Whether the service was removed while its lock was waited for. Under the lock.
    pub fn is_removed(&self) -> bool {
        self.read(REMOVED) != 0
    }

    /// Whether nobody uses the service any more. Under the lock.
    pub fn is_abandoned(&self) -> bool {
        self.is_removed() || self.node_ids().is_empty()
    }

    /// Marks the service removed. Under the lock.
    pub fn remove(&self) {
        self.write(REMOVED, 1);
    }

    /// The next number for a client that leaves with something unread. Under the lock.
    pub fn next_departure(&self) -> u64 {
        // Garbage changes the order in which departed clients are received.
        let number = self.read(DEPARTURES);
        self.write(DEPARTURES, number.wrapping_add(1));
        number
    }

    /// Counts requests of departed clients that a server will not receive, because too many departed clients waited. Under
    /// the lock, or by the server itself.
    pub fn count_given_up(&self, server: Id, requests: usize) {
        if let Some(word) = self.given_up_word(server) {
            word.fetch_add(requests as u64, Ordering::Relaxed); // Relaxed: a count, on which nothing depends.
        }
    }

    /// Requests of departed clients that a server was to receive and will not; 0 if it is not entered.
    pub fn given_up(&self, server: Id) -> u64 {
        self.given_up_word(server).map_or(0, |word| word.load(Ordering::Relaxed)) // As count_given_up.
    }

    fn given_up_word(&self, server: Id) -> Option<&AtomicU64> {
        let wake = self.find_wake_word(Side::Server, server)?;
        self.map.words().get(wake - WAKE_WORD + GIVEN_UP)
    }

    fn id_at(&self, index: usize) -> Id {
        Id::from_words([self.read(index), self.read(index + 1)])
    }

    fn set_id_at(&self, index: usize, id: Id) {
        let [high, low] = id.words();
        self.write(index, high);
        self.write(index + 1, low);
    }

    /// First words of the nodes' places.
    fn node_places(&self) -> impl Iterator<Item = usize> {
        (HEAD_WORDS..).step_by(NODE_WORDS).take(self.settings.max_nodes)
    }

    /// First words of the ports' places: clients, and behind them servers.
    fn all_places(&self) -> impl Iterator<Item = usize> {
        let first = HEAD_WORDS + self.settings.max_nodes * NODE_WORDS;
        (first..).step_by(PORT_WORDS).take(self.settings.max_clients + self.settings.max_servers)
    }

    /// Those of one kind of port.
    fn places(&self, side: Side) -> impl Iterator<Item = usize> {
        let Settings { max_clients, max_servers, .. } = self.settings;
        let (first, count) = match side {
            Side::Client => (0, max_clients),
            Side::Server => (max_clients, max_servers),
        };
        self.all_places().skip(first).take(count)
    }

    /// Nodes that have the service open.
    pub fn node_ids(&self) -> Vec<Id> {
        // Acquire: pairs with the release store that made the place visible.
        let taken = self.node_places().filter(|at| self.word(*at).load(Ordering::Acquire) == 1);
        taken.map(|at| self.id_at(at + 1)).collect()
    }

    /// Enters a node; `false` if all places are taken. Entering twice is entering once. Under the lock.
    pub fn enter_node(&self, id: Id) -> bool {
        if self.node_ids().contains(&id) {
            return true;
        }
        let Some(at) = self.node_places().find(|at| self.read(*at) != 1) else { return false };
        self.set_id_at(at + 1, id);
        // Release: the id is there before the place is taken.
        self.word(at).store(1, Ordering::Release);
        self.changed();
        true
    }

    /// Takes a node out, if it is in. Under the lock.
    pub fn leave_node(&self, id: Id) {
        for at in self.node_places() {
            if self.read(at) == 1 && self.id_at(at + 1) == id {
                // Release: what the node undid before is seen by whoever sees it gone.
                self.word(at).store(0, Ordering::Release);
            }
        }
        self.changed();
    }

    /// All ports of a side.
    pub fn ports(&self, side: Side) -> Vec<PortEntry> {
        self.places(side).filter_map(|place| self.port(place)).collect()
    }

    fn port(&self, at: usize) -> Option<PortEntry> {
        // Acquire: the fields are read after the state that made them visible.
        let state = self.word(at).load(Ordering::Acquire);
        if state.is_multiple_of(2) {
            return None;
        }
        let len = usize::try_from(self.read(at + 5)).unwrap_or(0).min(PORT_NAME_BYTES_MAX);
        let bytes: Vec<u8> = (0..8).flat_map(|word| self.read(at + 6 + word).to_le_bytes()).take(len).collect();
        let name = String::from_utf8_lossy(&bytes).into_owned();
        let entry = PortEntry { id: self.id_at(at + 1), node: self.id_at(at + 3), name };
        // The fence keeps the field loads in front of the second look at the state (as in a sequence lock).
        fence(Ordering::Acquire);
        (self.read(at) == state).then_some(entry)
    }

    /// Enters a port; `false` if all places are taken. Not announced: call [`Registry::changed`]. Under the lock.
    pub fn enter_port(&self, side: Side, entry: &PortEntry) -> bool {
        let Some(at) = self.places(side).find(|at| self.read(*at).is_multiple_of(2)) else { return false };
        let state = self.read(at);
        self.set_id_at(at + 1, entry.id);
        self.set_id_at(at + 3, entry.node);
        let mut name = [0; PORT_NAME_BYTES_MAX];
        let len = entry.name.len().min(PORT_NAME_BYTES_MAX);
        name[..len].copy_from_slice(&entry.name.as_bytes()[..len]);
        self.write(at + 5, len as u64);
        for (i, chunk) in name.as_chunks::<8>().0.iter().enumerate() {
            self.write(at + 6 + i, u64::from_le_bytes(*chunk));
        }
        // Whoever had the place before may have died asleep.
        self.write(at + WAKE_WORD, 0);
        self.write(at + GIVEN_UP, 0);
        // Release: fields before state. Odd is taken; the number makes each taking distinct.
        self.word(at).store(state.wrapping_add(1), Ordering::Release);
        true
    }

    /// Takes out every port that `gone` picks. Under the lock.
    pub fn leave_ports(&self, gone: impl Fn(&PortEntry) -> bool) {
        let is_gone = |at: &usize| self.port(*at).is_some_and(|entry| gone(&entry));
        let left: Vec<usize> = self.all_places().filter(is_gone).collect();
        for at in &left {
            // Release: what the port undid before is seen by whoever sees it gone.
            self.word(*at).store(self.read(*at).wrapping_add(1), Ordering::Release);
        }
        if !left.is_empty() {
            self.changed();
        }
    }
}
