//! HTML whose messages are others than those of the HTML around it.
//!
//! Mapping is lazy: [`Mapped`] holds the child as it was rendered, and what maps its messages; only a message that an event has
//! made is mapped. So what a memo of the child has rendered stays the same part, and an event on an older version is mapped as
//! that version has it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::convert::Infallible;
use core::ops::ControlFlow;

use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::author::memo::Memoized;
use crate::diff::Patch;
use crate::tree::build::{write_value, write_value_layout};
use crate::tree::held::{Past, hold_in};
use crate::tree::html::{Child, Html, Mapped, ReachedChild, Row, Value};
use crate::tree::ids::each_instance_in;
use crate::tree::payload::PayloadError;
use crate::tree::reach::Around;
use crate::tree::slot_address::Reached;
use crate::tree::streams::{self, Taken};
use crate::tree::template::Template;
use crate::tree::visit::{Visit, VisitMut};
use crate::tree::walks::{Difference, Find, Look, RowEvent, TakenIn, Write};

impl<M: Send + Sync + 'static> Html<M> {
    #[doc = include_str!("../../docs/map.md")]
    #[track_caller]
    pub fn map<N, F>(self, map: F) -> Html<N>
    where
        F: Fn(M) -> N + Clone + Send + Sync + 'static,
    {
        Html::of_content(Value::Mapped(Mapped::new(Own { content: self.content(), map })))
    }
}

impl<M: Send + Sync + 'static> Memoized<M> {
    /// The part with messages of another type: see [`Html::map`].
    #[track_caller]
    pub fn map<N, F>(self, map: F) -> Html<N>
    where
        F: Fn(M) -> N + Clone + Send + Sync + 'static,
    {
        Html::of_content(Value::Mapped(Mapped::new(Own { content: self.0, map })))
    }
}

/// A child with messages of `C`, and what maps them.
#[derive(Clone)]
struct Own<C, F> {
    content: Value<C>,
    map: F,
}

/// The end of a walk that has none of its own.
fn through(walk: ControlFlow<Infallible>) -> ControlFlow<()> {
    let ControlFlow::Continue(()) = walk;
    ControlFlow::Continue(())
}

/// The end of a walk that has found something, which goes to `found`.
fn find<T>(walk: ControlFlow<T>, found: &mut Option<T>) -> ControlFlow<()> {
    *found = walk.break_value();
    if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

impl<C, M, F> Child<M> for Own<C, F>
where
    C: Send + Sync + 'static,
    F: Fn(C) -> M + Clone + Send + Sync + 'static,
{
    fn content(&self) -> &dyn Any {
        &self.content
    }

    fn copied(&self) -> Arc<dyn Child<M>> {
        Arc::new(Self { content: self.content.clone(), map: self.map.clone() })
    }

    fn depth(&self) -> u8 {
        // Who maps what is mapped goes one level deeper, without an instance between them.
        self.content.depth().saturating_add(u8::from(matches!(self.content, Value::Mapped(_))))
    }

    fn look(&self, look: Look<'_, '_>) -> ControlFlow<()> {
        let content = &self.content;
        match look {
            Look::Barriers(walk) => walk.value(content),
            Look::Bounds(walk) => through(walk.value(content)),
            Look::Digest(walk) => through(walk.value(content)),
            Look::Fields(walk) => walk.value(content),
            Look::Instances(visit) => {
                each_instance_in(content, visit);
                ControlFlow::Continue(())
            }
            Look::Memos(walk) => through(walk.value(content)),
            Look::Nesting(walk, found) => find(walk.value(content), found),
            Look::Render(walk) => through(walk.value(content)),
            Look::Row(walk, found) => find(walk.value(content), found),
            Look::SameIds(walk) => walk.value(content),
            Look::Size(walk) => through(walk.value(content)),
            Look::Streams(visit) => {
                streams::each_in(content, visit);
                ControlFlow::Continue(())
            }
        }
    }

    fn write(&mut self, write: Write<'_, '_>) -> ControlFlow<()> {
        let content = &mut self.content;
        match write {
            Write::Build(kind, numbering, out) => write_value(kind, content, numbering, out),
            Write::Hydrate(kind, numbering, out) => write_value_layout(kind, content, numbering, out),
            Write::Edit(walk) => return walk.value(content),
            Write::Fields(walk) => return through(walk.value(content)),
            Write::Ids(walk) => return walk.value(content),
            Write::Streams(visit) => streams::each_in_mut(content, visit),
            Write::Unreached(walk) => return through(walk.value(content)),
        }
        ControlFlow::Continue(())
    }

    /// By the type of the child's messages alone: whichever way it is mapped, the same nodes stay.
    fn diff(&mut self, old: Option<&dyn Child<M>>, to: Difference<'_>, past: &mut Vec<Past<M>>) {
        let Difference { address, slot, program, numbering } = to;
        let unknown = Value::Unknown;
        let before = old.and_then(|old| old.content().downcast_ref::<Value<C>>()).unwrap_or(&unknown);
        let mut patch = Patch::new(core::mem::take(numbering));
        core::mem::swap(&mut patch.program, program);
        patch.slot(address, slot, before, &mut self.content);
        core::mem::swap(&mut patch.program, program);
        *numbering = patch.numbering;
        if let Some(old) = old
            && !patch.past.is_empty()
        {
            old.map_past(&mut patch.past, past);
        }
    }

    fn map_past(&self, own: &mut dyn Any, past: &mut Vec<Past<M>>) {
        let own = own.downcast_mut::<Vec<Past<C>>>().map(core::mem::take).unwrap_or_default();
        past.extend(own.into_iter().map(|Past { instance, slot, handler }| Past {
            instance,
            slot,
            handler: mapped(handler, self.map.clone()),
        }));
    }

    fn map_message(&self, own: &mut dyn Any) -> Option<M> {
        own.downcast_mut::<Option<C>>()?.take().map(&self.map)
    }

    fn find(&self, find: &mut Find) -> Option<Box<dyn ReachedChild<M> + '_>> {
        let reached = find.value(&self.content).break_value()?;
        Some(Box::new(Within { reached, map: &self.map }))
    }

    fn row(&self, seen: Option<&dyn Child<M>>, event: &RowEvent<'_>) -> Option<Row<M>> {
        let content = seen.and_then(|seen| seen.content().downcast_ref::<Value<C>>());
        Some(match streams::row_of_event_in(&self.content, content, event)? {
            Row::NoHandler => Row::NoHandler,
            Row::Held => Row::Held,
            Row::Message(Err(error)) => Row::Message(Err(error)),
            Row::Message(Ok(message)) => {
                let mut message = Some(message);
                let then = seen.filter(|_| content.is_some()).and_then(|seen| seen.map_message(&mut message));
                Row::Message(Ok(then.or_else(|| message.map(&self.map))?))
            }
        })
    }

    fn hold(&mut self, hold: &mut dyn FnMut(InstanceId, SlotIndex, Value<M>)) {
        let map = &self.map;
        hold_in(&mut self.content, &mut |id, slot, handler| hold(id, slot, mapped(handler, map.clone())));
    }

    fn take_streams(&mut self) -> Box<dyn TakenIn> {
        Box::new(TakenOf(streams::take_in(&mut self.content)))
    }

    fn put_streams(&mut self, taken: &mut dyn Any) -> bool {
        let Some(TakenOf(taken)) = taken.downcast_mut::<TakenOf<C>>() else { return false };
        streams::put_in(&mut self.content, core::mem::take(taken))
    }
}

/// A handler of a row, which outlives the child that it was rendered in.
fn mapped<C, M, F>(handler: Value<C>, map: F) -> Value<M>
where
    C: Send + Sync + 'static,
    F: Fn(C) -> M + Send + Sync + 'static,
{
    match handler {
        Value::Message { message, clone } => Value::Payload(Arc::new(move |_| Ok(map(clone(&message))))),
        Value::Payload(handler) => Value::Payload(Arc::new(move |payload| handler(payload).map(&map))),
        _ => Value::NoHandler,
    }
}

/// An instance of a child.
struct Within<'a, C, F> {
    reached: Reached<'a, C>,
    map: &'a F,
}

impl<C, M, F: Fn(C) -> M> ReachedChild<M> for Within<'_, C, F> {
    fn template(&self) -> &'static Template {
        self.reached.template()
    }

    fn has_handler(&self, slot: SlotIndex) -> Option<bool> {
        self.reached.handler(slot).map(|handler| !handler.is_none())
    }

    fn message(&self, slot: SlotIndex, payload: &Payload<'_>) -> Option<Result<M, PayloadError>> {
        Some(self.reached.handler(slot)?.message(payload)?.map(self.map))
    }

    fn keeps_from(&self, slot: SlotIndex, around: Around) -> bool {
        self.reached.keeps_from(slot, around)
    }

    fn tells_fields(&self, slot: SlotIndex) -> bool {
        self.reached.tells_fields(slot)
    }
}

/// What was taken out of a child's streams.
struct TakenOf<C>(Vec<Taken<C>>);

impl<C: Send + Sync + 'static> TakenIn for TakenOf<C> {
    fn lose(&self) {
        self.0.iter().for_each(Taken::lose);
    }

    fn settle(&mut self) {
        self.0.iter_mut().for_each(Taken::settle);
    }

    fn any(&mut self) -> &mut dyn Any {
        self
    }
}
