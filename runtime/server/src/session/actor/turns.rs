//! Takes a session's messages in the threads of the crew, one at a time.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;

use futures_util::task::AtomicWaker;
use lightspeed_protocol::close::CloseReason;
use tokio::time::Instant;

use super::body::Body;
use crate::component::live::Live;
use crate::operations::crew::{Crew, Job, Label, Lane, Weight};
use crate::session::mailbox::Post;

/// What runs an author's code: one message at a time, in a thread of the crew.
pub(super) struct Turns<C: Live> {
    crew: Crew,
    label: Label,
    weight: Weight,
    /// Locked by whoever takes a turn.
    body: Mutex<Option<Body<C>>>,
    turn: Mutex<Turn<C::Msg>>,
    /// Woken when a turn is over.
    waker: AtomicWaker,
}

/// The turn that is taken.
struct Turn<M> {
    post: Option<Post<M>>,
    is_running: bool,
    /// Whether the session has ended by the turn, or a panic of our own code; and when the turn was over.
    outcome: Option<(thread::Result<bool>, Instant)>,
    /// Set when the actor has ended: the reason that the page is told.
    given_up: Option<CloseReason>,
}

impl<C: Live> Turns<C> {
    pub(super) fn new(crew: &Crew, body: Body<C>) -> Arc<Self> {
        let label = Label::of::<C>("").in_session(body.id());
        let turn = Turn { post: None, is_running: false, outcome: None, given_up: None };
        Arc::new(Self {
            crew: crew.clone(),
            label,
            weight: crew.weight(Lane::Session, &label),
            body: Mutex::new(Some(body)),
            turn: Mutex::new(turn),
            waker: AtomicWaker::new(),
        })
    }

    /// Has a message handled; true when the session has ended by it.
    pub(super) async fn take(self: &Arc<Self>, post: Post<C::Msg>) -> bool {
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

    /// The actor has ended: the session is dropped, after the turn that is running.
    pub(super) fn give_up(self: &Arc<Self>, told: CloseReason) {
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
        self.crew.lane_of(&self.weight, Lane::Session)
    }

    fn run(self: Arc<Self>) {
        let post = lock(&self.turn).post.take();
        let outcome = post.map(|post| catch_unwind(AssertUnwindSafe(|| self.handle(post))));
        self.crew.note_end(&self.weight);
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
