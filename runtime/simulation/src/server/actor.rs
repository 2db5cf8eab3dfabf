//! A session in memory: what it is given, what it asks for, and its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lightspeed_core::host::lease::Lease;
use lightspeed_core::host::parting::{Parting, leaves_record};
use lightspeed_core::host::registry::Serial;
use lightspeed_core::session::checkpoint::Checkpoint;
use lightspeed_core::session::recovery::Recovery;
use lightspeed_core::{Input, Output, Session};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::{Timestamp, limits};

use super::{Link, Server, Wish};
use crate::app::{self, App, Asked, Msg, PANIC};
use crate::store::{Record, Stamp};

/// A session with what surrounds it.
pub(super) struct Actor {
    pub(super) id: u64,
    pub(super) session: Session<App>,
    pub(super) link: Option<Link>,
    pub(super) stamp: Option<Stamp>,
    pub(super) is_saving: bool,
    identity: u64,
    serial: Serial,
    /// The epochs as they were told: the registry forgets them when the session is to make room.
    lease: Lease,
    /// The newest epoch whose token the client is known to have; not by what the registry says.
    newest_shown: u64,
    suspended: Option<CloseReason>,
    version_told: Option<u64>,
    seq_before: u64,
    acked_before: u64,
}

impl Actor {
    pub(super) fn new(
        id: u64,
        identity: u64,
        session: Session<App>,
        serial: Serial,
        lease: Lease,
        stamp: Option<Stamp>,
    ) -> Self {
        Self {
            seq_before: session.seq_handled(),
            acked_before: session.version_acked(),
            id,
            session,
            link: None,
            stamp,
            is_saving: false,
            identity,
            serial,
            lease,
            newest_shown: lease.confirmed,
            suspended: None,
            version_told: None,
        }
    }

    pub(super) const fn has_socket(&self) -> bool {
        self.link.is_some()
    }

    /// The client has said something in this epoch.
    pub(super) fn confirm(&mut self, epoch: u64) {
        self.lease.confirm(epoch);
        self.newest_shown = self.newest_shown.max(epoch);
    }

    /// Whether a token of this epoch still counts, as far as can be seen from outside.
    pub(super) fn shows(&mut self, token_epoch: u64) -> bool {
        let newest = self.newest_shown;
        self.newest_shown = newest.max(token_epoch);
        token_epoch >= newest
    }

    /// Takes a new socket on; what it had before.
    pub(super) fn attach(&mut self, link: Link) -> Option<Link> {
        self.lease.epoch = self.lease.epoch.max(link.epoch);
        self.link.replace(link)
    }

    pub(super) fn is_suspended_by(&self, reason: CloseReason) -> bool {
        self.suspended == Some(reason)
    }
}

impl Server {
    /// Lets go of a session that has to make room, has expired, or whose server ends.
    pub(super) fn suspend(&mut self, now: Timestamp, number: u64, reason: CloseReason) {
        let Some(actor) = self.actors.get_mut(&number) else { return };
        match Parting::of(actor.lease, reason) {
            Parting::End => self.end(now, number, reason),
            Parting::Suspend => {
                actor.suspended = Some(reason);
                self.give(now, number, Input::Suspend);
            }
        }
    }

    /// Gives the machine an input and does what it asks for. True when the input is to be given again.
    pub(super) fn give(&mut self, now: Timestamp, number: u64, input: Input<'_, Msg>) -> bool {
        let Some(actor) = self.actors.get_mut(&number) else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| actor.session.handle_input(now, input)));
        if let Err(panic) = result {
            self.judge(&*panic);
            match self.recover(number) {
                Recovery::Retry => return true,
                Recovery::Undone { .. } => {}
                Recovery::Ended => {
                    self.end(now, number, CloseReason::ComponentFailed);
                    return false;
                }
            }
        }
        self.drive(now, number);
        false
    }

    fn recover(&mut self, number: u64) -> Recovery {
        let Some(actor) = self.actors.get_mut(&number) else { return Recovery::Ended };
        catch_unwind(AssertUnwindSafe(|| actor.session.recover())).unwrap_or(Recovery::Ended)
    }

    /// A panic must be the component's.
    pub(super) fn judge(&mut self, panic: &(dyn Any + Send)) {
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        if !text.starts_with(PANIC) {
            self.violation("C5", format!("the machine has panicked: {text}"));
        }
    }

    fn drive(&mut self, now: Timestamp, number: u64) {
        loop {
            let Some(actor) = self.actors.get_mut(&number) else { return };
            let polled = catch_unwind(AssertUnwindSafe(|| actor.session.poll_output()));
            // After each, so that no version is passed over.
            self.look(number);
            let Some(actor) = self.actors.get_mut(&number) else { return };
            let output = match polled {
                Ok(Some(output)) => output,
                Ok(None) => return,
                Err(panic) => {
                    self.judge(&*panic);
                    if self.recover(number) == Recovery::Ended {
                        return self.end(now, number, CloseReason::ComponentFailed);
                    }
                    continue;
                }
            };
            match output {
                Output::Transmit(transmission) => {
                    if let Some(link) = actor.link
                        && let Some(socket) = self.sockets.get_mut(&link.socket)
                    {
                        let frames = socket.sent_templates.announce(&transmission.templates);
                        let frames = frames.into_iter().chain([transmission.frame]);
                        self.wishes.extend(frames.map(|frame| Wish::Send(link.socket, frame)));
                    }
                }
                Output::Effect(Asked::Task) => self.wishes.push(Wish::Task { actor: number }),
                Output::Persist(checkpoint) => self.persist(number, checkpoint),
                Output::Drop(reason) => {
                    if let Some(link) = actor.link.take() {
                        // The socket may stay: the session waits no longer for it.
                        self.registry.detach(now, actor.id, link.epoch);
                        self.close_session(link, reason);
                    }
                }
                Output::Close(reason) => {
                    let reason = match (reason, actor.suspended) {
                        (CloseReason::ShuttingDown, Some(reason)) => reason,
                        _ => reason,
                    };
                    return self.end(now, number, reason);
                }
                _ => {}
            }
        }
    }

    /// What must hold of a session at any time.
    fn look(&mut self, number: u64) {
        let Some(actor) = self.actors.get_mut(&number) else { return };
        let session = &actor.session;
        let (patches, _) = session.unacked();
        let (seq, acked) = (session.seq_handled(), session.version_acked());
        let mut wrong = None;
        if patches > limits::PATCHES_UNACKED_MAX {
            wrong = Some(("C4", format!("{patches} patches are unacknowledged")));
        }
        if seq < actor.seq_before || acked < actor.acked_before || acked > session.version() {
            wrong = Some(("C3", "what was handled or acknowledged goes back".to_owned()));
        }
        if session.is_attached() != actor.link.is_some() && !session.is_closed() && wrong.is_none() {
            // Only between an output and its performance.
            let is_dropping = actor.link.is_some();
            if !is_dropping {
                wrong = Some(("C6", "a session believes to have a socket and has none".to_owned()));
            }
        }
        (actor.seq_before, actor.acked_before) = (seq, acked);
        if actor.version_told != Some(session.version()) {
            actor.version_told = Some(session.version());
            // A version of which nothing is rendered yet may be of a state that can't be.
            let html =
                app::disarmed(|| catch_unwind(AssertUnwindSafe(|| session.whole_html())).unwrap_or_default());
            self.wishes.push(Wish::Rendered { session: actor.id, version: session.version(), html });
        }
        if let Some((clause, what)) = wrong {
            self.violation(clause, what);
        }
    }

    fn persist(&mut self, number: u64, checkpoint: Checkpoint) {
        let Some(actor) = self.actors.get_mut(&number) else { return };
        let Checkpoint { generation, seq, bytes } = checkpoint;
        if !self.setup.has_store {
            return self.violation("C9", "something is to be stored where there is no store".to_owned());
        }
        if std::mem::replace(&mut actor.is_saving, true) {
            return self.violation("C4", "two writes of a session are under way".to_owned());
        }
        self.nonce += 1;
        let lease = self.registry.lease(actor.id).unwrap_or(actor.lease);
        let stamp = Stamp::of(lease, seq, self.nonce);
        let record = Record { stamp, lease, identity: actor.identity, checkpoint: bytes };
        let (session, expected) = (actor.id, actor.stamp);
        self.wishes.push(Wish::Save { session, actor: number, expected, record, generation });
    }

    pub(super) fn end(&mut self, now: Timestamp, number: u64, reason: CloseReason) {
        let Some(actor) = self.actors.remove(&number) else { return };
        self.registry.leave(actor.id, actor.serial);
        if let Some(link) = actor.link
            && reason != CloseReason::Left
        {
            self.close_session(link, reason);
        }
        if !leaves_record(actor.suspended.is_some(), reason)
            && let Some(stamp) = actor.stamp
        {
            self.wishes.push(Wish::Remove { session: actor.id, stamp });
        }
        self.wishes.push(Wish::Ended { session: actor.id, reason });
        self.discard(actor);
        // Each that has ended makes room for the next.
        self.hand_over(now);
    }

    /// A message in a tree may panic when it is dropped.
    pub(super) fn discard<T>(&mut self, value: T) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            self.judge(&*panic);
        }
    }
}
