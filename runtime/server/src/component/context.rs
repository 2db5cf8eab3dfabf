//! What a component is given besides its message: a way to have work done.

use std::any::type_name;
use std::fmt;
use std::pin::Pin;

use lightspeed_core::Html;
use lightspeed_core::session::Component;
use lightspeed_core::session::checkpoint::LoadError;

use crate::component::live::{Live, MountError};
use crate::operations::crew::{Kind, note};

/// Work that ends in a message.
pub type Task<M> = Pin<Box<dyn Future<Output = M> + Send>>;

/// What [`Live::mount`] and [`Live::update`] can ask of the runtime.
pub struct Context<C: Live> {
    tasks: Vec<Task<C::Msg>>,
    is_recorded: Option<bool>,
}

impl<C: Live> Context<C> {
    pub(crate) const fn new(tasks: Vec<Task<C::Msg>>) -> Self {
        Self { tasks, is_recorded: None }
    }

    pub(crate) fn into_tasks(self) -> Vec<Task<C::Msg>> {
        self.tasks
    }

    /// Runs `future` beside the session; what it gives comes back as a message through `map`.
    ///
    /// The session goes on handling events meanwhile. At most
    /// [`TASKS_IN_FLIGHT_MAX`](crate::limits::TASKS_IN_FLIGHT_MAX) of a session run at a
    /// time, the others wait in order. They end with the session. A panic in `future` or
    /// `map` is told to the page; the message never comes.
    ///
    /// Under [`Policy::durable`](crate::Policy::durable) it starts when what asked for it is
    /// stored. Work that a killed server was at is not begun again: `mount` is the place to look
    /// for what was left undone.
    pub fn perform<T, F, G>(&mut self, future: F, map: G)
    where
        F: Future<Output = T> + Send + 'static,
        G: FnOnce(T) -> C::Msg + Send + 'static,
    {
        self.tasks.push(Box::pin(async move { map(future.await) }));
    }

    /// In [`Live::mount`]: records this session, or doesn't, whatever the `Recording` in the runtime's
    /// settings has chosen. Without one, or without the feature `recording`, nothing is recorded. Has no
    /// effect in [`Live::update`], as a recording begins with the first page.
    pub fn record(&mut self, is_recorded: bool) {
        self.is_recorded = Some(is_recorded);
    }

    /// What [`Context::record`] was called with.
    pub fn is_recorded(&self) -> Option<bool> {
        self.is_recorded
    }
}

impl<C: Live> fmt::Debug for Context<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("tasks", &self.tasks.len())
            .field("is_recorded", &self.is_recorded)
            .finish()
    }
}

/// A [`Live`] as the session machine sees it: for tests and measurements that drive a session without a server.
#[derive(Debug)]
pub struct Adapter<C>(pub C);

impl<C: Live> Adapter<C> {
    /// What a session of it promises on a server that has a store, or has none.
    pub fn policy(is_stored: bool) -> lightspeed_core::Policy {
        C::POLICY.kind(is_stored)
    }

    /// Mounts a component beside any runtime; with it comes what it asked to be done.
    ///
    /// # Errors
    ///
    /// What [`Live::mount`] returns.
    pub async fn mount(params: C::Params) -> Result<(Self, Vec<Task<C::Msg>>), MountError> {
        let mut cx = Context::new(Vec::new());
        let component = C::mount(params, &mut cx).await?;
        Ok((Self(component), cx.into_tasks()))
    }
}

impl<C: Live> Component for Adapter<C> {
    type Message = C::Msg;
    type Effect = Task<C::Msg>;

    fn update(&mut self, message: C::Msg, effects: &mut Vec<Task<C::Msg>>) {
        note(type_name::<C>(), "update", Some(Kind::of(&message)));
        let mut cx = Context::new(std::mem::take(effects));
        self.0.update(message, &mut cx);
        *effects = cx.into_tasks();
    }

    fn render(&self) -> Html<C::Msg> {
        note(type_name::<C>(), "render", None);
        self.0.render()
    }

    fn save(&self) -> Option<Vec<u8>> {
        let codec = C::POLICY.codec()?;
        note(type_name::<C>(), "save", None);
        codec.save(&self.0)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        note(type_name::<C>(), "load", None);
        C::POLICY.codec().ok_or(LoadError)?.load(&mut self.0, state)
    }
}
