//! The one way out of a session: what it has made, and what each of it waits for.
//!
//! An output passes through up to three stages:
//!
//! ```text
//! push ──▶ made        until what it tells is rendered, acknowledged and, if that is due, written to a checkpoint
//!            │
//!            ├──▶ held     until the store has that checkpoint, when nothing may be told before
//!            ▼      │
//!          ready ◀──┘  until it is polled
//! ```
//!
//! Frames and effects tell what the session has become, so they begin as `made`. What tells nothing of its state
//! (that a socket is let go of, that an event didn't fit) is `ready` at once.

use alloc::collections::VecDeque;

use super::exchange::{Output, Transmission};
use super::queue;

/// See the [module](self).
pub(super) struct Outbox<E> {
    /// Made since the last checkpoint.
    made: VecDeque<Output<E>>,
    /// Waits until the checkpoint under way is stored.
    held: VecDeque<Output<E>>,
    /// To be polled.
    ready: VecDeque<Output<E>>,
}

/// A position among the outputs that are made: what is made later comes behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

impl<E> Outbox<E> {
    pub(super) const fn new() -> Self {
        Self { made: VecDeque::new(), held: VecDeque::new(), ready: VecDeque::new() }
    }

    /// Puts an output into the stage where it belongs.
    ///
    /// A checkpoint goes out at once, and all that was made before it is held until [`Outbox::release`]. An end goes out
    /// at once, and nothing that waits goes out any more.
    pub(super) fn push(&mut self, output: Output<E>) {
        match output {
            Output::Transmit(_) | Output::Effect(_) => queue::push(&mut self.made, output),
            Output::Persist(_) => {
                queue::append(&mut self.held, &mut self.made);
                if self.ready.capacity() == 0 {
                    self.ready.reserve_exact(1);
                }
                self.ready.push_front(output);
            }
            Output::Drop(_) | Output::Unfit(_) | Output::EffectDropped => {
                queue::push(&mut self.ready, output);
            }
            Output::Close(_) => {
                self.made.clear();
                self.held.clear();
                queue::push(&mut self.ready, output);
            }
        }
    }

    /// Puts outputs where they belong, in this order.
    pub(super) fn extend(&mut self, outputs: impl IntoIterator<Item = Output<E>>) {
        outputs.into_iter().for_each(|output| self.push(output));
    }

    /// The position behind what is made by now.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.made.len())
    }

    /// Puts frames before what was made since `mark`.
    pub(super) fn push_at(&mut self, mark: Mark, frames: impl IntoIterator<Item = Transmission>) {
        let first = mark.0.min(self.made.len());
        for (index, frame) in (first..).zip(frames) {
            self.made.insert(index, Output::Transmit(frame));
        }
    }

    /// How many outputs wait for a checkpoint that isn't begun.
    pub(super) fn made_count(&self) -> usize {
        self.made.len()
    }

    /// The checkpoint under way is stored, or nothing has to wait for it: what it holds may be told.
    pub(super) fn release(&mut self) {
        queue::append(&mut self.ready, &mut self.held);
    }

    /// What was made tells of nothing that has to be stored first.
    pub(super) fn release_made(&mut self) {
        queue::append(&mut self.ready, &mut self.made);
    }

    /// The next output of those that wait for nothing any more.
    pub(super) fn poll(&mut self) -> Option<Output<E>> {
        self.ready.pop_front()
    }

    /// What was meant for a socket that is gone reaches nobody: the client asks again.
    pub(super) fn forget_frames(&mut self) {
        for queue in [&mut self.made, &mut self.held, &mut self.ready] {
            queue.retain(|output| !matches!(output, Output::Transmit(_)));
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        for queue in [&mut self.made, &mut self.held, &mut self.ready] {
            queue.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests;
