//! The actor of a session: the shell around the session machine.
//!
//! One message at a time: give the machine its input and the time, drain its outputs, arm
//! the timer. Nothing here waits. Code of the author runs only within [`Body::run`], which
//! reads the clock and catches its panics.

use std::any::type_name;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::task::AtomicWaker;
use lightspeed_core::Policy;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::host::parting::{Parting, leaves_record};
use lightspeed_core::session::checkpoint::Checkpoint;
use lightspeed_core::session::recovery::Recovery;
use lightspeed_core::session::{Input, Join, Output, Session};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::component::context::{Adapter, Task};
use crate::component::live::Live;
use crate::http::admission::bytes::Charge;
use crate::limits;
use crate::operations::crew::{Crew, Errand, Job, Label, Lane, Weight, note};
use crate::operations::telemetry::{self, tell};
use crate::recording::recorder::Recorder;
use crate::runtime::Inner;
use crate::session::mailbox::{Attachment, Handle, Mail, Post};
use crate::session::outbox::Link;
use crate::session::rate_limit::Pace;
use crate::session::registry::{Reservation, Seat};
use crate::session::token::SessionId;
use crate::storage::persister::{Keeper, Saving};

/// A session's actor for components of type `C`.
pub(crate) struct SessionActor<C>(PhantomData<fn() -> C>);

impl<C> SessionActor<C> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// What a session starts with.
pub(crate) struct Start<C: Live> {
    pub(crate) id: SessionId,
    pub(crate) session: Session<Adapter<C>>,
    /// What the mount asked for.
    pub(crate) tasks: Vec<Task<C::Msg>>,
    pub(crate) reservation: Reservation,
    pub(crate) lease: Lease,
    /// For a session that is stored.
    pub(crate) keeper: Option<Box<Keeper>>,
    /// For a session that is recorded.
    pub(crate) recorder: Option<Recorder>,
    pub(crate) inner: Arc<Inner>,
}

/// What an actor holds; the part that runs an author's code can end before the actor does.
pub(crate) struct State<C: Live> {
    turns: Option<Arc<Turns<C>>>,
    _seat: Option<Seat>,
}

impl<C: Live> Drop for State<C> {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            // It has ended otherwise than by its end: the page must not wait for an answer.
            turns.give_up(CloseReason::ComponentFailed);
        }
    }
}

/// What runs an author's code: one message at a time, in a thread of the crew.
struct Turns<C: Live> {
    crew: Crew,
    label: Label,
    weight: Weight,
    /// Locked by whoever takes a turn.
    body: Mutex<Option<Body<C>>>,
    turn: Mutex<Turn<C::Msg>>,
    /// Told when a turn is over.
    waker: AtomicWaker,
}

/// The turn that is taken.
struct Turn<M> {
    post: Option<Post<M>>,
    is_running: bool,
    /// Whether the session has ended by it, an error for a panic of ours; and since when that is known.
    outcome: Option<(thread::Result<bool>, Instant)>,
    /// The actor has ended, with what the page is to be told.
    given_up: Option<CloseReason>,
}

impl<C: Live> Turns<C> {
    fn new(crew: &Crew, body: Body<C>) -> Arc<Self> {
        let label = Label::of::<C>("").in_session(body.id);
        let turn = Turn { post: None, is_running: false, outcome: None, given_up: None };
        Arc::new(Self {
            crew: crew.clone(),
            label,
            weight: Weight::default(),
            body: Mutex::new(Some(body)),
            turn: Mutex::new(turn),
            waker: AtomicWaker::new(),
        })
    }

    /// Has a message handled; whether the session has ended by it.
    async fn take(self: &Arc<Self>, post: Post<C::Msg>) -> bool {
        if self.crew.is_inline() {
            return self.crew.run_here(self.label, || self.handle(post));
        }
        self.hand_in(post);
        self.crew.enqueue(Arc::<Self>::clone(self));
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            let Some((outcome, ended)) = lock(&self.turn).outcome.take() else { return Poll::Pending };
            self.crew.note_heard(ended);
            Poll::Ready(outcome.unwrap_or_else(|panic| resume_unwind(panic)))
        })
        .await
    }

    fn hand_in(&self, post: Post<C::Msg>) {
        let mut turn = lock(&self.turn);
        turn.post = Some(post);
        turn.is_running = true;
    }

    fn handle(&self, post: Post<C::Msg>) -> bool {
        let mut held = lock(&self.body);
        let Some(body) = &mut *held else { return true };
        let Some(end) = body.handle(post) else { return false };
        if let Some(body) = held.take() {
            body.end(&end);
        }
        true
    }

    /// The actor is no more: what is left of the session goes, after the turn that is taken.
    fn give_up(self: &Arc<Self>, told: CloseReason) {
        let mut turn = lock(&self.turn);
        if turn.given_up.replace(told).is_some() || turn.is_running {
            return;
        }
        drop(turn);
        if self.crew.is_inline() {
            self.crew.run_here(self.label, || self.discard(told));
        } else {
            self.crew.enqueue(Arc::<Self>::clone(self));
        }
    }

    fn discard(&self, told: CloseReason) {
        let body = lock(&self.body).take();
        if let Some(mut body) = body {
            body.let_go(told);
            body.discard();
        }
    }
}

impl<C: Live> Job for Turns<C> {
    fn label(&self) -> Label {
        self.label
    }

    fn lane(&self) -> Lane {
        self.weight.lane(Lane::Session)
    }

    fn run(self: Arc<Self>) {
        let post = lock(&self.turn).post.take();
        let outcome = post.map(|post| catch_unwind(AssertUnwindSafe(|| self.handle(post))));
        self.weight.note();
        let mut turn = lock(&self.turn);
        turn.outcome = outcome.map(|outcome| (outcome, Instant::now()));
        turn.is_running = false;
        let given_up = turn.given_up;
        drop(turn);
        self.waker.wake();
        if let Some(told) = given_up {
            self.discard(told);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C: Live> Actor for SessionActor<C> {
    type Msg = Post<C::Msg>;
    type State = State<C>;
    type Arguments = Start<C>;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        start: Start<C>,
    ) -> Result<State<C>, ActorProcessingErr> {
        let handle = Handle::new(Arc::new(myself.clone()), Pace::new(&start.inner.config));
        let charge = start.inner.accounts.of(start.reservation.ip()).charge();
        let Some(seat) = start.reservation.enter(start.id, start.lease, handle) else {
            // Another socket has brought the session back at the same moment.
            myself.stop(None);
            return Ok(State { turns: None, _seat: None });
        };
        let mut tasks = Tasks::default();
        // More than a component may leave waiting is found at its first message.
        tasks.waiting.extend(start.tasks);
        let crew = start.inner.crew().clone();
        let mut body = Body {
            id: start.id,
            session: start.session,
            link: None,
            // Weak, so that a session doesn't keep the runtime that it ends with.
            inner: Arc::downgrade(&start.inner),
            crew: crew.clone(),
            clock: start.inner.clock,
            timer: None,
            tasks,
            keeper: start.keeper,
            recorder: start.recorder,
            charge,
            lease: start.lease,
            saving: None,
            store_out: None,
            is_store_out: false,
            renew_at: None,
            suspended: None,
            patience: None,
            is_confirmed: false,
            panic: None,
            myself,
        };
        body.start_tasks();
        body.stored_now();
        Ok(State { turns: Some(Turns::new(&crew, body)), _seat: Some(seat) })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        post: Self::Msg,
        state: &mut State<C>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(turns) = &state.turns else { return Ok(()) };
        if turns.take(post).await {
            state.turns = None;
            myself.stop(None);
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut State<C>,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(turns) = state.turns.take() {
            turns.give_up(CloseReason::ShuttingDown);
        }
        Ok(())
    }
}

/// Why a session ends.
struct End {
    reason: CloseReason,
    /// More for the log.
    detail: Option<String>,
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> Self {
        Self { reason, detail: None }
    }
}

/// The session with what surrounds it.
struct Body<C: Live> {
    id: SessionId,
    session: Session<Adapter<C>>,
    link: Option<Link>,
    inner: std::sync::Weak<Inner>,
    crew: Crew,
    clock: crate::operations::clock::Clock,
    timer: Option<Alarm>,
    tasks: Tasks<C::Msg>,
    /// Boxed: 500 bytes that most sessions have no use for.
    keeper: Option<Box<Keeper>>,
    recorder: Option<Recorder>,
    /// What is kept because the client hasn't acknowledged it.
    charge: Charge,
    /// The epochs as they were told: the registry forgets them when the session is to make room.
    lease: Lease,
    /// A checkpoint that is being written.
    saving: Option<Saving>,
    /// Runs out when the store takes too long with what it was given.
    store_out: Option<Alarm>,
    /// It has, and the page is told so whenever it comes.
    is_store_out: bool,
    /// When what is stored has to be written again.
    renew_at: Option<Instant>,
    /// It is to end, with this reason, once it is stored.
    suspended: Option<CloseReason>,
    /// Runs out when the store doesn't answer a suspended session.
    patience: Option<Alarm>,
    /// The client has answered in the epoch of `link`.
    is_confirmed: bool,
    /// What the component said when it panicked for the last time.
    panic: Option<String>,
    myself: ActorRef<Post<C::Msg>>,
}

impl<C: Live> Body<C> {
    fn handle(&mut self, post: Post<C::Msg>) -> Option<End> {
        // A permit is held until the message is handled: then its place in the inbox is free.
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
                    if let Some(inner) = self.inner.upgrade().filter(|_| holder < epoch) {
                        // It was lost before it could join: whoever was here is here still.
                        inner.registry.keep(self.id, epoch, holder);
                    }
                    return None;
                }
                self.link = None;
                if let Some(inner) = self.inner.upgrade() {
                    inner.registry.detach(self.id, epoch);
                }
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
                // What comes from here on is not handled, or only stored.
                if let Some(recorder) = self.recorder.take() {
                    recorder.closed(self.clock.now(), reason);
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
                self.renew();
                let is_due = self.session.next_timeout().is_some_and(|due| due <= self.clock.now());
                if !is_due {
                    return self.finish();
                }
                self.record(Recorder::timed_out);
                self.take(Input::Timeout)
            }
            Post::Stored { generation, stamp } => {
                self.saving = None;
                self.is_store_out = false;
                if let Some(keeper) = &mut self.keeper {
                    keeper.set_stamp(stamp);
                }
                self.stored_now();
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

    /// The store has taken too long: the page must not look as if all were well. The session waits for both.
    fn lack_the_store(&mut self) -> Option<End> {
        self.store_out = None;
        let out_at = self.saving.as_ref()?.began + limits::STORE_OUT_AFTER;
        if out_at > Instant::now() {
            // That was for an earlier write.
            self.store_out = Some(Alarm::set(&self.myself, out_at, |_| Post::StoreOut));
            return None;
        }
        if std::mem::replace(&mut self.is_store_out, true) {
            return None;
        }
        let (within, error) =
            (limits::STORE_OUT_AFTER, "nothing is stored: pages are told that it is unavailable");
        tell!(error, telemetry::STORE_FAILED, type_name::<C>(), self.id, error, ?within);
        let epoch = self.link.as_ref()?.epoch;
        self.let_go(CloseReason::Unavailable);
        if let Some(inner) = self.inner.upgrade() {
            inner.registry.detach(self.id, epoch);
        }
        self.record(Recorder::detached);
        self.take(Input::Detach)
    }

    fn join(&mut self, mut attachment: Attachment) -> Option<End> {
        let link = attachment.link.take()?;
        if self.is_store_out {
            let inner = self.inner.upgrade();
            let retry_ms = inner.as_ref().map_or(0, |inner| inner.retry_ms(CloseReason::Unavailable));
            if let Some(inner) = inner {
                inner.registry.detach(self.id, link.epoch);
            }
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

    /// The client has got the token of this epoch: it speaks.
    fn confirm(&mut self, epoch: u64) {
        if std::mem::replace(&mut self.is_confirmed, true) {
            return;
        }
        self.lease.confirm(epoch);
        if let Some(inner) = self.inner.upgrade() {
            inner.registry.confirm(self.id, epoch);
        }
    }

    /// Takes a new socket on; false when a newer one is there already.
    fn attach(&mut self, link: Link) -> bool {
        match self.link.take() {
            Some(current) if current.epoch > link.epoch => {
                link.close(CloseReason::Replaced, 0);
                self.link = Some(current);
                return false;
            }
            Some(current) if !current.is_same_seat(&link) => {
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

    /// A frame, again if the component has panicked on it and may try once more.
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
        // Before anything is rendered: whoever runs the session again has the state, and not the message.
        let state = self.session.state().map(<[u8]>::to_vec);
        self.record(|recorder, now| recorder.message(now, state));
        match taken {
            Ok(()) | Err(Recovery::Undone { .. }) => self.finish(),
            Err(_) => Some(self.failed()),
        }
    }

    /// Tells the recorder, if there is one.
    fn record(&mut self, tell: impl FnOnce(&mut Recorder, lightspeed_protocol::Timestamp)) {
        if let Some(recorder) = &mut self.recorder {
            tell(recorder, self.clock.now());
        }
    }

    fn failed(&mut self) -> End {
        End { reason: CloseReason::ComponentFailed, detail: self.panic.take() }
    }

    /// Runs the machine, and with it the author's code; after a panic, says how it goes on.
    fn run<T>(
        &mut self,
        run: impl FnOnce(&mut Session<Adapter<C>>, lightspeed_protocol::Timestamp) -> T,
    ) -> Result<T, Recovery> {
        let now = self.clock.now();
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

    /// Whether there is no room for what is kept for the client.
    fn has_too_much(&mut self) -> bool {
        let byte_count = self.session.waiting_byte_count();
        byte_count != self.charge.bytes() && !self.charge.set(byte_count)
    }

    /// Lets go of the client and of what is kept for it.
    fn relieve(&mut self) -> Option<End> {
        let byte_count = self.charge.bytes();
        let peer = self.link.as_ref().and_then(Link::peer).map(tracing::field::display);
        tracing::warn!(
            session = %self.id, component = type_name::<C>(), byte_count, peer,
            "a session lets go of what its client hasn't acknowledged: \
             waiting_bytes_max or that of its address is reached"
        );
        // The machine is told something that no frame or timer tells.
        if let Some(recorder) = self.recorder.take() {
            recorder.closed(self.clock.now(), CloseReason::Unavailable);
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
                Output::Effect(task) => {
                    self.tasks.waiting.push_back(task);
                    self.start_tasks();
                }
                Output::Persist(checkpoint) => {
                    if let Err(end) = self.persist(checkpoint) {
                        return Some(end);
                    }
                }
                Output::Drop(reason) => {
                    // The socket may stay, and with it a client that is silent: the session waits no longer for it.
                    if let (Some(link), Some(inner)) = (&self.link, self.inner.upgrade()) {
                        inner.registry.detach(self.id, link.epoch);
                    }
                    self.let_go(reason);
                }
                Output::Unfit(unfit) => telemetry::unfit(self.id, type_name::<C>(), &unfit),
                Output::Close(CloseReason::ShuttingDown) => {
                    return Some(self.suspended.unwrap_or(CloseReason::ShuttingDown).into());
                }
                Output::Close(reason) => return Some(reason.into()),
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
        self.tasks.start(&self.crew, label, &self.myself);
    }

    /// Has a checkpoint written; the answer is a message.
    fn persist(&mut self, checkpoint: Checkpoint) -> Result<(), End> {
        let generation = checkpoint.generation;
        let (Some(keeper), Some(inner)) = (&self.keeper, self.inner.upgrade()) else { return Ok(()) };
        if checkpoint.bytes.len() > limits::STORED_BYTES_MAX {
            let detail = format!("{} bytes are too many to be stored", checkpoint.bytes.len());
            return Err(End { reason: CloseReason::ComponentFailed, detail: Some(detail) });
        }
        // The others go on without the store.
        if C::POLICY.kind(true) == Policy::Durable && self.store_out.is_none() {
            let at = Instant::now() + limits::STORE_OUT_AFTER;
            self.store_out = Some(Alarm::set(&self.myself, at, |_| Post::StoreOut));
        }
        let lease = inner.registry.lease(self.id).unwrap_or(self.lease);
        let (seq, bytes) = (checkpoint.seq, checkpoint.bytes.len());
        let (id, myself, keeper) = (self.id, self.myself.clone(), keeper.clone());
        self.saving = Some(Saving::start(&self.crew, keeper.label(), async move {
            let saved = keeper.save(lease, checkpoint).await;
            let post = match saved {
                Ok(stamp) => {
                    tell!(debug, telemetry::STORED, type_name::<C>(), id, seq, bytes);
                    Post::Stored { generation, stamp }
                }
                Err(_) => Post::Fenced,
            };
            // Fails only when the session has ended.
            let _ = myself.send_message(post);
            saved
        }));
        Ok(())
    }

    /// What is stored is as new as can be.
    fn stored_now(&mut self) {
        let within = self.keeper.as_deref().and_then(Keeper::renew_within);
        self.renew_at = within.map(|within| Instant::now() + within);
    }

    /// Has what is stored written again, if that is due.
    fn renew(&mut self) {
        if self.renew_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.stored_now();
        // What is being written is new anyway.
        if let Some(keeper) = self.keeper.as_ref().filter(|_| self.saving.is_none()) {
            self.crew.spawn(Lane::Session, keeper.label(), (**keeper).clone().renew()).detach();
        }
    }

    /// Sees to it that the machine is woken when it asked to be.
    ///
    /// A timer that runs out early is cheaper than one that is set anew with every
    /// message, so an armed one stays as long as it isn't late.
    fn arm(&mut self) {
        let due = self.session.next_timeout().map(|at| self.clock.instant(at));
        let Some(at) = due.into_iter().chain(self.renew_at).min() else { return };
        if self.timer.as_ref().is_some_and(|timer| timer.at <= at) {
            return;
        }
        self.timer = Some(Alarm::set(&self.myself, at, Post::Wake));
    }

    /// Tells the socket why, and is without one.
    fn let_go(&mut self, reason: CloseReason) {
        if let Some(link) = self.link.take() {
            let retry_ms = self.inner.upgrade().map_or(0, |inner| inner.retry_ms(reason));
            link.close(reason, retry_ms);
        }
    }

    /// Tells the socket and the log, and lets go of everything.
    fn end(mut self, end: &End) {
        let peer = self.link.as_ref().and_then(Link::peer);
        if let Some(recorder) = self.recorder.take() {
            recorder.closed(self.clock.now(), end.reason);
        }
        telemetry::closed(self.id, type_name::<C>(), end.reason, peer, end.detail.as_deref());
        if end.reason == CloseReason::Left {
            self.link = None;
        }
        self.let_go(end.reason);
        let is_over = !leaves_record(self.suspended.is_some(), end.reason);
        if let Some(keeper) = self.keeper.take().filter(|_| is_over) {
            keeper.forget(&self.crew, self.saving.take());
        }
        self.discard();
    }

    fn discard(self) {
        note(type_name::<C>(), "drop", None);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(self))) {
            let panic = panic_text(&*panic);
            tracing::error!(component = type_name::<C>(), panic, "a component panicked while it was dropped");
        }
    }
}

impl<C: Live> Drop for Body<C> {
    fn drop(&mut self) {
        // The link is there only when our own code has panicked: the page must not wait for an answer.
        self.let_go(CloseReason::ComponentFailed);
    }
}

/// The text of a panic.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a value that is no text").to_owned()
}

/// Work beside the actor that ends when this is dropped.
struct Alarm {
    at: Instant,
    task: AbortHandle,
}

impl Alarm {
    /// Posts something at an instant: made then, as every waiting alarm would have the room for it.
    fn set<M: Send + 'static>(myself: &ActorRef<Post<M>>, at: Instant, post: fn(Instant) -> Post<M>) -> Self {
        let myself = myself.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            // Fails only when the session has ended.
            let _ = myself.send_message(post(at));
        });
        Self { at, task: task.abort_handle() }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The work that a session has asked for.
struct Tasks<M> {
    /// Those that run, some that have ended among them; aborted when dropped.
    running: Vec<Errand<()>>,
    running_count: usize,
    waiting: VecDeque<Task<M>>,
    /// Set while tasks wait, with how many had been started then.
    watch: Option<(Alarm, u64)>,
    started: u64,
    is_told: bool,
}

impl<M> Default for Tasks<M> {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            running_count: 0,
            waiting: VecDeque::new(),
            watch: None,
            started: 0,
            is_told: false,
        }
    }
}

impl<M: Send + 'static> Tasks<M> {
    /// Starts as many as may run.
    fn start(&mut self, crew: &Crew, label: Label, myself: &ActorRef<Post<M>>) {
        while self.running_count < limits::TASKS_IN_FLIGHT_MAX
            && let Some(task) = self.waiting.pop_front()
        {
            self.running_count += 1;
            self.started += 1;
            let myself = myself.clone();
            let errand = crew.spawn(Lane::Session, label, async move {
                let result = AssertUnwindSafe(task).catch_unwind().await;
                // Fails only when the session has ended.
                let _ = myself.send_message(Post::Done(result.map_err(|panic| panic_text(&*panic))));
            });
            self.running.push(errand);
        }
        self.watch(myself);
    }

    /// Looks again after a while, if some wait.
    fn watch(&mut self, myself: &ActorRef<Post<M>>) {
        if self.waiting.is_empty() {
            (self.watch, self.is_told) = (None, false);
        } else if self.watch.is_none() && !self.is_told {
            let at = Instant::now() + limits::TASKS_WAIT_TOLD_AFTER;
            self.watch = Some((Alarm::set(myself, at, Post::TasksWait), self.started));
        }
    }

    /// How many run and how many wait, if none has been started for as long as the alarm took.
    fn look(&mut self, at: Instant) -> Option<(usize, usize)> {
        let (_, started) = self.watch.take_if(|(alarm, _)| alarm.at == at)?;
        self.is_told = started == self.started && !self.waiting.is_empty();
        self.is_told.then_some((self.running_count, self.waiting.len()))
    }

    /// One has told that it is done.
    fn end_one(&mut self) {
        self.running_count -= 1;
        self.running.retain(|errand| !errand.is_over());
    }
}
