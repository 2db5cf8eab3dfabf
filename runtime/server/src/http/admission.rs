//! What a stranger can hold: connections, sockets and bytes, in all and for each address (`adr/0016`).
//!
//! - [`address`]: which address a request is counted under
//! - [`bytes`]: what is kept for clients
//! - here: who is let in, and who makes room for them

pub(crate) mod address;
pub(crate) mod bytes;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits;

/// Connections or sockets, bounded in all and for each address.
///
/// Who holds one and asks for nothing makes room for the next, the one that has been idle longest first. Everything
/// is found by an order that is kept, so that a flood costs no more for each the larger it is.
#[derive(Debug)]
pub(crate) struct Admissions {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    all_max: usize,
    per_address_max: usize,
    admitted: HashMap<u64, Holder>,
    /// Those that may have to make room.
    idle: Order,
    by_address: HashMap<IpAddr, Address>,
    /// Told to make room, and not gone yet.
    leaving: usize,
    next_id: u64,
}

/// Since when they are idle; the number keeps those apart that are so since the same moment.
type Order = BTreeMap<Since, u64>;
type Since = (Instant, u64);

#[derive(Debug)]
struct Holder {
    /// `None` for those that aren't counted by address: a proxy's.
    address: Option<IpAddr>,
    idle_since: Option<Since>,
    leave: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Address {
    count: usize,
    idle: Order,
}

/// What there is no room in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The server has as many as it may.
    Server,
    /// The address has.
    Address,
}

/// A connection or socket that was let in; gives its place back when dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admissions: Arc<Admissions>,
    id: u64,
    leave: Arc<Notify>,
}

impl Admissions {
    pub(crate) fn new(all_max: usize, per_address_max: usize) -> Self {
        let state = State {
            all_max,
            per_address_max,
            admitted: HashMap::new(),
            idle: Order::new(),
            by_address: HashMap::new(),
            leaving: 0,
            next_id: 0,
        };
        Self { state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No step below leaves the maps at odds when it panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more in, which is idle at first. One that has been idle for a while makes room for it if need be.
    pub(crate) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Admitted, Full> {
        let mut state = self.lock();
        let before = Instant::now().checked_sub(limits::MAKES_ROOM_AFTER);
        let is_idle = |since: Instant| before.is_some_and(|before| since <= before);
        let of_address = address.and_then(|address| state.by_address.get(&address));
        if let Some(of_address) = of_address
            && of_address.count >= state.per_address_max
        {
            let oldest = of_address.idle.first_key_value().filter(|((since, _), _)| is_idle(*since));
            let id = *oldest.ok_or(Full::Address)?.1;
            state.evict(id);
        }
        if state.admitted.len() >= state.all_max {
            let oldest = state.idle.first_key_value().filter(|((since, _), _)| is_idle(*since));
            let id = *oldest.ok_or(Full::Server)?.1;
            state.evict(id);
        }
        if state.leaving > (state.all_max / limits::DESCRIPTORS_SPARE_SHARE).max(1) {
            // What they hold isn't given back yet.
            return Err(Full::Server);
        }
        let id = state.next_id;
        state.next_id += 1;
        let leave = Arc::new(Notify::new());
        state.admitted.insert(id, Holder { address, idle_since: None, leave: Arc::clone(&leave) });
        if let Some(address) = address {
            state.by_address.entry(address).or_default().count += 1;
        }
        state.stand(id, true);
        drop(state);
        Ok(Admitted { admissions: Arc::clone(self), id, leave })
    }

    /// Has up to `count` make room, whether they have been idle for a while or not; how many there were.
    pub(crate) fn shed(&self, count: usize) -> usize {
        let mut state = self.lock();
        for shed in 0..count {
            let Some(id) = state.idle.first_key_value().map(|(_, id)| *id) else { return shed };
            state.evict(id);
        }
        count
    }

    /// An address may have so many from here on, and those that `is_exempt` are not counted by address.
    pub(crate) fn bound(&self, per_address_max: usize, is_exempt: impl Fn(IpAddr) -> bool) {
        let mut state = self.lock();
        state.per_address_max = per_address_max;
        let exempt: Vec<_> = state
            .admitted
            .iter()
            .filter(|(_, holder)| holder.address.is_some_and(&is_exempt))
            .map(|(id, _)| *id)
            .collect();
        for id in exempt {
            state.stand(id, false);
            if let Some(address) = state.admitted.get_mut(&id).and_then(|holder| holder.address.take()) {
                state.forget_one_of(address);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().admitted.len()
    }
}

impl State {
    fn stand(&mut self, id: u64, is_idle: bool) {
        let number = self.next_id;
        self.next_id += 1;
        let Some(holder) = self.admitted.get_mut(&id) else { return };
        // A proxy's holds what others ask for.
        let since = (is_idle && holder.address.is_some()).then(|| (Instant::now(), number));
        let before = std::mem::replace(&mut holder.idle_since, since);
        let of_address = holder.address.and_then(|address| self.by_address.get_mut(&address));
        for order in [Some(&mut self.idle), of_address.map(|of_address| &mut of_address.idle)] {
            let Some(order) = order else { continue };
            if let Some(before) = before {
                order.remove(&before);
            }
            if let Some(since) = since {
                order.insert(since, id);
            }
        }
    }

    fn evict(&mut self, id: u64) {
        if let Some(holder) = self.remove(id) {
            self.leaving += 1;
            holder.leave.notify_one();
        }
    }

    fn remove(&mut self, id: u64) -> Option<Holder> {
        self.stand(id, false);
        let holder = self.admitted.remove(&id)?;
        if let Some(address) = holder.address {
            self.forget_one_of(address);
        }
        Some(holder)
    }

    fn forget_one_of(&mut self, address: IpAddr) {
        let Some(of_address) = self.by_address.get_mut(&address) else { return };
        of_address.count -= 1;
        if of_address.count == 0 {
            self.by_address.remove(&address);
        }
    }
}

impl Admitted {
    /// It serves somebody: it doesn't have to make room.
    pub(crate) fn set_busy(&self) {
        self.admissions.lock().stand(self.id, false);
    }

    /// It serves nobody from now on.
    pub(crate) fn set_idle(&self) {
        self.admissions.lock().stand(self.id, true);
    }

    /// Returns when it has to make room.
    pub(crate) async fn evicted(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut state = self.admissions.lock();
        if state.remove(self.id).is_none() {
            state.leaving -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
