//! A share in an object that lives as long as anybody has one.

use std::ops::Deref;
use std::rc::{Rc, Weak};

/// An [`Rc`] that is dropped by value. The drop of an `Rc` takes its address, and with it that of everything around it,
/// so that a message's handle could never stay in registers; docs/MEASURING.md has what that costs.
#[derive(Debug)]
pub(crate) struct Share<T>(Option<Rc<T>>);

impl<T> Share<T> {
    /// One more share.
    #[inline(always)]
    pub fn of(object: &Rc<T>) -> Self {
        Self(Some(Rc::clone(object)))
    }

    /// Takes the share out of its place, which can only be dropped afterwards.
    #[inline(always)]
    pub fn take(&mut self) -> Option<Rc<T>> {
        self.0.take()
    }

    /// A look at the object that does not keep it alive.
    pub fn downgrade(&self) -> Weak<T> {
        self.0.as_ref().map_or_else(Weak::new, Rc::downgrade)
    }
}

impl<T> From<Rc<T>> for Share<T> {
    #[inline(always)]
    fn from(object: Rc<T>) -> Self {
        Self(Some(object))
    }
}

impl<T> Clone for Share<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Share<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        match &self.0 {
            Some(object) => object,
            None => unreachable!("a share is empty only while it is dropped"),
        }
    }
}

impl<T> Drop for Share<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop_outlined(object);
        }
    }
}

/// Not inlined, so that every drop of a handle is: one that is called takes the handle's address.
#[inline(never)]
fn drop_outlined<T>(object: Rc<T>) {
    drop(object);
}
