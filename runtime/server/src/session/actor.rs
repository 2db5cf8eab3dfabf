//! The actor of a session: the shell around the session machine.
//!
//! - here: what [ractor](https://docs.rs/ractor) runs; it waits for the turn that a message takes
//! - [`turns`]: a message is taken in a thread of the crew, one at a time
//! - [`body`]: gives the machine its input and the time, drains its outputs, arms the timer
//! - [`stores`]: the writes of checkpoints
//! - [`tasks`], [`alarm`]: what a component has asked for, and timers
//!
//! Code of the author runs only within `Body::run`, which reads the clock and catches its panics.

mod alarm;
mod body;
mod stores;
mod tasks;
mod turns;

use std::marker::PhantomData;
use std::sync::Arc;

use lightspeed_protocol::close::CloseReason;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::component::live::Live;
use crate::session::mailbox::{Handle, Post};
use crate::session::rate_limit::RateLimit;
use crate::session::registry::{EntryGuard, Reservation};
use crate::session::start::Start;
use crate::session::surroundings::Surroundings;
use body::Body;
use turns::Turns;

/// A session's actor for components of type `C`.
pub(crate) struct SessionActor<C>(PhantomData<fn() -> C>);

impl<C> SessionActor<C> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// What an actor holds; the part that runs an author's code can end before the actor does.
pub(crate) struct State<C: Live> {
    turns: Option<Arc<Turns<C>>>,
    /// The session's entry in the registry.
    _entry: Option<EntryGuard>,
}

impl<C: Live> Drop for State<C> {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            // The actor has been killed or has failed: the page must not wait for an answer.
            turns.give_up(CloseReason::ComponentFailed);
        }
    }
}

impl<C: Live> Actor for SessionActor<C> {
    type Msg = Post<C::Msg>;
    type State = State<C>;
    type Arguments = (Start<C>, Reservation, Arc<Surroundings>);

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (start, reservation, surroundings): Self::Arguments,
    ) -> Result<State<C>, ActorProcessingErr> {
        let handle = Handle::new(Arc::new(myself.clone()), RateLimit::new(&surroundings.config));
        let charge = surroundings.accounts.of(reservation.ip()).charge();
        let Some(entry) = reservation.enter(start.id, start.lease, handle) else {
            // Another socket has brought the session back at the same moment.
            myself.stop(None);
            return Ok(State { turns: None, _entry: None });
        };
        let crew = surroundings.crew.clone();
        let body = Body::new(start, charge, surroundings, myself);
        Ok(State { turns: Some(Turns::new(&crew, body)), _entry: Some(entry) })
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
