//! Slots whose atomics are explored, with orderings and exchanges that can be broken, for a side that can be stopped.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU64;
use shmark_engine::channel::{Slots, ordering};

/// How the slots behave. The default is what the engine does on mapped memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent ways to be wrong")]
pub struct Behaviour {
    pub load: Ordering,
    pub store: Ordering,
    pub swap: Ordering,
    pub take: Ordering,
    /// An exchange is a load and a store.
    pub swap_in_two_steps: bool,
    /// A conditional exchange is a load, a comparison and a store.
    pub take_in_two_steps: bool,
    /// A conditional exchange takes whatever is there.
    pub take_unconditionally: bool,
    /// A message in a slot is read when its entry is taken already.
    pub read_after_take: bool,
    /// A message is written into its slot whether the slot is empty or not.
    pub write_into_full: bool,
    /// Every order of the two sides' loads and stores is explored, where it takes seconds.
    pub every_look: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            load: ordering::LOAD,
            store: ordering::STORE,
            swap: ordering::SWAP,
            take: ordering::TAKE,
            swap_in_two_steps: false,
            take_in_two_steps: false,
            take_unconditionally: false,
            read_after_take: false,
            write_into_full: false,
            every_look: false,
        }
    }
}

/// Whether a side still runs. Each of its shared stores is counted, and it can be made to stop before any of them.
#[derive(Debug, Default)]
pub struct Life {
    stores_left: Cell<Option<usize>>,
    stores: Cell<usize>,
    dead: Cell<bool>,
}

impl Life {
    /// It stops for ever before the shared store of this number, counted from 0; never, if there is none.
    pub fn until(store: Option<usize>) -> Rc<Self> {
        Rc::new(Self { stores_left: Cell::new(store), ..Self::default() })
    }

    pub fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// If it still runs, it will not stop any more.
    pub fn survive(&self) {
        self.stores_left.set(None);
    }

    /// Shared stores that were made.
    pub fn stores(&self) -> usize {
        self.stores.get()
    }

    /// Whether the side lives to make this store.
    fn stores_now(&self) -> bool {
        match self.stores_left.get() {
            Some(0) => self.dead.set(true),
            Some(left) => self.stores_left.set(Some(left - 1)),
            None => {}
        }
        if !self.dead.get() {
            self.stores.set(self.stores.get() + 1);
        }
        !self.dead.get()
    }
}

/// The slots of a channel.
#[derive(Debug, Clone)]
pub struct Words {
    pub slots: Rc<[AtomicU64]>,
    /// Changed before each load if asked for, without any order. The exploration goes back to the last access that a step depends on: a
    /// side's own load just before its store would hide that the store could come before a load of the other side.
    looks: Rc<AtomicU64>,
}

/// One side's view of the slots of a channel. What a dead side is told is made up and never used.
#[derive(Debug, Clone)]
pub struct Explored {
    words: Words,
    behaviour: Behaviour,
    life: Rc<Life>,
}

impl Explored {
    pub fn words(count: usize) -> Words {
        let slots = (0..count).map(|_| AtomicU64::new(0)).collect();
        Words { slots, looks: Rc::new(AtomicU64::new(0)) }
    }

    pub fn new(words: &Words, behaviour: Behaviour, life: &Rc<Life>) -> Self {
        Self { words: words.clone(), behaviour, life: Rc::clone(life) }
    }
}

impl Slots for Explored {
    fn load(&self, slot: usize) -> u64 {
        if self.life.is_dead() {
            return 0;
        }
        if self.behaviour.every_look {
            self.words.looks.fetch_add(1, Ordering::Relaxed);
        }
        self.words.slots[slot].load(self.behaviour.load)
    }

    fn store(&self, slot: usize, word: u64) {
        if self.life.stores_now() {
            self.words.slots[slot].store(word, self.behaviour.store);
        }
    }

    fn swap(&self, slot: usize, word: u64) -> u64 {
        if !self.life.stores_now() {
            return 0;
        }
        if self.behaviour.swap_in_two_steps {
            let old = self.words.slots[slot].load(Ordering::Acquire);
            self.words.slots[slot].store(word, Ordering::Release);
            return old;
        }
        self.words.slots[slot].swap(word, self.behaviour.swap)
    }

    fn take(&self, slot: usize, old: u64) -> bool {
        if !self.life.stores_now() {
            return true;
        }
        if self.behaviour.take_unconditionally {
            return self.words.slots[slot].swap(0, self.behaviour.take) != 0;
        }
        if self.behaviour.take_in_two_steps {
            let same = self.words.slots[slot].load(Ordering::Acquire) == old;
            if same {
                self.words.slots[slot].store(0, Ordering::Release);
            }
            return same;
        }
        self.words.slots[slot].compare_exchange(old, 0, self.behaviour.take, ordering::TAKE_FAILED).is_ok()
    }
}
