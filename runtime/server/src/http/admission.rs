//! What a stranger can hold: connections, sockets and bytes, in all and for each address (`adr/0016`).
//!
//! - [`address`]: which address a request is counted under
//! - [`bytes`]: what is kept for clients
//! - here: who is let in, and who makes room for them

pub(crate) mod address;
pub(crate) mod bytes;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightspeed_core::host::admission::{self as host, Bounds};
use lightspeed_protocol::Timestamp;
use tokio::sync::Notify;

use crate::limits;
use crate::operations::clock::Clock;

pub(crate) use lightspeed_core::host::admission::Full;

/// Connections or sockets, bounded in all and for each address: [`host::Admissions`] under a lock, with the time.
#[derive(Debug)]
pub(crate) struct Admissions {
    holders: Mutex<Holders>,
    clock: Clock,
}

type Holders = host::Admissions<Arc<Notify>>;

/// A connection or socket that was let in; gives its place back when dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admissions: Arc<Admissions>,
    id: u64,
    leave: Arc<Notify>,
}

impl Admissions {
    pub(crate) fn new(all_max: usize, per_address_max: usize) -> Self {
        let bounds = Bounds {
            all_max,
            per_address_max,
            leaving_max: (all_max / limits::DESCRIPTORS_SPARE_SHARE).max(1),
            makes_room_after_ms: u64::try_from(limits::MAKES_ROOM_AFTER.as_millis()).unwrap_or(u64::MAX),
        };
        Self { holders: Mutex::new(Holders::new(bounds)), clock: Clock::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Holders> {
        // No step of ours leaves the maps at odds when it panics.
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The holders, and the time at which they are changed.
    fn lock_now(&self) -> (MutexGuard<'_, Holders>, Timestamp) {
        let holders = self.lock();
        (holders, self.clock.now())
    }

    /// Lets one more in, which is idle at first. One that has been idle for a while makes room for it if need be.
    pub(crate) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Admitted, Full> {
        let leave = Arc::new(Notify::new());
        let (mut holders, now) = self.lock_now();
        let admission = holders.admit(now, address, Arc::clone(&leave));
        drop(holders);
        evict(&admission.evicted);
        Ok(Admitted { admissions: Arc::clone(self), id: admission.admitted?, leave })
    }

    /// Has up to `count` make room, whether they have been idle for a while or not; how many there were.
    pub(crate) fn shed(&self, count: usize) -> usize {
        let shed = self.lock().shed(count);
        evict(&shed);
        shed.len()
    }

    /// An address may have so many from here on, and those that `is_exempt` are not counted by address.
    pub(crate) fn bound(&self, per_address_max: usize, is_exempt: impl Fn(IpAddr) -> bool) {
        self.lock().bound(per_address_max, is_exempt);
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().count()
    }
}

fn evict(evicted: &[Arc<Notify>]) {
    for leave in evicted {
        leave.notify_one();
    }
}

impl Admitted {
    /// It serves somebody: it doesn't have to make room.
    pub(crate) fn set_busy(&self) {
        self.admissions.lock().set_busy(self.id);
    }

    /// It serves nobody from now on.
    pub(crate) fn set_idle(&self) {
        let (mut holders, now) = self.admissions.lock_now();
        holders.set_idle(now, self.id);
    }

    /// Returns when it has to make room.
    pub(crate) async fn evicted(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admissions.lock().leave(self.id);
    }
}

#[cfg(test)]
mod tests;
