//! The sessions in memory: who waits for a socket, who makes room for whom, and what a join finds.
//!
//! A host changes the registry under one lock, so that a join can't race an expiry (`adr/0007`): a join takes a
//! session out of the order of waiting sessions in the step that gives it its epoch, and a session that expires is
//! removed in the step that decides so.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;

use super::drain::Drain;
use super::lease::Lease;
use super::owners::Owners;
use super::waiting::{Status, Waiting};

pub use super::owners::Owner;
pub use super::token::{Serial, Token};

/// How many sessions there may be, and how long they wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Sessions and mounts that are under way, in all.
    pub sessions_max: usize,
    /// Sessions that no socket has joined yet; at least 1.
    pub unattached_max: usize,
    /// Sessions and mounts of one address.
    pub per_address_max: usize,
    /// Sessions and mounts of one identity.
    pub per_identity_max: usize,
    /// How long a session waits for its first socket, in milliseconds.
    pub unattached_ms: u64,
    /// How long a session waits for another socket, in milliseconds.
    pub parked_ms: u64,
}

/// A bound that a host has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// [`Bounds::sessions_max`].
    Sessions,
    /// [`Bounds::unattached_max`].
    Unattached,
    /// [`Bounds::per_address_max`].
    Address,
    /// [`Bounds::per_identity_max`].
    Identity,
}

/// Why there is no room for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// A socket holds each of as many sessions as the host may have.
    Server,
    /// A socket holds each of as many as the owner may have.
    Owner,
    /// The host ends.
    Closed,
}

/// Room for a session that is about to be mounted; [`Registry::enter`] or [`Registry::release`] takes it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the room stays taken until it is entered or released"]
pub struct Reservation<W> {
    owner: Owner<W>,
}

impl<W: Copy> Reservation<W> {
    /// Whose it is.
    pub const fn owner(&self) -> Owner<W> {
        self.owner
    }
}

/// A session that has to make room: it is to be suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the session is no longer found, and has to be told to end"]
pub struct Evicted<T> {
    /// What was kept for it.
    pub kept: T,
    /// The bound that was reached.
    pub bound: Bound,
}

/// A session that has been entered.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a session may have to make room"]
pub struct Entered<T> {
    /// The number of the session's actor, for [`Registry::leave`].
    pub serial: Serial,
    /// The session that makes room.
    pub evicted: Option<Evicted<T>>,
}

/// What to do with a join.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a join waits for its answer"]
pub enum Decision<T> {
    /// The session is here, and the socket has it from now on.
    Attach {
        /// What is kept for the session.
        kept: T,
        /// The epoch that the socket begins.
        epoch: u64,
    },
    /// The session isn't here, or no longer ours: the store is to be asked ([`Claim`](super::claim::Claim)).
    Load {
        /// The session that was here: another host has had it since, and it is to be told
        /// [`moved`](CloseReason::Moved).
        behind: Option<T>,
    },
    /// The client is told this.
    Refuse(CloseReason),
}

impl<T> Decision<T> {
    /// The session and the socket's epoch, for the join that the session has just been brought back for.
    ///
    /// # Errors
    ///
    /// With what the client is told when the session is gone again already, or somebody else's: the store isn't asked a
    /// second time for one join.
    pub fn once_restored(self) -> Result<(T, u64), CloseReason> {
        match self {
            Self::Attach { kept, epoch } => Ok((kept, epoch)),
            Self::Load { .. } | Self::Refuse(_) => Err(CloseReason::Unavailable),
        }
    }
}

/// How many sessions there are, and in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions that no socket has joined yet.
    pub unattached: usize,
    /// Sessions whose socket is gone and may come back.
    pub parked: usize,
}

/// The sessions of a host.
///
/// `I` names a session, `W` an identity; `T` is what the host keeps for a session, to reach its actor.
#[derive(Debug)]
pub struct Registry<I, W, T> {
    bounds: Bounds,
    entries: BTreeMap<I, Entry<W, T>>,
    waiting: Waiting<I>,
    owners: Owners<I, W>,
    /// Mounts that are under way.
    reserved: usize,
    /// Actors that have not ended, those that are no longer found among them.
    actors: usize,
    /// `Some` when the host ends.
    drain: Option<Drain<I>>,
    next_number: u64,
}

#[derive(Debug)]
struct Entry<W, T> {
    kept: T,
    serial: Serial,
    lease: Lease,
    owner: Owner<W>,
    status: Status,
}

impl Bound {
    /// What an operator calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions_max",
            Self::Unattached => "unattached_max",
            Self::Address => "sessions_per_ip_max",
            Self::Identity => "sessions_per_identity_max",
        }
    }
}

impl<I: Copy + Ord, W: Copy + Ord, T> Registry<I, W, T> {
    /// A registry without sessions.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds: Bounds { unattached_max: bounds.unattached_max.max(1), ..bounds },
            entries: BTreeMap::new(),
            waiting: Waiting::default(),
            owners: Owners::default(),
            reserved: 0,
            actors: 0,
            drain: None,
            next_number: 0,
        }
    }

    /// Takes room for a session that is about to be mounted. At a bound the session makes room that has waited longest
    /// for a socket: among those of the address or identity that has reached its own bound, or else among all.
    ///
    /// # Errors
    ///
    /// When a socket holds each of the sessions that could make room, or the host ends.
    pub fn reserve(&mut self, owner: Owner<W>) -> Result<(Reservation<W>, Option<Evicted<T>>), Full> {
        if self.drain.is_some() {
            return Err(Full::Closed);
        }
        let of_owner = self.bound_of(owner);
        let is_full = self.entries.len() + self.reserved >= self.bounds.sessions_max;
        let makes_room = match of_owner {
            Some(bound) => Some((bound, self.first_of(owner, bound).ok_or(Full::Owner)?)),
            None if is_full => Some((Bound::Sessions, self.waiting.first().ok_or(Full::Server)?)),
            None => None,
        };
        let evicted = makes_room.and_then(|(bound, id)| self.evict(id, bound));
        self.reserved += 1;
        self.owners.add(owner);
        Ok((Reservation { owner }, evicted))
    }

    /// Gives back the room for a session that wasn't mounted.
    #[expect(clippy::needless_pass_by_value, reason = "room that is given back can't be entered")]
    pub fn release(&mut self, reservation: Reservation<W>) {
        self.reserved -= 1;
        self.owners.subtract(reservation.owner);
    }

    /// Enters the session that the room was taken for. It waits for its first socket from `now` on; when too many do,
    /// the one that has done so longest makes room.
    ///
    /// # Errors
    ///
    /// With what was to be kept, when the session is there already or the host ends. The room is given back.
    pub fn enter(
        &mut self,
        now: Timestamp,
        id: I,
        lease: Lease,
        reservation: Reservation<W>,
        kept: T,
    ) -> Result<Entered<T>, T> {
        if self.drain.is_some() || self.entries.contains_key(&id) {
            self.release(reservation);
            return Err(kept);
        }
        let mut evicted = None;
        if self.waiting.unattached_count() >= self.bounds.unattached_max
            && let Some(oldest) = self.waiting.first_unattached()
        {
            evicted = self.evict(oldest, Bound::Unattached);
        }
        let serial = Serial(self.number());
        let status = Status::Unattached((now.after_ms(self.bounds.unattached_ms), self.number()));
        let owner = reservation.owner;
        self.entries.insert(id, Entry { kept, serial, lease, owner, status });
        self.each_order(owner, |waiting| waiting.insert(status, id));
        // The owner's count goes over from the reservation to the session.
        self.reserved -= 1;
        self.actors += 1;
        Ok(Entered { serial, evicted })
    }

    /// Decides on a join that shows this token.
    pub fn join(&mut self, token: Token<I>) -> Decision<T>
    where
        T: Clone,
    {
        if self.drain.is_some() {
            return Decision::Refuse(CloseReason::ShuttingDown);
        }
        let Some(entry) = self.entries.get_mut(&token.id) else { return Decision::Load { behind: None } };
        if !entry.lease.admits(token.epoch) {
            return Decision::Refuse(CloseReason::BadToken);
        }
        if entry.lease.is_behind(token.epoch) {
            return Decision::Load { behind: self.remove(token.id) };
        }
        let epoch = entry.lease.attach(token.epoch);
        let kept = entry.kept.clone();
        self.set_status(token.id, Status::Attached(epoch));
        Decision::Attach { kept, epoch }
    }

    /// The client has said something on the socket of this epoch: tokens of earlier ones count no more.
    pub fn confirm(&mut self, id: I, epoch: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.lease.confirm(epoch);
        }
    }

    /// The epochs of a session.
    pub fn lease(&self, id: I) -> Option<Lease> {
        self.entries.get(&id).map(|entry| entry.lease)
    }

    /// The socket of `epoch` is gone. Does nothing when a newer one holds the session.
    pub fn detach(&mut self, now: Timestamp, id: I, epoch: u64) {
        let holder = self.entries.get(&id).map(|entry| entry.status);
        if holder == Some(Status::Attached(epoch)) {
            let due = (now.after_ms(self.bounds.parked_ms), self.number());
            self.set_status(id, Status::Parked(due));
        }
    }

    /// The socket of the epoch `gone` is gone before the session knew of it, and the socket of the earlier epoch
    /// `holder` has the session still. Does nothing when a newer one has come since.
    pub fn keep(&mut self, id: I, gone: u64, holder: u64) {
        if self.entries.get(&id).is_some_and(|entry| entry.lease.epoch == gone) {
            self.set_status(id, Status::Attached(holder));
        }
    }

    /// Removes the sessions that have waited long enough, at most `count_max` of them.
    pub fn expire(&mut self, now: Timestamp, count_max: usize) -> Vec<T> {
        let mut expired = Vec::new();
        while expired.len() < count_max {
            let Some(kept) = self.waiting.expired(now).and_then(|id| self.remove(id)) else { break };
            expired.push(kept);
        }
        expired
    }

    /// When the next session expires.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.next_due()
    }

    /// The actor with this number has ended. Its session is no longer found, unless another actor has it; what was
    /// kept for it is given back.
    pub fn leave(&mut self, id: I, serial: Serial) -> Option<T> {
        self.actors -= 1;
        if let Some(drain) = &mut self.drain {
            drain.handle_ended(serial);
        }
        let is_its = self.entries.get(&id).is_some_and(|entry| entry.serial == serial);
        if is_its { self.remove(id) } else { None }
    }

    /// The host ends: nothing is reserved, entered or joined any more.
    pub fn close(&mut self) {
        if self.drain.is_none() {
            self.drain = Some(Drain::new(self.entries.keys().copied()));
        }
    }

    /// The sessions to suspend now that the host ends, so that at most `at_a_time` are under way; in the order of
    /// their ids. To be asked again whenever an actor has ended.
    pub fn hand_over(&mut self, at_a_time: usize) -> Vec<T>
    where
        T: Clone,
    {
        let entries = &self.entries;
        let find = |id| entries.get(&id).map(|entry| (entry.serial, entry.kept.clone()));
        self.drain.as_mut().map(|drain| drain.next(at_a_time, find)).unwrap_or_default()
    }

    /// Whether the host ends, and every actor has ended.
    pub fn is_drained(&self) -> bool {
        self.drain.is_some() && self.actors == 0
    }

    /// Whether the host ends.
    pub fn is_closed(&self) -> bool {
        self.drain.is_some()
    }

    /// Actors that have not ended, those that are no longer found among them.
    pub fn actor_count(&self) -> usize {
        self.actors
    }

    /// How many sessions there are.
    pub fn counts(&self) -> Counts {
        Counts {
            sessions: self.entries.len(),
            unattached: self.waiting.unattached_count(),
            parked: self.waiting.parked_count(),
        }
    }

    /// What is at odds within the registry, for tests: looks at every session.
    pub fn inconsistency(&self) -> Option<&'static str> {
        let is_waiting = |entry: &&Entry<W, T>| !matches!(entry.status, Status::Attached(_));
        let waiting = self.entries.values().filter(is_waiting).count();
        if self.waiting.unattached_count() + self.waiting.parked_count() != waiting {
            return Some("the order of waiting sessions has others than those that wait");
        }
        for (id, entry) in self.entries.iter().filter(|(_, entry)| is_waiting(entry)) {
            let mut orders = self.owners.orders(entry.owner).chain([&self.waiting]);
            if orders.any(|order| order.at(entry.status) != Some(*id)) {
                return Some("a session waits and is not in each of its orders");
            }
        }
        let owners = self.entries.values().map(|entry| entry.owner);
        let of_addresses = owners.clone().filter(|owner| owner.address.is_some()).count();
        let of_identities = owners.filter(|owner| owner.identity.is_some()).count();
        let is_counted =
            |(count, _): (usize, usize), sessions| (sessions..=sessions + self.reserved).contains(&count);
        let [addresses, identities] = self.owners.totals();
        if !is_counted(addresses, of_addresses) || !is_counted(identities, of_identities) {
            return Some("an owner's count is not that of its sessions and mounts");
        }
        if addresses.1 > waiting || identities.1 > waiting {
            return Some("an owner's order has sessions that don't wait");
        }
        if self.entries.is_empty() && self.reserved == 0 && !self.owners.is_empty() {
            return Some("an owner without sessions is remembered");
        }
        if self.owners.largest_of_address() > self.bounds.per_address_max {
            return Some("an address has more sessions than it may have");
        }
        if self.entries.len() + self.reserved > self.bounds.sessions_max {
            return Some("there are more sessions than there may be");
        }
        if self.waiting.unattached_count() > self.bounds.unattached_max {
            return Some("more sessions wait for their first socket than may");
        }
        (self.actors < self.entries.len()).then_some("a session is found whose actor has ended")
    }

    /// The bound that the owner has reached.
    fn bound_of(&self, owner: Owner<W>) -> Option<Bound> {
        if owner.address.is_some()
            && self.owners.count_of_address(owner.address) >= self.bounds.per_address_max
        {
            return Some(Bound::Address);
        }
        let is_full = owner.identity.is_some()
            && self.owners.count_of_identity(owner.identity) >= self.bounds.per_identity_max;
        is_full.then_some(Bound::Identity)
    }

    /// The session of the owner that makes room first.
    fn first_of(&self, owner: Owner<W>, bound: Bound) -> Option<I> {
        match bound {
            Bound::Address => self.owners.first_of_address(owner.address),
            _ => self.owners.first_of_identity(owner.identity),
        }
    }

    fn evict(&mut self, id: I, bound: Bound) -> Option<Evicted<T>> {
        self.remove(id).map(|kept| Evicted { kept, bound })
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn set_status(&mut self, id: I, status: Status) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let before = core::mem::replace(&mut entry.status, status);
        let owner = entry.owner;
        self.each_order(owner, |waiting| {
            waiting.remove(before);
            waiting.insert(status, id);
        });
    }

    fn remove(&mut self, id: I) -> Option<T> {
        let entry = self.entries.remove(&id)?;
        self.each_order(entry.owner, |waiting| waiting.remove(entry.status));
        self.owners.subtract(entry.owner);
        Some(entry.kept)
    }

    /// Changes the orders that a session of this owner waits in: that of all, and those of its owner.
    fn each_order(&mut self, owner: Owner<W>, mut change: impl FnMut(&mut Waiting<I>)) {
        change(&mut self.waiting);
        self.owners.each_order(owner, change);
    }
}

#[cfg(test)]
mod tests;
