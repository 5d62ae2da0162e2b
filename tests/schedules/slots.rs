//! Slots whose atomics are explored, with orderings and exchanges that can be broken, for a side that can be stopped.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU64;
use shmark::engine::channel::{Slots, ordering};

/// How the slots behave. The default is what the engine does on mapped memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// One side's view of the slots of a channel. What a dead side is told is made up and never used.
#[derive(Debug, Clone)]
pub struct Explored {
    words: Rc<[AtomicU64]>,
    behaviour: Behaviour,
    life: Rc<Life>,
}

impl Explored {
    pub fn words(count: usize) -> Rc<[AtomicU64]> {
        (0..count).map(|_| AtomicU64::new(0)).collect()
    }

    pub fn new(words: &Rc<[AtomicU64]>, behaviour: Behaviour, life: &Rc<Life>) -> Self {
        Self { words: Rc::clone(words), behaviour, life: Rc::clone(life) }
    }
}

impl Slots for Explored {
    fn load(&self, slot: usize) -> u64 {
        if self.life.is_dead() { 0 } else { self.words[slot].load(self.behaviour.load) }
    }

    fn store(&self, slot: usize, word: u64) {
        if self.life.stores_now() {
            self.words[slot].store(word, self.behaviour.store);
        }
    }

    fn swap(&self, slot: usize, word: u64) -> u64 {
        if !self.life.stores_now() {
            return 0;
        }
        if self.behaviour.swap_in_two_steps {
            let old = self.words[slot].load(Ordering::Acquire);
            self.words[slot].store(word, Ordering::Release);
            return old;
        }
        self.words[slot].swap(word, self.behaviour.swap)
    }

    fn take(&self, slot: usize, old: u64) -> bool {
        if !self.life.stores_now() {
            return true;
        }
        if self.behaviour.take_unconditionally {
            return self.words[slot].swap(0, self.behaviour.take) != 0;
        }
        if self.behaviour.take_in_two_steps {
            let same = self.words[slot].load(Ordering::Acquire) == old;
            if same {
                self.words[slot].store(0, Ordering::Release);
            }
            return same;
        }
        self.words[slot].compare_exchange(old, 0, self.behaviour.take, ordering::TAKE_FAILED).is_ok()
    }
}
