//! Where every session of a server is found: session id to actor, and since when nobody holds it.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::request::Parts;
use lightspeed_core::lease::Lease;
use lightspeed_protocol::close::CloseReason;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::config::Config;
use crate::http::admission::address;
use crate::limits;
use crate::session::mailbox::Handle;
use crate::session::token::{Identity, SessionId, Token};

/// How often sessions that nobody came back for are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How many of them are taken out before others have their turn with the lock.
const SWEEP_BATCH: usize = 256;

/// Tests count how often a session is looked up.
#[cfg(not(test))]
type Hashing = std::hash::RandomState;
#[cfg(test)]
type Hashing = tests::Counted;

/// The sessions of a server, bounded.
pub(crate) struct Registry {
    sessions_max: usize,
    unattached_max: usize,
    per_ip_max: usize,
    per_identity_max: usize,
    unattached_ttl: Duration,
    parked_ttl: Duration,
    state: Mutex<State>,
    /// How many actors there are, those that are ending among them.
    actors: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<SessionId, Entry, Hashing>,
    /// Those that no socket holds.
    waiting: Waiting,
    /// Mounts that are under way.
    reserved: usize,
    /// The server ends: nobody comes in any more.
    is_closed: bool,
    by_ip: Owned<IpAddr>,
    by_identity: Owned<Identity>,
    next_ticket: u64,
}

/// By when they expire; the ticket keeps those apart that expire together, in their order.
type Queue = BTreeMap<Ticket, SessionId>;
type Ticket = (Instant, u64);

/// Sessions that no socket holds, in the order in which they make room.
#[derive(Default)]
struct Waiting {
    /// Mounted, and not joined by a socket yet.
    unattached: Queue,
    /// Joined once; the socket is gone.
    parked: Queue,
}

impl Waiting {
    fn insert(&mut self, standing: Standing, id: SessionId) {
        match standing {
            Standing::Unattached(ticket) => drop(self.unattached.insert(ticket, id)),
            Standing::Parked(ticket) => drop(self.parked.insert(ticket, id)),
            Standing::Attached(_) => {}
        }
    }

    fn remove(&mut self, standing: Standing) {
        match standing {
            Standing::Unattached(ticket) => drop(self.unattached.remove(&ticket)),
            Standing::Parked(ticket) => drop(self.parked.remove(&ticket)),
            Standing::Attached(_) => {}
        }
    }

    /// The first to make room.
    fn first(&self) -> Option<SessionId> {
        self.unattached.values().chain(self.parked.values()).next().copied()
    }
}

/// Whose session it is, as far as that is bounded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Owner {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) identity: Identity,
}

impl Owner {
    /// Of a session that no request is known of: all of them share the bound of one address.
    pub(crate) fn unknown() -> Self {
        Self { ip: Some(address::UNKNOWN), identity: Identity::default() }
    }

    pub(crate) fn of(config: &Config, head: &Parts) -> Self {
        Self { ip: Some(address::of(config, head)), identity: Identity::of(config, head) }
    }
}

struct Entry {
    handle: Handle,
    lease: Lease,
    owner: Owner,
    standing: Standing,
    /// It is told that the server ends, or about to be.
    is_suspended: bool,
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    Unattached(Ticket),
    /// By the socket of this epoch.
    Attached(u64),
    Parked(Ticket),
}

/// Why there is no room for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// A socket holds each of as many sessions as the server may have.
    Server,
    /// A socket holds each of as many as the owner may have.
    Owner,
    /// The server ends.
    Closed,
}

/// What a join finds.
pub(crate) enum Found {
    /// The actor, and the new socket's epoch.
    Session(Handle, u64),
    /// The token has been replaced by a newer one.
    Outdated,
    /// An actor that is not up to date: another server has had the session since.
    Behind(Handle),
    /// Nothing.
    Nothing,
}

/// How many sessions there are, and in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions that no socket has joined yet.
    pub unattached: usize,
    /// Sessions whose socket is gone and may come back.
    pub parked: usize,
}

impl Registry {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            sessions_max: config.sessions_max,
            unattached_max: config.unattached_max.max(1),
            per_ip_max: config.sessions_per_ip_max,
            per_identity_max: config.sessions_per_identity_max,
            unattached_ttl: config.unattached_ttl.min(limits::TTL_MAX),
            parked_ttl: config.parked_ttl.min(limits::TTL_MAX),
            state: Mutex::default(),
            actors: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of an application runs under the lock, and no step of ours below leaves the maps
        // at odds when it panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a place for a session that is about to be mounted.
    pub(crate) fn reserve(self: &Arc<Self>, owner: Owner) -> Result<Reservation, Full> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Full::Closed);
        }
        let mut evicted = None;
        if let Some(bound) = self.bound_of(&state, owner) {
            let oldest = match bound {
                "sessions_per_ip_max" => owner.ip.and_then(|ip| state.by_ip.first(&ip)),
                _ => state.by_identity.first(&owner.identity),
            };
            evicted = Some((state.remove(oldest.ok_or(Full::Owner)?), bound));
        } else if state.sessions.len() + state.reserved >= self.sessions_max {
            let oldest = state.waiting.first();
            evicted = Some((state.remove(oldest.ok_or(Full::Server)?), "sessions_max"));
        }
        state.reserved += 1;
        state.count(owner, true);
        drop(state);
        if let Some((handle, bound)) = evicted {
            evict(handle, bound);
        }
        Ok(Reservation { registry: Arc::clone(self), owner: Some(owner) })
    }

    /// The name of the bound that the owner has reached.
    fn bound_of(&self, state: &State, owner: Owner) -> Option<&'static str> {
        if owner.ip.is_some_and(|ip| state.by_ip.count_of(&ip) >= self.per_ip_max) {
            return Some("sessions_per_ip_max");
        }
        let is_known = owner.identity.as_bytes().is_some();
        (is_known && state.by_identity.count_of(&owner.identity) >= self.per_identity_max)
            .then_some("sessions_per_identity_max")
    }

    /// Gives the session to a new socket.
    pub(crate) fn attach(&self, token: Token) -> Found {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(entry) = state.sessions.get_mut(&token.id) else { return Found::Nothing };
        if !entry.lease.admits(token.epoch) {
            return Found::Outdated;
        }
        if entry.lease.is_behind(token.epoch) {
            return state.remove(token.id).map_or(Found::Nothing, Found::Behind);
        }
        let epoch = entry.lease.attach(token.epoch);
        let handle = entry.handle.clone();
        state.stand(token.id, Standing::Attached(epoch));
        Found::Session(handle, epoch)
    }

    /// The client has said something on the socket of this epoch: tokens of earlier ones count no more.
    pub(crate) fn confirm(&self, id: SessionId, epoch: u64) {
        if let Some(entry) = self.lock().sessions.get_mut(&id) {
            entry.lease.confirm(epoch);
        }
    }

    /// The epochs of a session.
    pub(crate) fn lease(&self, id: SessionId) -> Option<Lease> {
        self.lock().sessions.get(&id).map(|entry| entry.lease)
    }

    /// The socket of `epoch` is gone. Does nothing when a newer one holds the session.
    pub(crate) fn detach(&self, id: SessionId, epoch: u64) {
        let mut state = self.lock();
        let ticket = state.ticket(self.parked_ttl);
        if let Some(entry) = state.sessions.get(&id)
            && matches!(entry.standing, Standing::Attached(holder) if holder == epoch)
        {
            state.stand(id, Standing::Parked(ticket));
        }
    }

    /// The socket of the epoch `gone` is gone before the session knew of it, and that of the earlier epoch
    /// `holder` has the session still. Does nothing when a newer one has come since.
    pub(crate) fn keep(&self, id: SessionId, gone: u64, holder: u64) {
        let mut state = self.lock();
        if state.sessions.get(&id).is_some_and(|entry| entry.lease.epoch == gone) {
            state.stand(id, Standing::Attached(holder));
        }
    }

    /// Ends the sessions that have waited long enough.
    fn sweep(&self, now: Instant) {
        while self.sweep_some(now) == SWEEP_BATCH {}
    }

    /// The same for as many as hold the lock for a moment; how many there were.
    fn sweep_some(&self, now: Instant) -> usize {
        let mut expired = Vec::new();
        let mut state = self.lock();
        while expired.len() < SWEEP_BATCH {
            let due = [&state.waiting.unattached, &state.waiting.parked]
                .into_iter()
                .filter_map(|queue| queue.first_key_value())
                .find(|((at, _), _)| *at <= now)
                .map(|(_, id)| *id);
            let Some(handle) = due.and_then(|id| state.remove(id)) else { break };
            expired.push(handle);
        }
        drop(state);
        let count = expired.len();
        for handle in expired {
            tracing::debug!("a session expired: no socket came");
            handle.mailbox.suspend(CloseReason::SessionGone);
        }
        count
    }

    /// Sweeps as long as the registry is used.
    pub(crate) fn keep_swept(self: &Arc<Self>) {
        let registry = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(registry) = registry.upgrade() else { return };
                registry.sweep(Instant::now());
            }
        });
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats {
            sessions: state.sessions.len(),
            unattached: state.waiting.unattached.len(),
            parked: state.waiting.parked.len(),
        }
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }

    /// Every session that this hasn't given before, in the order of their ids.
    pub(crate) fn take_unsuspended(&self) -> Vec<Handle> {
        let mut state = self.lock();
        let mut entries: Vec<_> =
            state.sessions.iter_mut().filter(|(_, entry)| !entry.is_suspended).collect();
        entries.sort_unstable_by_key(|(id, _)| **id);
        let suspend = |(_, entry): (_, &mut Entry)| {
            entry.is_suspended = true;
            entry.handle.clone()
        };
        entries.into_iter().map(suspend).collect()
    }

    /// How many actors there are; changes with each that comes or ends.
    pub(crate) fn actors(&self) -> watch::Receiver<usize> {
        self.actors.subscribe()
    }

    pub(crate) fn actor_count(&self) -> usize {
        *self.actors.borrow()
    }
}

impl State {
    fn ticket(&mut self, ttl: Duration) -> Ticket {
        self.next_ticket += 1;
        (Instant::now() + ttl, self.next_ticket)
    }

    /// Whether a socket holds a session has changed.
    fn stand(&mut self, id: SessionId, standing: Standing) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        let before = std::mem::replace(&mut entry.standing, standing);
        let owner = entry.owner;
        self.each_order(owner, |waiting| {
            waiting.remove(before);
            waiting.insert(standing, id);
        });
    }

    fn insert(&mut self, id: SessionId, entry: Entry) {
        let (owner, standing) = (entry.owner, entry.standing);
        self.sessions.insert(id, entry);
        self.each_order(owner, |waiting| waiting.insert(standing, id));
    }

    fn remove(&mut self, id: SessionId) -> Option<Handle> {
        let entry = self.sessions.remove(&id)?;
        self.each_order(entry.owner, |waiting| waiting.remove(entry.standing));
        self.count(entry.owner, false);
        Some(entry.handle)
    }

    /// The orders that a session of this owner waits in: that of all, and those of its owner, so that the
    /// oldest of each is found without looking at the others.
    fn each_order(&mut self, owner: Owner, mut change: impl FnMut(&mut Waiting)) {
        change(&mut self.waiting);
        if let Some(all) = owner.ip.and_then(|ip| self.by_ip.0.get_mut(&ip)) {
            change(&mut all.waiting);
        }
        if let Some(all) = self.by_identity.0.get_mut(&owner.identity) {
            change(&mut all.waiting);
        }
    }

    fn count(&mut self, owner: Owner, is_new: bool) {
        if let Some(ip) = owner.ip {
            self.by_ip.count(ip, is_new);
        }
        if owner.identity.as_bytes().is_some() {
            self.by_identity.count(owner.identity, is_new);
        }
    }
}

/// The sessions of each address or identity; one without any takes no room.
struct Owned<K>(HashMap<K, Sessions>);

#[derive(Default)]
struct Sessions {
    /// Mounts that are under way among them.
    count: usize,
    waiting: Waiting,
}

impl<K> Default for Owned<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Owned<K> {
    fn count_of(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, |sessions| sessions.count)
    }

    /// The first of them to make room.
    fn first(&self, key: &K) -> Option<SessionId> {
        self.0.get(key)?.waiting.first()
    }

    fn count(&mut self, key: K, is_new: bool) {
        if is_new {
            self.0.entry(key).or_default().count += 1;
            return;
        }
        let count = self.0.get_mut(&key).map(|sessions| {
            sessions.count -= 1;
            sessions.count
        });
        if count == Some(0) {
            self.0.remove(&key);
        }
    }
}

fn evict(handle: Option<Handle>, bound: &'static str) {
    if let Some(handle) = handle {
        tracing::warn!(
            bound,
            "evicted the session that has waited longest for a socket, to make room for a new one"
        );
        handle.mailbox.suspend(CloseReason::SessionGone);
    }
}

/// A place for a session; given back when dropped.
pub(crate) struct Reservation {
    registry: Arc<Registry>,
    /// `None` once a session counts in its stead.
    owner: Option<Owner>,
}

impl Reservation {
    /// The address that it counts for.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.owner.and_then(|owner| owner.ip)
    }

    /// Enters the session that the place was kept for. `None` when it is there already, or the server ends.
    pub(crate) fn enter(mut self, id: SessionId, lease: Lease, handle: Handle) -> Option<Seat> {
        let registry = Arc::clone(&self.registry);
        let mut state = registry.lock();
        if state.is_closed || state.sessions.contains_key(&id) {
            drop(state);
            return None;
        }
        let mut evicted = None;
        if state.waiting.unattached.len() >= registry.unattached_max
            && let Some(oldest) = state.waiting.unattached.first_key_value().map(|(_, id)| *id)
        {
            evicted = state.remove(oldest);
        }
        let standing = Standing::Unattached(state.ticket(registry.unattached_ttl));
        let owner = self.owner.take().unwrap_or_default();
        let inbox = Arc::clone(&handle.inbox);
        state.insert(id, Entry { handle, lease, owner, standing, is_suspended: false });
        // Under the lock: whoever finds the session has it counted.
        registry.actors.send_modify(|actors| *actors += 1);
        drop(state);
        evict(evicted, "unattached_max");
        Some(Seat { registry, id, inbox })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.registry.lock();
        state.reserved -= 1;
        if let Some(owner) = self.owner {
            state.count(owner, false);
        }
    }
}

/// A session's entry, held by its actor; gone with it, however it ends.
pub(crate) struct Seat {
    registry: Arc<Registry>,
    id: SessionId,
    /// Of this actor: the session may have another by now. Held, so that no other's is where it was.
    inbox: Arc<Semaphore>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.registry.lock();
        let entry = state.sessions.get(&self.id);
        let is_mine = entry.is_some_and(|entry| Arc::ptr_eq(&entry.handle.inbox, &self.inbox));
        // Bound to a name so that it is dropped after the lock is released.
        let removed = if is_mine { state.remove(self.id) } else { None };
        drop(state);
        drop(removed);
        self.inbox.close();
        self.registry.actors.send_modify(|actors| *actors -= 1);
    }
}

#[cfg(test)]
mod tests;
