//! Queues that take as little room as they need: most queues of most sessions never hold more than one thing.

use alloc::collections::VecDeque;

/// Puts `one` last. The first room is for one; a queue makes room for four by itself.
pub(super) fn push<T>(queue: &mut VecDeque<T>, one: T) {
    if queue.capacity() == 0 {
        queue.reserve_exact(1);
    }
    queue.push_back(one);
}

/// Moves all of `from` behind what is in `to`. An empty `to` takes over the memory of `from`.
pub(super) fn append<T>(to: &mut VecDeque<T>, from: &mut VecDeque<T>) {
    if to.is_empty() {
        core::mem::swap(to, from);
    } else {
        to.append(from);
    }
}
