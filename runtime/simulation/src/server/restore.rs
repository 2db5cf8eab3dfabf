//! A session comes back from the store: read, mounted, claimed by a write, entered, and joined.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lightspeed_core::Session;
use lightspeed_core::host::claim::{Claim, Fenced, Stored};
use lightspeed_core::host::lease::Lease;
use lightspeed_core::host::registry::Reservation;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;

use super::{PendingJoin, Server, Wish};
use crate::app::App;
use crate::store::{Record, Stamp};

/// How long a session may take to come back, in milliseconds.
const RESTORE_WITHIN_MS: u64 = 10_000;

/// A session that is being taken over: it is ours when its write has succeeded.
pub(super) struct Restoring {
    join: PendingJoin,
    session: Session<App>,
    lease: Lease,
    reservation: Reservation<u64>,
    /// When it is given up, by the server's clock.
    pub(super) until: Timestamp,
}

impl Server {
    /// The store has been read for a join.
    pub(crate) fn loaded(&mut self, now: Timestamp, join: &PendingJoin, record: Result<Option<Record>, ()>) {
        if !self.sockets.contains_key(&join.socket) {
            return;
        }
        if let Err(reason) = self.restore(self.now(now), join, record) {
            self.refuse(now, join.socket, join.number, reason);
        }
    }

    fn restore(
        &mut self,
        now: Timestamp,
        join: &PendingJoin,
        record: Result<Option<Record>, ()>,
    ) -> Result<(), CloseReason> {
        let stored = match &record {
            Ok(Some(Record { identity, lease, stamp, .. })) => {
                Stored::Record { identity: Some(*identity), lease: *lease, stamp: *stamp }
            }
            Ok(None) => Stored::Nothing,
            Err(()) => Stored::Failed,
        };
        let claim = Claim::new(join.token.epoch, Some(join.token.identity), stored)?;
        let Ok(Some(record)) = record else { return Err(CloseReason::SessionGone) };
        if join.token.epoch < record.lease.confirmed {
            let what = format!("a token that was replaced takes session {} over", join.token.session);
            self.violation("C7", what);
        }
        let reservation = self.reserve(now, join.token.identity).map_err(|_| CloseReason::Unavailable)?;
        let policy = self.setup.policy;
        let restored =
            catch_unwind(AssertUnwindSafe(|| Session::restore(App::new(true), policy, &record.checkpoint)));
        let session = match restored {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => {
                self.registry.release(reservation);
                self.violation("C9", format!("what was stored can't be restored: {error}"));
                return Err(CloseReason::SessionGone);
            }
            Err(panic) => {
                self.registry.release(reservation);
                self.judge(&*panic);
                return Err(CloseReason::SessionGone);
            }
        };
        self.nonce += 1;
        let stamp = claim.stamp(self.nonce);
        let (lease, until) = (claim.lease(), now.after_ms(RESTORE_WITHIN_MS));
        self.claims.insert(self.nonce, Restoring { join: *join, session, lease, reservation, until });
        let record = Record { stamp, lease: claim.written(), ..record };
        let (session, expected) = (join.token.session, Some(claim.expected()));
        self.wishes.push(Wish::Save { session, actor: 0, expected, record, generation: 0 });
        Ok(())
    }

    /// The session is ours, or somebody else was faster.
    pub(super) fn claimed(&mut self, now: Timestamp, restoring: Restoring, written: Result<Stamp, Fenced>) {
        let Restoring { join, session, lease, reservation, .. } = restoring;
        let Ok(stamp) = written else {
            self.registry.release(reservation);
            self.discard(session);
            return self.refuse(now, join.socket, join.number, Fenced::REASON);
        };
        let is_entered =
            self.enter(self.now(now), join.token.session, session, lease, reservation, Some(stamp));
        if !is_entered {
            return self.refuse(now, join.socket, join.number, CloseReason::Unavailable);
        }
        if self.sockets.contains_key(&join.socket) {
            match self.registry.join(join.token.of_host()).once_restored() {
                Ok((number, epoch)) => self.attach(now, &join, number, epoch),
                Err(reason) => self.refuse(now, join.socket, join.number, reason),
            }
        }
    }

    /// What has not come back in time is a reason to come back.
    pub(super) fn give_up_claims(&mut self, now: Timestamp) {
        let by_clock = self.now(now);
        while let Some(nonce) =
            self.claims.iter().find(|(_, it)| it.until <= by_clock).map(|(nonce, _)| *nonce)
            && let Some(Restoring { join, session, reservation, .. }) = self.claims.remove(&nonce)
        {
            self.registry.release(reservation);
            self.discard(session);
            self.refuse(now, join.socket, join.number, CloseReason::Unavailable);
        }
    }
}
