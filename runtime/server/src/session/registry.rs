//! Where every session of a server is found: the decisions of [`lightspeed_core::host::registry`] under a lock, with
//! the time, a timer, and the actors that are told.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::request::Parts;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::host::registry::{self as host, Bounds, Decision, Evicted, Serial};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use tokio::sync::{Semaphore, watch};

use crate::config::Config;
use crate::http::admission::address;
use crate::http::identity::Identity;
use crate::id::SessionId;
use crate::limits;
use crate::operations::clock::Clock;
use crate::session::mailbox::Handle;
use crate::session::token::Token;

pub(crate) use lightspeed_core::host::registry::Full;

/// How often sessions that nobody came back for are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How many of them end at a time. Each ends by a turn of its actor, and clicks wait behind so many turns.
const SWEEP_BATCH: usize = 32;

/// How long after so many the next ones end: pages that came within a moment expire within one, too.
const SWEEP_PAUSE: Duration = Duration::from_millis(4);

/// The sessions of a server, bounded.
pub(crate) struct Registry {
    sessions: Mutex<Sessions>,
    clock: Clock,
    /// Changes with each actor that ends.
    ended: watch::Sender<()>,
}

/// By who is at the browser, as a hash; each session is reached by its handle.
type Sessions = host::Registry<SessionId, [u8; 32], Handle>;

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

    fn of_host(self) -> host::Owner<[u8; 32]> {
        host::Owner { address: self.ip, identity: self.identity.as_bytes().copied() }
    }
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
        let ms = |ttl: Duration| u64::try_from(ttl.min(limits::TTL_MAX).as_millis()).unwrap_or(u64::MAX);
        let bounds = Bounds {
            sessions_max: config.sessions_max,
            unattached_max: config.unattached_max,
            per_address_max: config.sessions_per_ip_max,
            per_identity_max: config.sessions_per_identity_max,
            unattached_ms: ms(config.unattached_ttl),
            parked_ms: ms(config.parked_ttl),
        };
        let sessions = Mutex::new(Sessions::new(bounds));
        Self { sessions, clock: Clock::new(), ended: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        // No code of an application runs under the lock, and no step of ours leaves the maps
        // at odds when it panics.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sessions, and the time at which they are changed.
    fn lock_now(&self) -> (MutexGuard<'_, Sessions>, Timestamp) {
        let sessions = self.lock();
        (sessions, self.clock.now())
    }

    /// Takes room for a session that is about to be mounted.
    pub(crate) fn reserve(self: &Arc<Self>, owner: Owner) -> Result<Reservation, Full> {
        let (room, evicted) = self.lock().reserve(owner.of_host())?;
        evict(evicted);
        Ok(Reservation { registry: Arc::clone(self), room: Some(room) })
    }

    /// Decides on a join; one that attaches gives the session to a new socket.
    pub(crate) fn join(&self, token: Token) -> Decision<Handle> {
        self.lock().join(token)
    }

    /// The client has said something on the socket of this epoch: tokens of earlier ones count no more.
    pub(crate) fn confirm(&self, id: SessionId, epoch: u64) {
        self.lock().confirm(id, epoch);
    }

    /// The epochs of a session.
    pub(crate) fn lease(&self, id: SessionId) -> Option<Lease> {
        self.lock().lease(id)
    }

    /// The socket of `epoch` is gone. Does nothing when a newer one holds the session.
    pub(crate) fn detach(&self, id: SessionId, epoch: u64) {
        let (mut sessions, now) = self.lock_now();
        sessions.detach(now, id, epoch);
    }

    /// The socket of the epoch `gone` is gone before the session knew of it, and that of the earlier epoch
    /// `holder` has the session still. Does nothing when a newer one has come since.
    pub(crate) fn keep(&self, id: SessionId, gone: u64, holder: u64) {
        self.lock().keep(id, gone, holder);
    }

    /// Ends sessions that have waited long enough, not all of them at once; how many there were.
    fn sweep(&self) -> usize {
        let (mut sessions, now) = self.lock_now();
        let expired = sessions.expire(now, SWEEP_BATCH);
        drop(sessions);
        for handle in &expired {
            tracing::debug!("a session expired: no socket came");
            handle.mailbox.suspend(CloseReason::SessionGone);
        }
        expired.len()
    }

    /// Sweeps as long as the registry is used.
    pub(crate) fn keep_swept(self: &Arc<Self>) {
        let registry = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = SWEEP_EVERY;
            loop {
                tokio::time::sleep(pause).await;
                let Some(registry) = registry.upgrade() else { return };
                pause = if registry.sweep() == SWEEP_BATCH { SWEEP_PAUSE } else { SWEEP_EVERY };
            }
        });
    }

    pub(crate) fn stats(&self) -> Stats {
        let host::Counts { sessions, unattached, parked } = self.lock().counts();
        Stats { sessions, unattached, parked }
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.lock().close();
    }

    /// The sessions to suspend now that the server ends.
    pub(crate) fn hand_over(&self, at_a_time: usize) -> Vec<Handle> {
        self.lock().hand_over(at_a_time)
    }

    /// Whether the server ends, and every actor has ended.
    pub(crate) fn is_drained(&self) -> bool {
        self.lock().is_drained()
    }

    /// Changes with each actor that ends.
    pub(crate) fn ended(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }

    /// How many actors there are, those that are ending among them.
    pub(crate) fn actor_count(&self) -> usize {
        self.lock().actor_count()
    }
}

fn evict(evicted: Option<Evicted<Handle>>) {
    if let Some(Evicted { kept: handle, bound }) = evicted {
        tracing::warn!(
            bound = bound.name(),
            "evicted the session that has waited longest for a socket, to make room for a new one"
        );
        handle.mailbox.suspend(CloseReason::SessionGone);
    }
}

/// Room for a session; given back when dropped.
pub(crate) struct Reservation {
    registry: Arc<Registry>,
    /// `None` once a session has it.
    room: Option<host::Reservation<[u8; 32]>>,
}

impl Reservation {
    /// The address that it counts for.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.room.as_ref().and_then(|room| room.owner().address)
    }

    /// Enters the session that the room was taken for. `None` when it is there already, or the server ends.
    pub(crate) fn enter(mut self, id: SessionId, lease: Lease, handle: Handle) -> Option<EntryGuard> {
        let room = self.room.take()?;
        let registry = Arc::clone(&self.registry);
        let inbox = Arc::clone(&handle.inbox);
        let (mut sessions, now) = registry.lock_now();
        let entered = sessions.enter(now, id, lease, room, handle);
        drop(sessions);
        // A handle that wasn't taken is dropped after the lock is released.
        let entered = entered.ok()?;
        evict(entered.evicted);
        Some(EntryGuard { registry, id, serial: entered.serial, inbox })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(room) = self.room.take() {
            self.registry.lock().release(room);
        }
    }
}

/// A session's entry, held by its actor; gone with it, however it ends.
pub(crate) struct EntryGuard {
    registry: Arc<Registry>,
    id: SessionId,
    /// Of this actor: the session may have another by now.
    serial: Serial,
    inbox: Arc<Semaphore>,
}

impl Drop for EntryGuard {
    fn drop(&mut self) {
        // Bound to a name so that it is dropped after the lock is released.
        let removed = self.registry.lock().leave(self.id, self.serial);
        drop(removed);
        self.inbox.close();
        self.registry.ended.send_replace(());
    }
}

#[cfg(test)]
mod tests;
