//! Where every session of a server is found: session id -> actor, and since when nobody holds it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Config;
use crate::mailbox::Handle;
use crate::token::SessionId;

/// How often sessions that nobody came back for are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The sessions of a server, bounded.
pub(crate) struct Registry {
    sessions_max: usize,
    unattached_max: usize,
    unattached_ttl: Duration,
    parked_ttl: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<SessionId, Entry>,
    /// Mounted, and not joined by a socket yet.
    unattached: Queue,
    /// Joined once; the socket is gone.
    parked: Queue,
    /// Mounts that are under way.
    reserved: usize,
    next_ticket: u64,
}

/// By when they expire; the ticket keeps those apart that expire together, in their order.
type Queue = BTreeMap<Ticket, SessionId>;
type Ticket = (Instant, u64);

struct Entry {
    handle: Handle,
    /// Counts the sockets that have joined.
    epoch: u64,
    standing: Standing,
}

#[derive(Clone, Copy)]
enum Standing {
    Unattached(Ticket),
    Attached,
    Parked(Ticket),
}

/// The server holds as many sessions as it may, and a socket holds each of them.
#[derive(Debug)]
pub(crate) struct Full;

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
            unattached_ttl: config.unattached_ttl,
            parked_ttl: config.parked_ttl,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of an application runs under the lock, and no step of ours below leaves the maps
        // at odds when it panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a place for a session that is about to be mounted.
    pub(crate) fn reserve(self: &Arc<Self>) -> Result<Reservation, Full> {
        let mut state = self.lock();
        let mut evicted = None;
        if state.sessions.len() + state.reserved >= self.sessions_max {
            let oldest = state.unattached.first_key_value().or_else(|| state.parked.first_key_value());
            let id = *oldest.ok_or(Full)?.1;
            evicted = state.remove(id);
        }
        state.reserved += 1;
        drop(state);
        evict(evicted, "sessions_max");
        Ok(Reservation { registry: Arc::clone(self) })
    }

    /// Gives the session to a new socket: its actor and the socket's epoch.
    pub(crate) fn attach(&self, id: SessionId) -> Option<(Handle, u64)> {
        let mut state = self.lock();
        let state = &mut *state;
        let entry = state.sessions.get_mut(&id)?;
        match std::mem::replace(&mut entry.standing, Standing::Attached) {
            Standing::Unattached(ticket) => drop(state.unattached.remove(&ticket)),
            Standing::Parked(ticket) => drop(state.parked.remove(&ticket)),
            Standing::Attached => {}
        }
        entry.epoch += 1;
        Some((entry.handle.clone(), entry.epoch))
    }

    /// The socket of `epoch` is gone. Does nothing when a newer one holds the session.
    pub(crate) fn detach(&self, id: SessionId, epoch: u64) {
        let mut state = self.lock();
        let ticket = state.ticket(self.parked_ttl);
        let state = &mut *state;
        if let Some(entry) = state.sessions.get_mut(&id)
            && entry.epoch == epoch
            && matches!(entry.standing, Standing::Attached)
        {
            entry.standing = Standing::Parked(ticket);
            state.parked.insert(ticket, id);
        }
    }

    /// Ends the sessions that have waited long enough.
    fn sweep(&self, now: Instant) {
        let mut expired = Vec::new();
        let mut state = self.lock();
        loop {
            let due = [&state.unattached, &state.parked]
                .into_iter()
                .filter_map(|queue| queue.first_key_value())
                .find(|((at, _), _)| *at <= now)
                .map(|(_, id)| *id);
            let Some(id) = due else { break };
            expired.extend(state.remove(id));
        }
        drop(state);
        for handle in expired {
            tracing::debug!("a session expired: no socket came");
            handle.mailbox.stop();
        }
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
            unattached: state.unattached.len(),
            parked: state.parked.len(),
        }
    }
}

impl State {
    fn ticket(&mut self, ttl: Duration) -> Ticket {
        self.next_ticket += 1;
        (Instant::now() + ttl, self.next_ticket)
    }

    fn remove(&mut self, id: SessionId) -> Option<Handle> {
        let entry = self.sessions.remove(&id)?;
        match entry.standing {
            Standing::Unattached(ticket) => drop(self.unattached.remove(&ticket)),
            Standing::Parked(ticket) => drop(self.parked.remove(&ticket)),
            Standing::Attached => {}
        }
        Some(entry.handle)
    }
}

fn evict(handle: Option<Handle>, bound: &'static str) {
    if let Some(handle) = handle {
        tracing::warn!(
            bound,
            "evicted the session that has waited longest for a socket, to make room for a new one"
        );
        handle.mailbox.stop();
    }
}

/// A place for a session; given back when dropped.
pub(crate) struct Reservation {
    registry: Arc<Registry>,
}

impl Reservation {
    /// Enters the session that the place was kept for.
    pub(crate) fn enter(self, id: SessionId, handle: Handle) -> Seat {
        let registry = &self.registry;
        let mut state = registry.lock();
        let mut evicted = None;
        if state.unattached.len() >= registry.unattached_max
            && let Some(oldest) = state.unattached.first_key_value().map(|(_, id)| *id)
        {
            evicted = state.remove(oldest);
        }
        let ticket = state.ticket(registry.unattached_ttl);
        state.unattached.insert(ticket, id);
        state.sessions.insert(id, Entry { handle, epoch: 0, standing: Standing::Unattached(ticket) });
        drop(state);
        evict(evicted, "unattached_max");
        Seat { registry: Arc::clone(registry), id }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.registry.lock().reserved -= 1;
    }
}

/// A session's entry, held by its actor; gone with it, however it ends.
pub(crate) struct Seat {
    registry: Arc<Registry>,
    id: SessionId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Bound to a name so that it is dropped after the lock is released.
        let removed = self.registry.lock().remove(self.id);
        drop(removed);
    }
}

#[cfg(test)]
mod tests;
