//! What an actor does with a message: the machine gets its input and the time, and its outputs are carried out.

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use lightspeed_core::Policy;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::host::parting::{Parting, leaves_record};
use lightspeed_core::session::checkpoint::Checkpoint;
use lightspeed_core::session::recovery::Recovery;
use lightspeed_core::session::{Input, Join, Output, Session};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use ractor::ActorRef;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::stores::Stores;
use super::tasks::Tasks;
use crate::component::context::{Adapter, Asked};
use crate::component::live::Live;
use crate::http::admission::bytes::Charge;
use crate::id::SessionId;
use crate::limits;
use crate::operations::crew::{Label, note};
use crate::operations::panics::panic_text;
use crate::operations::telemetry::{self, tell};
use crate::recording::recorder::Recorder;
use crate::session::mailbox::{Attachment, Mail, Post};
use crate::session::outbox::Link;
use crate::session::start::Start;
use crate::session::surroundings::Surroundings;

/// Why a session ends.
pub(super) struct End {
    reason: CloseReason,
    /// A detail for the log.
    detail: Option<String>,
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> Self {
        Self { reason, detail: None }
    }
}

/// The session machine, and what carries out its outputs.
pub(super) struct Body<C: Live> {
    id: SessionId,
    session: Session<Adapter<C>>,
    /// The socket that holds the session.
    link: Option<Link>,
    /// The client has answered in the epoch of `link`.
    is_confirmed: bool,
    /// The epochs as the actor knows them: the registry forgets its own copy when the session is to make room.
    lease: Lease,
    surroundings: Arc<Surroundings>,
    myself: ActorRef<Post<C::Msg>>,
    timer: Option<Alarm>,
    tasks: Tasks<C::Msg>,
    stores: Stores,
    recorder: Option<Recorder>,
    /// Counts what is kept because the client hasn't acknowledged it.
    charge: Charge,
    /// The session is to end, with this reason, once it is stored.
    suspended: Option<CloseReason>,
    /// Goes off when the store doesn't answer a suspended session.
    patience: Option<Alarm>,
    /// What the component said when it panicked for the last time.
    panic: Option<String>,
}

impl<C: Live> Body<C> {
    /// Begins a session, with the tasks that its mount has asked for.
    pub(super) fn new(
        start: Start<C>,
        charge: Charge,
        surroundings: Arc<Surroundings>,
        myself: ActorRef<Post<C::Msg>>,
    ) -> Self {
        let mut body = Self {
            id: start.id,
            session: start.session,
            link: None,
            is_confirmed: false,
            lease: start.lease,
            surroundings,
            myself,
            timer: None,
            tasks: Tasks::default(),
            stores: Stores::new(start.persister),
            recorder: start.recorder,
            charge,
            suspended: None,
            patience: None,
            panic: None,
        };
        // Whether more tasks wait than may is checked with the first message.
        body.tasks.waiting.extend(start.tasks);
        body.start_tasks();
        body
    }

    pub(super) const fn id(&self) -> SessionId {
        self.id
    }

    fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    /// Handles a message; why the session has ended, if it has.
    pub(super) fn handle(&mut self, post: Post<C::Msg>) -> Option<End> {
        // The permit of a message is held until the message is handled, so that its place in the inbox stays taken.
        match post {
            Post::Mail(Mail::Join(attachment)) => self.join(*attachment),
            Post::Mail(Mail::Frame { epoch, bytes, permit: _permit, charge: _charge }) => {
                if !self.is_held_by(epoch) {
                    return None;
                }
                self.confirm(epoch);
                self.take_frame(&bytes)
            }
            Post::Mail(Mail::Detach { epoch }) => {
                let holder = self.link.as_ref()?.epoch;
                if holder != epoch {
                    if holder < epoch {
                        // The socket was lost before it could join: the earlier one has the session still.
                        self.surroundings.registry.keep(self.id, epoch, holder);
                    }
                    return None;
                }
                self.link = None;
                self.surroundings.registry.detach(self.id, epoch);
                tell!(debug, telemetry::PARKED, type_name::<C>(), self.id, epoch);
                self.record(Recorder::detached);
                self.take(Input::Detach)
            }
            Post::Mail(Mail::Suspend(reason)) => {
                tell!(debug, telemetry::SUSPENDED, type_name::<C>(), self.id, reason = reason.name());
                if Parting::of(self.lease, reason) == Parting::End {
                    return Some(reason.into());
                }
                self.suspended = Some(reason);
                // A suspended session handles nothing but the answers of the store.
                if let Some(recorder) = self.recorder.take() {
                    recorder.closed(self.now(), reason);
                }
                let within = Instant::now() + limits::SUSPEND_WITHIN;
                self.patience.get_or_insert_with(|| Alarm::set(&self.myself, within, |_| Post::GiveUp));
                self.take(Input::Suspend)
            }
            Post::Mail(Mail::Moved) | Post::Fenced => {
                tell!(warn, telemetry::FENCED, type_name::<C>(), self.id);
                Some(CloseReason::Moved.into())
            }
            Post::Done(result) => {
                self.tasks.end_one();
                note(type_name::<C>(), "message of a task", None);
                match result {
                    Ok(message) => self.take_message(message),
                    Err(panic) => self.note_task_failed(&panic),
                }
            }
            Post::Wake(at) => {
                if self.timer.as_ref().is_some_and(|timer| timer.at == at) {
                    self.timer = None;
                }
                self.stores.renew(&self.surroundings.crew);
                let is_due = self.session.next_timeout().is_some_and(|due| due <= self.now());
                if !is_due {
                    return self.finish();
                }
                self.record(Recorder::timed_out);
                self.take(Input::Timeout)
            }
            Post::Stored { generation, stamp } => {
                self.stores.note_stored(stamp);
                self.record(|recorder, now| recorder.stored(now, generation));
                self.take(Input::Persisted { generation })
            }
            Post::TasksWait(at) => {
                if let Some((running, waiting)) = self.tasks.look(at) {
                    let component = type_name::<C>();
                    tell!(
                        warn,
                        telemetry::TASKS_WAIT,
                        component,
                        self.id,
                        running,
                        waiting,
                        "{waiting} tasks wait for one of {running} to end, and none has for {:?}: work that waits for \
                         something needs a task of the application's own, which sends what comes",
                        limits::TASKS_WAIT_TOLD_AFTER
                    );
                }
                self.tasks.watch(&self.myself);
                None
            }
            Post::StoreOut => self.lack_the_store(),
            Post::GiveUp => {
                let detail = Some("the store did not answer in time: what it lacks is lost".to_owned());
                Some(End { reason: self.suspended.unwrap_or(CloseReason::ShuttingDown), detail })
            }
        }
    }

    /// The store has taken too long: the page is disconnected, so that it shows that something is wrong. The session
    /// waits for the store and for the page.
    fn lack_the_store(&mut self) -> Option<End> {
        if !self.stores.note_overdue(&self.myself) {
            return None;
        }
        let (within, error) =
            (limits::STORE_OUT_AFTER, "nothing is stored: pages are told that it is unavailable");
        tell!(error, telemetry::STORE_FAILED, type_name::<C>(), self.id, error, ?within);
        let epoch = self.link.as_ref()?.epoch;
        self.let_go(CloseReason::Unavailable);
        self.surroundings.registry.detach(self.id, epoch);
        self.record(Recorder::detached);
        self.take(Input::Detach)
    }

    fn join(&mut self, mut attachment: Attachment) -> Option<End> {
        let link = attachment.link.take()?;
        if self.stores.is_out() {
            let retry_ms = self.surroundings.retry.after_ms(CloseReason::Unavailable);
            self.surroundings.registry.detach(self.id, link.epoch);
            link.close(CloseReason::Unavailable, retry_ms);
            return None;
        }
        let Attachment { mode, applied, settled, is_latest, ref token, permit: ref _permit, .. } = attachment;
        let (session, epoch, peer) = (link.session, link.epoch, link.peer());
        if !self.attach(link) {
            return None;
        }
        let peer = peer.map(tracing::field::display);
        tell!(debug, telemetry::ATTACHED, type_name::<C>(), self.id, epoch, peer);
        self.record(|recorder, now| recorder.joined(now, session, mode, applied, settled));
        self.take(Input::Join(Join { session, mode, applied, settled, token, is_latest }))
    }

    fn is_held_by(&self, epoch: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.epoch == epoch)
    }

    /// The client has sent a frame, so that it has received the token of this epoch.
    fn confirm(&mut self, epoch: u64) {
        if std::mem::replace(&mut self.is_confirmed, true) {
            return;
        }
        self.lease.confirm(epoch);
        self.surroundings.registry.confirm(self.id, epoch);
    }

    /// Attaches a socket; false when a newer one is attached already.
    fn attach(&mut self, link: Link) -> bool {
        match self.link.take() {
            Some(current) if current.epoch > link.epoch => {
                link.close(CloseReason::Replaced, 0);
                self.link = Some(current);
                return false;
            }
            Some(current) if !current.has_same_target(&link) => {
                let (epoch, reason) = (current.epoch, CloseReason::Replaced);
                tell!(info, telemetry::REPLACED, type_name::<C>(), self.id, epoch, reason = reason.name());
                current.close(reason, 0);
            }
            _ => {}
        }
        self.lease.epoch = self.lease.epoch.max(link.epoch);
        self.link = Some(link);
        self.is_confirmed = false;
        true
    }

    /// Handles a frame, and handles it again when the component has panicked and may try once more.
    fn take_frame(&mut self, bytes: &Bytes) -> Option<End> {
        self.record(|recorder, now| recorder.frame_in(now, bytes.clone()));
        loop {
            let (_, frame) = ClientFrame::decode(bytes).expect("the socket has decoded it before");
            match self.run(|session, now| session.handle_input(now, Input::Frame(frame))) {
                Ok(()) | Err(Recovery::Undone { .. }) => return self.finish(),
                Err(Recovery::Retry) => {}
                Err(_) => return Some(self.failed()),
            }
        }
    }

    fn take(&mut self, input: Input<'_, C::Msg>) -> Option<End> {
        match self.run(|session, now| session.handle_input(now, input)) {
            Ok(()) | Err(Recovery::Undone { .. }) => self.finish(),
            // Only a frame is tried again.
            Err(_) => Some(self.failed()),
        }
    }

    fn take_message(&mut self, message: C::Msg) -> Option<End> {
        let taken = self.run(|session, now| session.handle_input(now, Input::Message(message)));
        // The state is recorded before anything is rendered: a replay has the state and not the message.
        if self.recorder.is_some() {
            let (state, asked) = (self.session.state().map(<[u8]>::to_vec), self.session.asked());
            self.record(|recorder, now| recorder.message(now, state, asked));
        }
        match taken {
            Ok(()) | Err(Recovery::Undone { .. }) => self.finish(),
            Err(_) => Some(self.failed()),
        }
    }

    /// Tells the recorder, if there is one.
    fn record(&mut self, tell: impl FnOnce(&mut Recorder, Timestamp)) {
        if let Some(recorder) = &mut self.recorder {
            tell(recorder, self.surroundings.clock.now());
        }
    }

    fn failed(&mut self) -> End {
        End { reason: CloseReason::ComponentFailed, detail: self.panic.take() }
    }

    /// Runs the machine, and with it the author's code. After a panic, the error says how the session goes on.
    fn run<T>(&mut self, run: impl FnOnce(&mut Session<Adapter<C>>, Timestamp) -> T) -> Result<T, Recovery> {
        let now = self.now();
        let session = &mut self.session;
        let panic = match catch_unwind(AssertUnwindSafe(|| run(session, now))) {
            Ok(value) => return Ok(value),
            Err(panic) => panic_text(&*panic),
        };
        let recovery = catch_unwind(AssertUnwindSafe(|| session.recover())).unwrap_or(Recovery::Ended);
        if recovery == Recovery::Ended {
            self.panic = Some(panic);
        } else {
            tell!(error, telemetry::RESTARTED, type_name::<C>(), self.id, panic);
            self.record_restart();
        }
        if let Recovery::Undone { event_count: events @ 1.. } = recovery {
            tell!(warn, telemetry::QUARANTINED, type_name::<C>(), self.id, events);
        }
        Err(recovery)
    }

    fn record_restart(&mut self) {
        let state = self.session.state().map(<[u8]>::to_vec);
        self.record(|recorder, now| recorder.restarted(now, state));
    }

    fn note_task_failed(&mut self, panic: &str) -> Option<End> {
        tell!(error, telemetry::TASK_FAILED, type_name::<C>(), self.id, panic, "a task panicked");
        if self.session.note_task_failed() {
            self.record_restart();
            return self.finish();
        }
        Some(End {
            reason: CloseReason::ComponentFailed,
            detail: Some("its tasks panic too often".to_owned()),
        })
    }

    /// Does everything that the machine asks for, and sets the timer.
    fn finish(&mut self) -> Option<End> {
        let end = self.drain();
        if end.is_none() && self.has_too_much() {
            return self.relieve();
        }
        if end.is_none() {
            self.arm();
        }
        end
    }

    /// Whether the bytes that are kept for the client exceed what its address, or all clients, may have.
    fn has_too_much(&mut self) -> bool {
        let byte_count = self.session.waiting_byte_count();
        byte_count != self.charge.bytes() && !self.charge.set(byte_count)
    }

    /// Disconnects the client, and drops the bytes that are kept for it.
    fn relieve(&mut self) -> Option<End> {
        let byte_count = self.charge.bytes();
        let peer = self.link.as_ref().and_then(Link::peer).map(tracing::field::display);
        tracing::warn!(
            session = %self.id, component = type_name::<C>(), byte_count, peer,
            "a session lets go of what its client hasn't acknowledged: \
             waiting_bytes_max or that of its address is reached"
        );
        // A recording has no record for this input, so that it ends here.
        if let Some(recorder) = self.recorder.take() {
            recorder.closed(self.now(), CloseReason::Unavailable);
        }
        self.take(Input::Relieve)
    }

    fn drain(&mut self) -> Option<End> {
        loop {
            let output = match self.run(|session, _| session.poll_output()) {
                Ok(Some(output)) => output,
                Ok(None) => break,
                Err(Recovery::Ended) => return Some(self.failed()),
                Err(_) => continue,
            };
            match output {
                Output::Transmit(transmission) => {
                    self.record(|recorder, now| recorder.frame_out(now, &transmission));
                    if let Some(link) = &self.link {
                        link.transmit(transmission, C::IS_COMPRESSED);
                    }
                }
                Output::Effect(Asked::Task(task)) => {
                    self.tasks.waiting.push_back(task);
                    self.start_tasks();
                }
                Output::Persist(checkpoint) => {
                    if let Err(end) = self.persist(checkpoint) {
                        return Some(end);
                    }
                }
                Output::EffectDropped => {
                    let component = type_name::<C>();
                    tracing::warn!(
                        session = %self.id, component, "asks for more than its page does: the oldest of {} is dropped",
                        lightspeed_core::session::EFFECTS_WAITING_MAX
                    );
                }
                Output::Drop(reason) => {
                    // The socket may stay open with a client that is silent: it holds the session no longer.
                    if let Some(link) = &self.link {
                        self.surroundings.registry.detach(self.id, link.epoch);
                        let peer = link.peer().map(tracing::field::display);
                        let (session, component, reason) = (self.id, type_name::<C>(), reason.name());
                        tracing::info!(%session, component, peer, reason, "a session lets go of its socket");
                    }
                    self.let_go(reason);
                }
                Output::Unfit(unfit) => telemetry::unfit(self.id, type_name::<C>(), &unfit),
                Output::Close(CloseReason::ShuttingDown) => {
                    return Some(self.suspended.unwrap_or(CloseReason::ShuttingDown).into());
                }
                Output::Close(reason) => return Some(reason.into()),
                // What is asked of the page, the machine has.
                _ => {}
            }
        }
        self.start_tasks();
        if self.tasks.waiting.len() > limits::TASKS_WAITING_MAX {
            let detail = Some(format!("more than {} tasks are waiting", limits::TASKS_WAITING_MAX));
            return Some(End { reason: CloseReason::ComponentFailed, detail });
        }
        None
    }

    fn start_tasks(&mut self) {
        let label = Label::of::<C>("task").in_session(self.id);
        self.tasks.start(&self.surroundings.crew, label, &self.myself);
    }

    /// Has a checkpoint written.
    fn persist(&mut self, checkpoint: Checkpoint) -> Result<(), End> {
        if !self.stores.is_stored() {
            return Ok(());
        }
        if checkpoint.bytes.len() > limits::STORED_BYTES_MAX {
            let detail = format!("{} bytes are too many to be stored", checkpoint.bytes.len());
            return Err(End { reason: CloseReason::ComponentFailed, detail: Some(detail) });
        }
        // Sessions of the other policies go on without the store.
        let is_waited_for = C::POLICY.kind(true) == Policy::Durable;
        let Surroundings { registry, crew, .. } = &*self.surroundings;
        let lease = registry.lease(self.id).unwrap_or(self.lease);
        self.stores.write(checkpoint, lease, is_waited_for, crew, &self.myself);
        Ok(())
    }

    /// Sets the timer for when the machine has asked to be woken.
    ///
    /// A timer that runs out early is cheaper than one that is set anew with every
    /// message, so an armed one stays as long as it isn't late.
    fn arm(&mut self) {
        let due = self.session.next_timeout().map(|at| self.surroundings.clock.instant(at));
        let Some(at) = due.into_iter().chain(self.stores.renew_at()).min() else { return };
        if self.timer.as_ref().is_some_and(|timer| timer.at <= at) {
            return;
        }
        self.timer = Some(Alarm::set(&self.myself, at, Post::Wake));
    }

    /// Tells the client why the session can't go on with its socket, and detaches the socket.
    pub(super) fn let_go(&mut self, reason: CloseReason) {
        if let Some(link) = self.link.take() {
            link.close(reason, self.surroundings.retry.after_ms(reason));
        }
    }

    /// Ends the session: tells the client and the log why, and drops everything.
    pub(super) fn end(mut self, end: &End) {
        let peer = self.link.as_ref().and_then(Link::peer);
        if let Some(recorder) = self.recorder.take() {
            recorder.closed(self.now(), end.reason);
        }
        telemetry::closed(self.id, type_name::<C>(), end.reason, peer, end.detail.as_deref());
        if end.reason == CloseReason::Left {
            self.link = None;
        }
        self.let_go(end.reason);
        if !leaves_record(self.suspended.is_some(), end.reason) {
            self.stores.forget(&self.surroundings.crew);
        }
        self.discard();
    }

    pub(super) fn discard(self) {
        note(type_name::<C>(), "drop", None);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(self))) {
            let panic = panic_text(&*panic);
            tracing::error!(component = type_name::<C>(), panic, "a component panicked while it was dropped");
        }
    }
}

impl<C: Live> Drop for Body<C> {
    fn drop(&mut self) {
        // There is a link only when our own code has panicked: the page must not wait for an answer.
        self.let_go(CloseReason::ComponentFailed);
    }
}
