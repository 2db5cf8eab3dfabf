//! The author's component, and all that calls its code.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::Timestamp;

use super::effects::PageEffect;
use super::recovery::{Restarts, Step};
use crate::tree::html::Html;
use crate::tree::nesting;
use crate::tree::streams;

/// What a session runs: state, the messages that change it, and what it looks like.
pub trait Component {
    /// What changes its state.
    type Message;
    /// What it asks its caller to do, for example to run a task.
    type Effect;

    /// What of an effect is for the page that shows the component; the others are for its surroundings.
    ///
    /// # Errors
    ///
    /// An effect that isn't for the page is given back.
    fn page_effect(effect: Self::Effect) -> Result<PageEffect, Self::Effect> {
        Err(effect)
    }

    /// Takes a message.
    fn update(&mut self, message: Self::Message, effects: &mut Vec<Self::Effect>);

    /// What it looks like: a function of its state and nothing else.
    fn render(&self) -> Html<Self::Message>;

    /// The state as bytes; `None` when it lives in memory only.
    fn save(&self) -> Option<Vec<u8>> {
        None
    }

    /// Loads a state that [`Component::save`] gave.
    ///
    /// # Errors
    ///
    /// When the bytes are none of those, or the component can't be saved.
    fn load(&mut self, _state: &[u8]) -> Result<(), LoadError> {
        Err(LoadError)
    }
}

/// Bytes that are no state of the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadError;

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are no state of this component")
    }
}

impl core::error::Error for LoadError {}

/// A component's state as bytes.
pub(super) type State = Arc<[u8]>;

/// A component whose panics a session can go on from.
///
/// The component's code may panic wherever it runs: the [`Step`] says then what it was at, and the last good
/// state is where it goes back to.
pub(super) struct Supervised<C> {
    component: C,
    /// The component's state as bytes, if it can be saved.
    state: Option<State>,
    step: Step,
    restarts: Restarts,
}

impl<C: Component> Supervised<C> {
    /// With its state as bytes, if `is_stored`.
    pub(super) fn new(component: C, is_stored: bool) -> Self {
        let state = saved(&component, is_stored);
        Self { component, state, step: Step::Idle, restarts: Restarts::default() }
    }

    pub(super) const fn component(&self) -> &C {
        &self.component
    }

    pub(super) fn into_component(self) -> C {
        self.component
    }

    /// The state after the last message that was taken.
    pub(super) const fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// `state` is the one that the component stands at.
    pub(super) fn set_state(&mut self, state: Option<State>) {
        self.state = state;
    }

    /// Takes on a state; it becomes the last good one by [`Supervised::set_state`].
    pub(super) fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.component.load(state)
    }

    /// Code of the component runs from now on, for `step`.
    pub(super) const fn enter(&mut self, step: Step) {
        self.step = step;
    }

    /// It has come back.
    pub(super) const fn leave(&mut self) {
        self.step = Step::Idle;
    }

    /// Takes a message; gives its effects and the new state, if the component is stored.
    ///
    /// None when that state can't be saved: [`Supervised::undo`] is to be called then.
    pub(super) fn update(
        &mut self,
        message: C::Message,
        seq: Option<u64>,
        is_stored: bool,
    ) -> Option<(Vec<C::Effect>, Option<State>)> {
        let mut effects = Vec::new();
        self.enter(Step::Update { seq });
        self.component.update(message, &mut effects);
        let state = saved(&self.component, is_stored);
        if state.is_none() && is_stored {
            return None;
        }
        self.leave();
        Some((effects, state))
    }

    /// Goes back to the state before the message that it was given last. False when it can't.
    pub(super) fn undo(&mut self) -> bool {
        let is_back = self.state.as_ref().is_some_and(|good| self.component.load(good).is_ok());
        self.leave();
        is_back
    }

    /// What the component looks like.
    ///
    /// # Panics
    ///
    /// With debug assertions, when a parser would move, drop or close something of it.
    pub(super) fn render(&mut self) -> Html<C::Message> {
        self.enter(Step::Render);
        let html = self.component.render();
        nesting::refuse(html.root());
        self.leave();
        html
    }

    /// What the component looked like when it was rendered last, in the state that it stands at. `step` is what a panic
    /// counts as.
    pub(super) fn render_again(&mut self, step: Step) -> Html<C::Message> {
        self.enter(step);
        let html = self.component.render();
        self.leave();
        html
    }

    /// What the component looks like, with all rows of its streams.
    pub(super) fn render_whole(&self) -> Html<C::Message> {
        streams::render_whole(|| self.component.render())
    }

    /// What the component was at when it panicked.
    pub(super) const fn take_step(&mut self) -> Step {
        core::mem::replace(&mut self.step, Step::Idle)
    }

    /// Whether one more restart is within bounds.
    pub(super) fn admit_restart(&mut self, now: Timestamp) -> bool {
        self.restarts.admit(now)
    }

    /// Whether an event has been tried before, in vain.
    pub(super) fn has_failed(&self, seq: u64) -> bool {
        self.restarts.has_failed(seq)
    }

    /// Counts an attempt at an event; whether there may be another.
    pub(super) fn try_again(&mut self, seq: u64) -> bool {
        self.restarts.try_again(seq)
    }
}

fn saved<C: Component>(component: &C, is_stored: bool) -> Option<State> {
    if is_stored { component.save().map(State::from) } else { None }
}

#[cfg(test)]
mod tests;
