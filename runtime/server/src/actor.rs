//! The actor of a session: the shell around the session machine.
//!
//! One message at a time: read the clock once, give the machine its input, drain its
//! outputs, arm the timer. Nothing here waits.

use std::any::type_name;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use lightspeed_core::session::{Input, Output, Session};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::context::{Adapter, Task};
use crate::limits;
use crate::live::Live;
use crate::mailbox::{Handle, Mail, Post};
use crate::registry::{Reservation, Seat};
use crate::socket::outbox::Link;
use crate::token::SessionId;

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
    pub(crate) clock: Clock,
}

/// What an actor holds; the part that runs an author's code can end before the actor does.
pub(crate) struct State<C: Live> {
    body: Option<Body<C>>,
    _seat: Seat,
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
        let seat = start.reservation.enter(start.id, Handle::new(Arc::new(myself.clone())));
        let mut tasks = Tasks::default();
        // More than a component may leave waiting is found at its first message.
        tasks.waiting.extend(start.tasks);
        let mut body =
            Body { session: start.session, link: None, clock: start.clock, timer: None, tasks, myself };
        body.tasks.start(&body.myself);
        Ok(State { body: Some(body), _seat: seat })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        post: Self::Msg,
        state: &mut State<C>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(body) = &mut state.body else { return Ok(()) };
        let end = match catch_unwind(AssertUnwindSafe(|| body.handle(post))) {
            Ok(None) => return Ok(()),
            Ok(Some(end)) => end,
            Err(panic) => End::panicked(&*panic),
        };
        if let Some(body) = state.body.take() {
            body.end(&end);
        }
        myself.stop(None);
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut State<C>,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(body) = state.body.take() {
            body.discard();
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

impl End {
    fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        Self { reason: CloseReason::ComponentFailed, detail: Some(panic_text(panic)) }
    }
}

/// The session with what surrounds it.
struct Body<C: Live> {
    session: Session<Adapter<C>>,
    link: Option<Link>,
    clock: Clock,
    timer: Option<Timer>,
    tasks: Tasks<C::Msg>,
    myself: ActorRef<Post<C::Msg>>,
}

impl<C: Live> Body<C> {
    fn handle(&mut self, post: Post<C::Msg>) -> Option<End> {
        let now = self.clock.now();
        // Held until the message is handled: then its place in the inbox is free.
        let _permit = match post {
            Post::Mail(Mail::Join { link, mode, applied, permit }) => {
                let session = link.session;
                if !self.attach(link) {
                    return None;
                }
                self.session.handle_input(now, Input::Join { session, mode, applied });
                Some(permit)
            }
            Post::Mail(Mail::Frame { epoch, bytes, permit }) => {
                if !self.is_held_by(epoch) {
                    return None;
                }
                let (_, frame) = ClientFrame::decode(&bytes).expect("the socket has decoded it before");
                self.session.handle_input(now, Input::Frame(frame));
                Some(permit)
            }
            Post::Mail(Mail::Detach { epoch }) => {
                if self.is_held_by(epoch) {
                    self.link = None;
                    self.session.handle_input(now, Input::Detach);
                }
                None
            }
            Post::Done(result) => {
                self.tasks.end_one();
                match result {
                    Ok(message) => self.session.handle_input(now, Input::Message(message)),
                    Err(panic) => {
                        let detail = Some(format!("a task panicked: {panic}"));
                        return Some(End { reason: CloseReason::ComponentFailed, detail });
                    }
                }
                None
            }
            Post::Wake(at) => {
                if self.timer.as_ref().is_some_and(|timer| timer.at == at) {
                    self.timer = None;
                }
                if self.session.next_timeout().is_some_and(|due| due <= now) {
                    self.session.handle_input(now, Input::Timeout);
                }
                None
            }
        };
        self.drain().or_else(|| {
            self.arm();
            None
        })
    }

    fn is_held_by(&self, epoch: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.epoch == epoch)
    }

    /// Takes a new socket on; false when a newer one is there already.
    fn attach(&mut self, link: Link) -> bool {
        match self.link.take() {
            Some(current) if current.epoch > link.epoch => {
                link.close(CloseReason::Replaced);
                self.link = Some(current);
                return false;
            }
            Some(current) => {
                if !current.is_same_seat(&link) {
                    current.close(CloseReason::Replaced);
                    log_end::<C>(&End { reason: CloseReason::Replaced, detail: None }, Some(&current));
                }
                self.session.handle_input(self.clock.now(), Input::Detach);
            }
            None => {}
        }
        self.link = Some(link);
        true
    }

    /// Does everything that the machine asks for.
    fn drain(&mut self) -> Option<End> {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(transmission) => {
                    if let Some(link) = &self.link {
                        link.transmit(transmission);
                    }
                }
                Output::Effect(task) => {
                    self.tasks.waiting.push_back(task);
                    self.tasks.start(&self.myself);
                }
                Output::Close(reason) => return Some(End { reason, detail: None }),
                _ => {}
            }
        }
        self.tasks.start(&self.myself);
        if self.tasks.waiting.len() > limits::TASKS_WAITING_MAX {
            let detail = Some(format!("more than {} tasks are waiting", limits::TASKS_WAITING_MAX));
            return Some(End { reason: CloseReason::ComponentFailed, detail });
        }
        None
    }

    /// Sees to it that the machine is woken when it asked to be.
    ///
    /// A timer that runs out early is cheaper than one that is set anew with every
    /// message, so an armed one stays as long as it isn't late.
    fn arm(&mut self) {
        let Some(at) = self.session.next_timeout() else { return };
        let at = self.clock.instant(at);
        if self.timer.as_ref().is_some_and(|timer| timer.at <= at) {
            return;
        }
        let myself = self.myself.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            // Fails only when the session has ended.
            let _ = myself.send_message(Post::Wake(at));
        });
        self.timer = Some(Timer { at, task: task.abort_handle() });
    }

    /// Tells the socket and the log, and lets go of everything.
    fn end(mut self, end: &End) {
        let link = self.link.take();
        log_end::<C>(end, link.as_ref());
        self.discard();
        if let Some(link) = link
            && end.reason != CloseReason::Left
        {
            link.close(end.reason);
        }
    }

    fn discard(self) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(self))) {
            let panic = panic_text(&*panic);
            tracing::error!(component = type_name::<C>(), panic, "a component panicked while it was dropped");
        }
    }
}

fn log_end<C>(end: &End, link: Option<&Link>) {
    let component = type_name::<C>();
    let reason = end.reason.name();
    let detail = end.detail.as_deref();
    let session = link.map(|link| link.session);
    let peer = link.and_then(Link::peer).map(tracing::field::display);
    match end.reason {
        CloseReason::Left | CloseReason::Replaced => {
            tracing::info!(reason, component, session, peer, "session closed");
        }
        CloseReason::ComponentFailed | CloseReason::PatchTooLarge => {
            tracing::error!(reason, component, session, peer, detail, "session closed");
        }
        _ => tracing::warn!(reason, component, session, peer, detail, "session closed"),
    }
}

/// The text of a panic.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a value that is no text").to_owned()
}

struct Timer {
    at: Instant,
    task: AbortHandle,
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The work that a session has asked for.
struct Tasks<M> {
    /// Those that run; aborted when dropped.
    running: JoinSet<()>,
    running_count: usize,
    waiting: VecDeque<Task<M>>,
}

impl<M> Default for Tasks<M> {
    fn default() -> Self {
        Self { running: JoinSet::new(), running_count: 0, waiting: VecDeque::new() }
    }
}

impl<M: Send + 'static> Tasks<M> {
    /// Starts as many as may run.
    fn start(&mut self, myself: &ActorRef<Post<M>>) {
        while self.running_count < limits::TASKS_IN_FLIGHT_MAX
            && let Some(task) = self.waiting.pop_front()
        {
            self.running_count += 1;
            let myself = myself.clone();
            self.running.spawn(async move {
                let result = AssertUnwindSafe(task).catch_unwind().await;
                // Fails only when the session has ended.
                let _ = myself.send_message(Post::Done(result.map_err(|panic| panic_text(&*panic))));
            });
        }
    }

    /// One has told that it is done.
    fn end_one(&mut self) {
        self.running_count -= 1;
        while self.running.try_join_next().is_some() {}
    }
}
