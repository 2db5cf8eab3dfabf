//! The dynamic half of a piece of HTML: instances of templates and the values in their slots.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::ops::ControlFlow;
use core::panic::Location;

use compact_str::CompactString;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::Namespace;
use lightspeed_protocol::{InstanceId, SlotIndex, limits};

use crate::tree::key::Key;
use crate::tree::packed::{Cell, Packed};
use crate::tree::part::{Keep, Part};
use crate::tree::payload::{PayloadError, PayloadHandler};
use crate::tree::reach::Around;
use crate::tree::stream::StreamValue;
use crate::tree::stream::rows::Past;
use crate::tree::template::{Kind, Reaches, Slot, Template, Within};
use crate::tree::walks::{Difference, Find, Look, RowEvent, TakenIn, Write};

/// What `render` returns: HTML whose handlers produce messages of type `M`.
///
/// Cloning is cheap. It splices into other live HTML with its handlers, and into a
/// [`maud`] page as plain markup.
pub struct Html<M> {
    root: Arc<Fragment<M>>,
}

impl<M> Html<M> {
    /// An instance of `template` with `values`, one for each slot.
    ///
    /// `html!` calls this.
    ///
    /// # Panics
    ///
    /// As [`Fragment::new`].
    #[track_caller]
    pub fn new(template: &'static Template, values: Vec<Value<M>>) -> Self {
        Self { root: Arc::new(Fragment::new(template, values)) }
    }

    /// HTML that is what a content slot holds: as if it stood alone in an `html!`, unless it is spliced.
    #[track_caller]
    pub(crate) fn of_content(content: Value<M>) -> Self {
        Self::new(&ALONE, Vec::from([content]))
    }

    /// What a content slot holds where it is spliced.
    pub(crate) fn content(&self) -> Value<M> {
        match &*self.root.values {
            [content] if core::ptr::eq(self.root.template, &raw const ALONE) => content.clone(),
            _ => Value::Html(self.clone()),
        }
    }

    pub(crate) fn root(&self) -> &Fragment<M> {
        &self.root
    }

    /// The root itself; a copy is made only when it is shared.
    pub(crate) fn into_root(self) -> Fragment<M> {
        Arc::unwrap_or_clone(self.root)
    }

    /// The root, to be written to; a copy is made only when it is shared.
    pub(crate) fn root_mut(&mut self) -> &mut Fragment<M> {
        Arc::make_mut(&mut self.root)
    }
}

/// `html! { (content) }`.
static ALONE: Template = Template {
    fingerprint: 262_371_331,
    namespace: Namespace::Html,
    roots: 2,
    statics: &["<!>", ""],
    slots: &[Slot { kind: Kind::Splice, path: &[1], within: Within::ROOT }],
    reach: Reaches::new(&[]),
    placed: &[],
    place: "`Html::map`",
};

impl<M> Clone for Html<M> {
    fn clone(&self) -> Self {
        Self { root: Arc::clone(&self.root) }
    }
}

/// An instance: a template and the values in its slots.
pub struct Fragment<M> {
    pub(crate) template: &'static Template,
    /// 0 until the session has placed it in the document.
    pub(crate) id: InstanceId,
    /// How many instances are within each other in it: 0 without any.
    depth: u8,
    pub(crate) values: Box<[Value<M>]>,
}

impl<M> Fragment<M> {
    /// An instance of `template` with `values`, one for each slot.
    ///
    /// # Panics
    ///
    /// When the number of values isn't the number of slots. When more than [`limits::INSTANCE_DEPTH_MAX`] instances are
    /// within each other: everything that is done with a tree recurses, and a client takes no deeper one.
    #[track_caller]
    pub fn new(template: &'static Template, values: Vec<Value<M>>) -> Self {
        assert_eq!(template.slots.len(), values.len(), "a value for each slot");
        let depth = values.iter().map(Value::depth).max().unwrap_or(0);
        if usize::from(depth) > limits::INSTANCE_DEPTH_MAX {
            too_deep(Location::caller());
        }
        Self { template, id: 0, depth, values: values.into_boxed_slice() }
    }

    pub(crate) const fn depth(&self) -> u8 {
        self.depth
    }
}

/// No tree gets deeper than that, so nothing that recurses over one can take all of a stack.
#[cold]
#[inline(never)]
fn too_deep(location: &Location<'_>) -> ! {
    panic!(
        "the `html!` at {location} is {} levels deep: at most {} splices, branches and list items may be within each \
         other. Show what is nested more deeply as one flat list, with the level in a class or a style",
        limits::INSTANCE_DEPTH_MAX + 1,
        limits::INSTANCE_DEPTH_MAX,
    );
}

impl<M> Clone for Fragment<M> {
    fn clone(&self) -> Self {
        Self { template: self.template, id: self.id, depth: self.depth, values: self.values.clone() }
    }
}

impl<M> fmt::Debug for Fragment<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fragment")
            .field("template", &self.template.fingerprint)
            .field("id", &self.id)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

/// A fragment that trees share, and the cache of its memo.
type Shared<M> = (Arc<Part<M>>, Arc<dyn Keep>);

/// What a slot holds, by the slot's [`crate::tree::template::Kind`].
///
/// Whether a text is content or an attribute's follows from the kind alone.
pub enum Value<M> {
    /// A splice that is text, or the text of an attribute or of a string property.
    Text(CompactString),
    /// A splice that is raw HTML.
    Raw(Box<str>),
    /// A splice that is a fragment.
    Html(Html<M>),
    /// A splice that is a fragment which trees share, and the cache of its memo.
    Memo(Box<Shared<M>>),
    /// A splice that is a fragment with messages of its own: see [`Html::map`].
    Mapped(Mapped<M>),
    /// An attribute or a string property that isn't there.
    Absent,
    /// A string property of which the client holds a value that the server doesn't know.
    ///
    /// Only the session writes it, into the tree that it compares with.
    Unknown,
    /// A flag, a class or a boolean property.
    Flag(bool),
    /// A handler that gives the same message each time.
    Message {
        /// The message.
        message: M,
        /// Clones it; so that only those who write a plain message need `Clone`.
        clone: fn(&M) -> M,
    },
    /// A handler that makes a message from the payload.
    Payload(Arc<PayloadHandler<M>>),
    /// A handler's slot with none at the moment.
    NoHandler,
    /// The arm that is rendered and its instance.
    Branch(Option<(u16, Box<Fragment<M>>)>),
    /// The items of a list, in order, each in a place of its own.
    List(Box<[Item<M>]>),
    /// The items of a list, packed. There is at least one.
    Packed(Box<Packed<Self>>),
    /// The rows of a stream: a list whose items the server doesn't keep.
    Stream(Box<StreamValue<M>>),
}

impl<M> Value<M> {
    /// An attribute or a string property, which may be absent.
    pub fn attribute(text: Option<CompactString>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }

    /// The value as a cell.
    pub(crate) fn cell(&self) -> Cell<'_, &Self> {
        match self {
            Self::Text(text) => Cell::Text(text),
            Self::Absent => Cell::Absent,
            Self::Flag(on) => Cell::Flag(*on),
            other => Cell::Kept(other),
        }
    }

    /// How many levels of instances it holds.
    pub(crate) fn depth(&self) -> u8 {
        match self {
            Self::Html(html) => html.root.depth + 1,
            Self::Memo(memo) => memo.0.depth() + 1,
            Self::Mapped(mapped) => mapped.child().depth(),
            Self::Branch(Some((_, fragment))) => fragment.depth + 1,
            Self::List(items) => depth_of(&**items),
            Self::Packed(items) => items.depth() + 1,
            Self::Stream(stream) => depth_of(stream.rendered()),
            _ => 0,
        }
    }

    /// Whether it may hold instances that the session keeps.
    pub(crate) const fn holds_instances(&self) -> bool {
        matches!(
            self,
            Self::Html(_)
                | Self::Memo(_)
                | Self::Mapped(_)
                | Self::Branch(Some(_))
                | Self::List(_)
                | Self::Packed(_)
        )
    }

    /// Whether it is a value of a handler's slot: a handler, or none at the moment.
    pub(crate) const fn is_handler(&self) -> bool {
        matches!(self, Self::Message { .. } | Self::Payload(_) | Self::NoHandler)
    }

    /// The message for an event with this payload; `None` without a handler.
    ///
    /// # Errors
    ///
    /// When the payload isn't what the handler's argument is made from.
    pub fn message(&self, payload: &Payload<'_>) -> Option<Result<M, PayloadError>> {
        match self {
            Self::Message { message, clone } => Some(Ok(clone(message))),
            Self::Payload(handler) => Some(handler(payload)),
            _ => None,
        }
    }
}

impl<M> Clone for Value<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.clone()),
            Self::Raw(html) => Self::Raw(html.clone()),
            Self::Html(html) => Self::Html(html.clone()),
            Self::Memo(memo) => Self::Memo(memo.clone()),
            Self::Mapped(mapped) => Self::Mapped(mapped.clone()),
            Self::Absent => Self::Absent,
            Self::Unknown => Self::Unknown,
            Self::Flag(on) => Self::Flag(*on),
            Self::Message { message, clone } => Self::Message { message: clone(message), clone: *clone },
            Self::Payload(handler) => Self::Payload(Arc::clone(handler)),
            Self::NoHandler => Self::NoHandler,
            Self::Branch(branch) => Self::Branch(branch.clone()),
            Self::List(items) => Self::List(items.clone()),
            Self::Packed(items) => Self::Packed(items.clone()),
            Self::Stream(stream) => Self::Stream(stream.clone()),
        }
    }
}

impl<M> fmt::Debug for Value<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({text:?})"),
            Self::Raw(html) => write!(f, "Raw({html:?})"),
            Self::Html(html) => write!(f, "{:?}", html.root),
            Self::Memo(memo) => memo.0.fmt(f),
            Self::Mapped(mapped) => mapped.fmt(f),
            Self::Absent => f.write_str("Absent"),
            Self::Unknown => f.write_str("Unknown"),
            Self::Flag(on) => write!(f, "Flag({on})"),
            Self::Message { .. } => f.write_str("Message"),
            Self::Payload(_) => f.write_str("Payload"),
            Self::NoHandler => f.write_str("NoHandler"),
            Self::Branch(branch) => f.debug_tuple("Branch").field(branch).finish(),
            Self::List(items) => f.debug_tuple("List").field(items).finish(),
            Self::Packed(items) => f.debug_tuple("Packed").field(items).finish(),
            Self::Stream(stream) => stream.fmt(f),
        }
    }
}

/// What a content slot holds of HTML with messages of its own, and what makes messages of `M` of them. Only this crate looks into
/// it.
pub struct Mapped<M>(Arc<dyn Child<M>>);

impl<M> Mapped<M> {
    pub(crate) fn new(child: impl Child<M> + 'static) -> Self {
        Self(Arc::new(child))
    }

    pub(crate) fn child(&self) -> &dyn Child<M> {
        &*self.0
    }

    /// To be written to; a copy is made only when it is shared.
    pub(crate) fn child_mut(&mut self) -> &mut dyn Child<M> {
        if Arc::get_mut(&mut self.0).is_none() {
            self.0 = self.0.copied();
        }
        Arc::get_mut(&mut self.0).expect("nobody shares the copy")
    }
}

impl<M> Clone for Mapped<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for Mapped<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped").finish_non_exhaustive()
    }
}

/// HTML with messages of its own, around which messages are of `M`.
pub(crate) trait Child<M>: Send + Sync {
    /// The value that it would be where messages are its own.
    fn content(&self) -> &dyn Any;

    fn copied(&self) -> Arc<dyn Child<M>>;

    fn depth(&self) -> u8;

    /// Breaks when the walk does.
    fn look(&self, look: Look<'_, '_>) -> ControlFlow<()>;

    /// The same, to write to it.
    fn write(&mut self, write: Write<'_, '_>) -> ControlFlow<()>;

    /// Compares it with what was there. Handlers that are gone from rows of streams go to `past`.
    fn diff(&mut self, old: Option<&dyn Child<M>>, to: Difference<'_>, past: &mut Vec<Past<Value<M>>>);

    /// Maps such handlers of its own messages, a `Vec`.
    fn map_past(&self, own: &mut dyn Any, past: &mut Vec<Past<Value<M>>>);

    /// Maps a message of its own, an `Option`.
    fn map_message(&self, own: &mut dyn Any) -> Option<M>;

    /// The instance of an address; what is around it within is added to what `find` knows.
    fn find(&self, find: &mut Find) -> Option<Box<dyn ReachedChild<M> + '_>>;

    /// What an event gives in a row of a stream; `seen` stood here in the tree that the event was made on.
    fn row(&self, seen: Option<&dyn Child<M>>, event: &RowEvent<'_>) -> Option<Row<M>>;

    /// Gives its handlers to `hold`.
    fn hold(&mut self, hold: &mut dyn FnMut(InstanceId, SlotIndex, Value<M>));

    /// Takes out what is kept of streams' rows.
    fn take_streams(&mut self) -> Box<dyn TakenIn>;

    /// Puts it into another render of the same state. False when there are other streams.
    fn put_streams(&mut self, taken: &mut dyn Any) -> bool;
}

/// An instance of such HTML.
pub(crate) trait ReachedChild<M> {
    fn template(&self) -> &'static Template;

    /// Whether a handler's slot has one at the moment; `None` when it isn't a slot for one.
    fn has_handler(&self, slot: SlotIndex) -> Option<bool>;

    /// The mapped message of a handler; `None` without one.
    fn message(&self, slot: SlotIndex, payload: &Payload<'_>) -> Option<Result<M, PayloadError>>;

    /// Whether nobody can have made an event there.
    fn keeps_from(&self, slot: SlotIndex, around: Around) -> bool;

    /// Whether an event of this slot tells anything of fields.
    fn tells_fields(&self, slot: SlotIndex) -> bool;
}

/// What an event gives in a row of a stream.
pub(crate) enum Row<M> {
    /// There is a handler's slot with none at the moment.
    NoHandler,
    /// There is a handler, which wasn't asked for a message.
    Held,
    Message(Result<M, PayloadError>),
}

/// How many instances are within each other in these items, each counted.
fn depth_of<'a, M: 'a>(items: impl IntoIterator<Item = &'a Item<M>>) -> u8 {
    items.into_iter().map(|item| item.body.depth() + 1).max().unwrap_or(0)
}

/// One item of a list.
pub struct Item<M> {
    pub(crate) key: Key,
    pub(crate) body: Body<M>,
}

impl<M> Item<M> {
    /// The item that `key` names among its siblings.
    pub fn new(key: Key, fragment: Fragment<M>) -> Self {
        Self { key, body: Body::Own(fragment) }
    }
}

impl<M> Clone for Item<M> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), body: self.body.clone() }
    }
}

impl<M> fmt::Debug for Item<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} => {:?}", self.key, self.body)
    }
}

/// What an item of a list is.
pub(crate) enum Body<M> {
    /// An instance of this tree's own.
    Own(Fragment<M>),
    /// One that trees share. The first of a list also holds the cache of its memo.
    Part(Arc<Part<M>>, Option<Arc<dyn Keep>>),
}

impl<M> Body<M> {
    pub(crate) fn id(&self) -> InstanceId {
        match self {
            Self::Own(fragment) => fragment.id,
            Self::Part(part, _) => part.id(),
        }
    }

    /// How many instances are within each other in it.
    pub(crate) fn depth(&self) -> u8 {
        match self {
            Self::Own(fragment) => fragment.depth(),
            Self::Part(part, _) => part.depth(),
        }
    }

    /// What `look` makes of it.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Fragment<M>) -> R) -> R {
        match self {
            Self::Own(fragment) => look(fragment),
            Self::Part(part, _) => part.read(look),
        }
    }

    pub(crate) fn into_fragment(self) -> Fragment<M> {
        match self {
            Self::Own(fragment) => fragment,
            Self::Part(part, _) => Part::into_fragment(part),
        }
    }

    /// The instance, if it is this tree's own.
    pub(crate) const fn own(&self) -> Option<&Fragment<M>> {
        match self {
            Self::Own(fragment) => Some(fragment),
            Self::Part(..) => None,
        }
    }
}

impl<M> Clone for Body<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Own(fragment) => Self::Own(fragment.clone()),
            Self::Part(part, cache) => Self::Part(Arc::clone(part), cache.clone()),
        }
    }
}

impl<M> fmt::Debug for Body<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(fragment) => fragment.fmt(f),
            Self::Part(part, _) => part.fmt(f),
        }
    }
}

/// Most of what a session holds: the gate (`bench/limits.toml`) would notice, and this says where.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Value<u64>>() == 24, "a value is 24 bytes as long as a message is at most 8");
    assert!(size_of::<Item<u64>>() == 56, "an item is its key and its instance");
};

const _: () = assert!(limits::INSTANCE_DEPTH_MAX < u8::MAX as usize, "a depth of one too many is a `u8`");
