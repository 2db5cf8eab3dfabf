//! The end of a host: which sessions are suspended next, and when all of them are gone.
//!
//! A bounded number is under way at a time: each that has ended makes room for the next, so a slow one holds up
//! no more than one other. (`specs/session.md`, clause 13.3.)

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::token::Serial;

/// The sessions of a host that ends.
#[derive(Debug)]
pub struct Drain<I> {
    waiting: VecDeque<I>,
    under_way: BTreeSet<Serial>,
}

impl<I> Drain<I> {
    /// Nothing comes to these sessions any more.
    pub fn new(sessions: impl IntoIterator<Item = I>) -> Self {
        Self { waiting: sessions.into_iter().collect(), under_way: BTreeSet::new() }
    }

    /// The sessions to suspend now, so that at most `at_a_time` are under way.
    ///
    /// `find` has the actor of a session, and `None` for one that has ended or has been suspended otherwise.
    pub fn next<T>(&mut self, at_a_time: usize, mut find: impl FnMut(I) -> Option<(Serial, T)>) -> Vec<T> {
        let mut next = Vec::new();
        while self.under_way.len() < at_a_time {
            let Some(id) = self.waiting.pop_front() else { break };
            if let Some((serial, kept)) = find(id) {
                self.under_way.insert(serial);
                next.push(kept);
            }
        }
        next
    }

    /// The actor with this number has ended.
    pub fn handle_ended(&mut self, serial: Serial) {
        self.under_way.remove(&serial);
    }

    /// Sessions that were suspended and have not ended.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }
}
