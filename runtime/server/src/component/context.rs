//! What a component is given besides its message: a way to have work done.

use std::any::type_name;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use lightspeed_core::Html;
use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::{Component, PageEffect};
use lightspeed_protocol::isa::EffectKind;
use serde::Serialize;

use crate::component::live::{Live, MountError};
use crate::operations::crew::{Kind, note};

/// Work that ends in a message.
pub type Task<M> = Pin<Box<dyn Future<Output = M> + Send>>;

/// What a component asks for: work, or something of the page.
#[non_exhaustive]
pub enum Asked<M> {
    /// Work that ends in a message.
    Task(Task<M>),
    /// Something of the page that shows the component.
    Page(PageEffect),
}

impl<M> fmt::Debug for Asked<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(_) => f.write_str("Task"),
            Self::Page(effect) => effect.fmt(f),
        }
    }
}

/// What [`Live::mount`] and [`Live::update`] can ask of the runtime, of the message type `M`.
///
/// What is asked of the page ([`focus`](Self::focus), [`flash`](Self::flash), [`navigate`](Self::navigate) and so on)
/// follows the patch that shows what the same update has changed, in order. It is done once by each page that stays: under
/// [`Policy::durable`](crate::Policy::durable) whatever happens to the server, under the others as long as the server lives.
/// A panic undoes it with the update. Nobody does what was asked for in [`Live::mount`], which runs before there is a
/// page. Of more than [`EFFECTS_WAITING_MAX`](lightspeed_core::session::EFFECTS_WAITING_MAX) that no page has done, the oldest are dropped, with a warning.
pub struct Context<M> {
    asked: Vec<Asked<M>>,
    is_recorded: Option<bool>,
}

impl<M> Context<M> {
    pub(crate) const fn new(asked: Vec<Asked<M>>) -> Self {
        Self { asked, is_recorded: None }
    }

    pub(crate) fn into_asked(self) -> Vec<Asked<M>> {
        self.asked
    }

    /// The work, and nothing that was asked of a page.
    pub(crate) fn into_tasks(self) -> Vec<Task<M>> {
        let task = |asked| match asked {
            Asked::Task(task) => Some(task),
            Asked::Page(_) => None,
        };
        self.asked.into_iter().filter_map(task).collect()
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
        G: FnOnce(T) -> M + Send + 'static,
    {
        self.asked.push(Asked::Task(Box::pin(async move { map(future.await) })));
    }

    /// Has `message` handled when `wait` is over: work like any other ([`perform`](Self::perform)), so it ends with the
    /// server that it waits on.
    pub fn after(&mut self, wait: Duration, message: M)
    where
        M: Send + 'static,
    {
        self.perform(tokio::time::sleep(wait), |()| message);
    }

    /// Gives the focus to the element with this `id`; does nothing when there is none.
    pub fn focus(&mut self, id: impl Into<String>) {
        self.page(EffectKind::Focus, id, "");
    }

    /// Scrolls the element with this `id` into view, no further than needed; does nothing when there is none.
    pub fn scroll_into_view(&mut self, id: impl Into<String>) {
        self.page(EffectKind::ScrollIntoView, id, "");
    }

    /// Tells the person something for ten seconds, in the page's elements with the attribute `data-lightspeed-message`: one with
    /// `role="status"` has it read out by a screen reader when that pauses. The component's element `lightspeed-view` gets an
    /// event `lightspeed:flash` as well.
    pub fn flash(&mut self, text: impl Into<String>) {
        self.page(EffectKind::Flash, "", text);
    }

    /// Goes to another address, as a link there does. Of several in one patch the last one counts.
    ///
    /// An address that runs code (`javascript:` and the like) isn't gone to.
    pub fn navigate(&mut self, url: impl Into<String>) {
        self.page(EffectKind::Navigate, url, "");
    }

    /// Has the browser save what is at an address of this site, under the name that the server gives it.
    pub fn download(&mut self, url: impl Into<String>) {
        self.page(EffectKind::Download, url, "");
    }

    /// Hands a value to the page's own code: the component's element `lightspeed-view` gets an event `lightspeed:push`
    /// whose `detail` is `{ name, data }`.
    ///
    /// # Errors
    ///
    /// When `data` can't be written as JSON: a map whose keys are no strings, for example.
    pub fn push(&mut self, name: impl Into<String>, data: &impl Serialize) -> Result<(), serde_json::Error> {
        let data = serde_json::to_string(data)?;
        self.page(EffectKind::Push, name, data);
        Ok(())
    }

    fn page(&mut self, kind: EffectKind, name: impl Into<String>, data: impl Into<String>) {
        let (name, data): (String, String) = (name.into(), data.into());
        self.asked.push(Asked::Page(PageEffect::new(kind, name, data)));
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

impl<M> fmt::Debug for Context<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("asked", &self.asked).field("is_recorded", &self.is_recorded).finish()
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
    type Effect = Asked<C::Msg>;

    fn page_effect(effect: Self::Effect) -> Result<PageEffect, Self::Effect> {
        match effect {
            Asked::Page(effect) => Ok(effect),
            other => Err(other),
        }
    }

    fn update(&mut self, message: C::Msg, effects: &mut Vec<Self::Effect>) {
        note(type_name::<C>(), "update", Some(Kind::of(&message)));
        let mut cx = Context::new(std::mem::take(effects));
        self.0.update(message, &mut cx);
        *effects = cx.into_asked();
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
