//! What each walk over a tree carries with it, without the type of the tree's messages.
//!
//! A walk is generic over the messages. HTML whose messages are others than those around it ([`Mapped`]) is behind a trait object,
//! and no method of a trait object is generic: it is handed the walk as one of [`Look`] or [`Write`].
//!
//! [`Mapped`]: crate::tree::html::Mapped

use core::any::Any;
use core::slice::Iter;

use lightspeed_protocol::isa::ProgramWriter;
use lightspeed_protocol::msgpack::{Payload, Writer};
use lightspeed_protocol::{InstanceId, SlotIndex};

use crate::tree::nesting::misplaced::{Around, Misplaced};
use crate::tree::numbering::Numbering;
use crate::tree::reach;
use crate::tree::render::out::Out;
use crate::tree::template::{Kind, Slot, Template};

/// A walk that looks at a tree.
pub(crate) enum Look<'v, 'w> {
    Barriers(&'v mut Barriers),
    Bounds(&'v mut Bounds),
    Digest(&'v mut Fnv),
    Fields(&'v mut HasTold),
    Instances(&'v mut dyn FnMut(&'static Template, InstanceId)),
    Memos(&'v mut ForgetMemos),
    Nesting(&'v mut Around<'w>, &'v mut Option<Misplaced>),
    Render(&'v mut Out<'w>),
    Row(&'v mut ReachRow, &'v mut Option<reach::Around>),
    SameIds(&'v mut SameIds<'w>),
    Size(&'v mut Size),
    Streams(&'v mut dyn FnMut(&dyn Streamed)),
}

/// A walk that writes to a tree.
pub(crate) enum Write<'v, 'w> {
    Build(&'w Kind, &'v mut Numbering, &'v mut Writer),
    Edit(&'v mut Edit<'w>),
    Fields(&'v mut ForgetTold),
    Hydrate(&'w Kind, &'v mut Numbering, &'v mut Writer),
    Ids(&'v mut GiveIds<'w>),
    Streams(&'v mut dyn FnMut(&mut dyn StreamedMut)),
    Unreached(&'v mut Unreached),
}

/// Where the diff stands, and what it has written.
pub(crate) struct Difference<'d> {
    pub(crate) address: SlotAddress,
    pub(crate) slot: &'d Slot,
    pub(crate) program: &'d mut ProgramWriter,
    pub(crate) numbering: &'d mut Numbering,
}

/// Finds an element that keeps a person from anything, or may do so.
pub(crate) struct Barriers;

/// The smallest and the largest id.
pub(crate) struct Bounds {
    pub(crate) first: InstanceId,
    pub(crate) last: InstanceId,
}

/// The digest so far.
pub(crate) struct Fnv(pub(crate) u64);

/// Finds a field that such an event tells of.
pub(crate) struct HasTold(pub(crate) Told);

/// Notes of fields that nobody knows what they hold.
pub(crate) struct ForgetTold(pub(crate) Told);

/// Which fields an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// All of those around which it happened.
    Fields,
    /// What a click changes: checkboxes, radio buttons and options.
    Choices,
    /// Those that name their form, wherever they are.
    Addressed,
}

/// Notes what an event tells of fields, in the instance that it was made in.
pub(crate) struct Edit<'p> {
    pub(crate) address: SlotAddress,
    pub(crate) payload: &'p Payload<'p>,
    pub(crate) is_submitted: bool,
}

/// Finds the instance of an address, and what the elements around its slot do to it.
pub(crate) struct Find {
    pub(crate) address: SlotAddress,
    pub(crate) around: reach::Around,
}

impl Find {
    pub(crate) fn new(address: SlotAddress) -> Self {
        Self { address, around: reach::Around::default() }
    }
}

/// Empties the caches of memos.
pub(crate) struct ForgetMemos;

/// Finds the stream's row that has an address, and what the elements around the stream do to it.
pub(crate) struct ReachRow(pub(crate) SlotAddress);

/// Compares ids.
pub(crate) struct SameIds<'i>(pub(crate) Iter<'i, InstanceId>);

/// Gives ids.
pub(crate) struct GiveIds<'i>(pub(crate) Iter<'i, InstanceId>);

/// The bytes so far.
pub(crate) struct Size(pub(crate) usize);

/// Takes out the handlers that nobody can act on.
pub(crate) struct Unreached {
    /// What the elements around do to what is visited.
    pub(crate) around: reach::Around,
}

/// A stream in a tree, without the type of its messages.
pub(crate) trait Streamed {
    /// All rows are here.
    fn is_fresh(&self) -> bool;

    /// The next render has all rows.
    fn lose(&self);

    /// Sets whether renders have all rows for the time being.
    fn set_whole(&self, is_whole: bool);
}

/// The same, to be written to.
pub(crate) trait StreamedMut {
    /// The document begins with these rows.
    fn show(&mut self);

    /// A client shows the rows.
    fn settle(&mut self);

    /// Which rows a client shows is unknown.
    fn forget(&mut self);
}

/// What was taken out of streams, without the type of their messages.
pub(crate) trait TakenIn: Send + Sync {
    /// The next render has all rows.
    fn lose(&self);

    /// A client shows the rows.
    fn settle(&mut self);

    /// It itself.
    fn any(&mut self) -> &mut dyn Any;
}

/// An event in a row of a stream.
pub(crate) struct RowEvent<'e> {
    pub(crate) address: SlotAddress,
    /// `None` when it is known which handler it is for, if there is any now.
    pub(crate) payload: Option<&'e Payload<'e>>,
}

/// A slot of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotAddress {
    pub(crate) instance: InstanceId,
    pub(crate) slot: SlotIndex,
}
