//! Decodes and validates a program, telling a document what to change.
//!
//! One pass does both: the tree and the document only record until the program's end
//! has been reached, and forget when it is invalid.

use alloc::boxed::Box;
use core::fmt;

use lightspeed_protocol::isa::{Op, ProgramReader};
use lightspeed_protocol::msgpack::{DecodeError, Expected, FAULTS_KEPT, Raw, Reader};
use lightspeed_protocol::template::{SlotKind, SlotShape};
use lightspeed_protocol::{Fingerprint, InstanceId, SlotIndex, limits};

use crate::document::{Address, Change, Document};
use crate::templates::Templates;
use crate::tree::{RAW, Tree};

/// Why a program is invalid, and where.
///
/// One word, and nothing in the browser client ([`FAULTS_KEPT`]): programs are almost never invalid, and the code
/// that hands results on is a tenth of that client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramError([Box<(usize, Fault)>; FAULTS_KEPT]);

impl ProgramError {
    #[cold]
    fn new(offset: usize, fault: Fault) -> Self {
        Self(core::array::from_fn(|_| Box::new((offset, fault))))
    }

    /// The offset of the instruction or value in the frame; 0 in the browser client.
    pub fn offset(&self) -> usize {
        self.0.first().map_or(0, |error| error.0)
    }

    /// What is wrong with it; [`Fault::Misplaced`] in the browser client.
    pub fn fault(&self) -> Fault {
        self.0.first().map_or(Fault::Misplaced, |error| error.1)
    }
}

/// What is wrong with a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are not what they should be.
    Decode(Expected),
    /// The document has no such instance.
    UnknownInstance(InstanceId),
    /// The instance has no such slot, or it is of a kind that the instruction doesn't take.
    WrongSlot(SlotIndex),
    /// The page doesn't know the template.
    UnknownTemplate(Fingerprint),
    /// The page doesn't know the template's HTML and so cannot build an instance.
    TemplateWithoutHtml(Fingerprint),
    /// The branch has no such arm.
    UnknownArm(u32),
    /// The instance isn't in the list that it should be in.
    NotASibling(InstanceId),
    /// More instances than follow, or none.
    BadCount(u32),
    /// `adopt` or `reset` where it must not stand, or missing where it must; or an instruction behind an `effect`.
    Misplaced,
    /// An instance is never called that.
    UnusableId(InstanceId),
    /// Instances nested too deeply.
    TooDeep,
    /// Too many instances.
    TooMany,
}

impl From<DecodeError> for ProgramError {
    fn from(error: DecodeError) -> Self {
        Self::new(error.offset(), Fault::Decode(error.expected()))
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid program at byte {}: {:?}", self.offset(), self.fault())
    }
}

impl core::error::Error for ProgramError {}

/// Runs a program: `document` and `tree` change as it says, or not at all.
///
/// `ack` is the last event that the program shows; it is passed on to the document. `fresh` is how many versions the
/// program takes the document further: what was asked of the page in versions before those has been done.
///
/// # Errors
///
/// When any instruction is invalid for the tree as the instructions before left it.
pub fn interpret<D: Document>(
    program: Raw<'_>,
    session: u32,
    ack: u64,
    fresh: u64,
    templates: &Templates,
    tree: &mut Tree,
    document: &mut D,
) -> Result<(), ProgramError> {
    document.begin(session, ack);
    let result = Interpreter { templates, tree, document }.run(program, fresh);
    if result.is_ok() {
        tree.commit();
        document.commit();
    } else {
        tree.rollback();
        document.discard();
    }
    result
}

struct Interpreter<'i, D> {
    templates: &'i Templates,
    tree: &'i mut Tree,
    document: &'i mut D,
}

/// Where the values of new instances come from.
enum Source<'r, 'a> {
    /// Values to build from.
    Values(&'r mut Reader<'a>),
    /// The skeleton of what the page holds.
    Skeleton(&'r mut Reader<'a>),
    /// A skeleton in which no slot holds an instance.
    Plain,
}

impl<'i, D: Document> Interpreter<'i, D> {
    fn run(&mut self, program: Raw<'_>, fresh: u64) -> Result<(), ProgramError> {
        let mut reader = ProgramReader::new(program)?;
        let mut is_first = true;
        let mut are_changes_over = false;
        while let Some((offset, op)) = reader.next_op()? {
            let starts = matches!(op, Op::Adopt { .. } | Op::Reset { .. });
            let has_root = !self.tree.is_empty();
            let is_misplaced = if starts { !is_first } else { !has_root };
            if let Op::Effect { behind, kind, name, data } = op {
                are_changes_over = true;
                if is_misplaced {
                    return Err(ProgramError::new(offset, Fault::Misplaced));
                }
                if u64::from(behind) < fresh {
                    self.document.change(Change::Effect { kind, name, data });
                }
            } else if is_misplaced || are_changes_over {
                return Err(ProgramError::new(offset, Fault::Misplaced));
            } else {
                self.run_op(offset, &op)?;
            }
            is_first = false;
        }
        Ok(())
    }

    fn run_op(&mut self, offset: usize, op: &Op<'_>) -> Result<(), ProgramError> {
        let fail = |fault| Err(ProgramError::new(offset, fault));
        match *op {
            Op::Text { at, slot, text } => {
                let at = Address { instance: at, slot };
                self.slot(offset, at, &[SlotKind::Splice])?;
                // Text over text needs no emptying: the anchor just gets another.
                if !self.tree.children(at).is_empty() {
                    self.empty(at);
                }
                self.document.change(Change::Text { at, text });
            }
            Op::Splice { at, slot, start, delete, insert } => {
                let at = Address { instance: at, slot };
                self.slot(offset, at, &[SlotKind::Splice])?;
                if !self.tree.children(at).is_empty() {
                    return fail(Fault::WrongSlot(slot));
                }
                self.document.change(Change::Splice { at, start, delete, insert });
            }
            Op::Attribute { at, slot, text } => {
                let at = Address { instance: at, slot };
                self.slot(offset, at, &[SlotKind::Attribute, SlotKind::Property])?;
                self.document.change(Change::Attribute { at, text });
            }
            Op::Flag { at, slot, on } => {
                let kinds = [SlotKind::Flag, SlotKind::Class, SlotKind::BoolProperty];
                let at = Address { instance: at, slot };
                self.slot(offset, at, &kinds)?;
                self.document.change(Change::Flag { at, on });
            }
            Op::Html { at, slot, html } => {
                let at = Address { instance: at, slot };
                self.slot(offset, at, &[SlotKind::Splice])?;
                self.empty(at);
                if let Some(children) = self.tree.children_mut(at) {
                    children.push(RAW);
                }
                self.document.change(Change::Html { at, html });
            }
            Op::Content { at, slot, content } => {
                let at = Address { instance: at, slot };
                let shape = self.slot(offset, at, &[SlotKind::Branch, SlotKind::Splice])?;
                self.empty(at);
                if let Some(content) = content {
                    self.document.change(Change::Build { at, before: 0, count: 1 });
                    self.one_of(shape, at, &mut content.reader(), 0, true)?;
                }
            }
            Op::Insert { at, slot, before, items } => {
                let at = Address { instance: at, slot };
                let shape = self.slot(offset, at, &[SlotKind::List])?;
                self.insert(offset, at, shape, before, items)?;
            }
            Op::Move { instance, before } => {
                let at = self.list_of(offset, instance)?;
                if instance == before {
                    return fail(Fault::NotASibling(before));
                }
                let position = self.position(offset, at, instance)?;
                if let Some(children) = self.tree.children_mut(at) {
                    children.remove(position);
                }
                let position = self.position(offset, at, before)?;
                if let Some(children) = self.tree.children_mut(at) {
                    children.insert(position, instance);
                }
                self.document.change(Change::Move { instance, before });
            }
            Op::Remove { instance, count } => {
                let at = self.list_of(offset, instance)?;
                let position = self.position(offset, at, instance)?;
                let end = position.saturating_add(count as usize);
                if count == 0 || end > self.tree.children(at).len() {
                    return fail(Fault::BadCount(count));
                }
                if let Some(children) = self.tree.children_mut(at) {
                    let removed: alloc::vec::Vec<_> = children.drain(position..end).collect();
                    for instance in removed {
                        self.tree.kill(instance);
                        self.document.change(Change::Remove { instance });
                    }
                }
            }
            Op::Clear { at, slot } => {
                let at = Address { instance: at, slot };
                self.slot(offset, at, &[SlotKind::List])?;
                self.empty(at);
            }
            Op::Adopt { template, skeleton } => {
                if !self.tree.is_empty() {
                    return fail(Fault::Misplaced);
                }
                self.document.change(Change::Root { is_adopted: true });
                let mut reader = skeleton.reader();
                reader.array()?;
                self.instance(offset, template, ROOT, &mut Source::Skeleton(&mut reader), 0)?;
                reader.end()?;
            }
            Op::Reset { root, template, values } => {
                if !self.tree.reset(root) {
                    return fail(Fault::UnusableId(root));
                }
                self.document.change(Change::Root { is_adopted: false });
                let mut reader = values.reader();
                reader.array()?;
                self.instance(offset, template, ROOT, &mut Source::Values(&mut reader), 0)?;
                reader.end()?;
            }
            _ => return fail(Fault::Decode(Expected::Opcode)),
        }
        Ok(())
    }

    /// The slot that an instruction names, which must be of one of `kinds`.
    fn slot(&self, offset: usize, at: Address, kinds: &[SlotKind]) -> Result<&'i SlotShape, ProgramError> {
        let fail = |fault| ProgramError::new(offset, fault);
        let template = self.tree.template(at.instance);
        let template = template.ok_or_else(|| fail(Fault::UnknownInstance(at.instance)))?;
        let shape = self.templates.get(template).ok_or_else(|| fail(Fault::UnknownTemplate(template)))?;
        let shape = shape.slots.get(at.slot as usize).filter(|shape| kinds.contains(&shape.kind));
        shape.ok_or_else(|| fail(Fault::WrongSlot(at.slot)))
    }

    /// The list that an instance is an item of.
    fn list_of(&self, offset: usize, instance: InstanceId) -> Result<Address, ProgramError> {
        let fail = |fault| ProgramError::new(offset, fault);
        let parent = self.tree.parent(instance).ok_or_else(|| fail(Fault::UnknownInstance(instance)))?;
        match self.slot(offset, parent, &[SlotKind::List]) {
            Ok(_) => Ok(parent),
            Err(_) => Err(fail(Fault::NotASibling(instance))),
        }
    }

    /// Where `instance` stands in a list; the end for 0.
    fn position(&self, offset: usize, at: Address, instance: InstanceId) -> Result<usize, ProgramError> {
        let children = self.tree.children(at);
        if instance == 0 {
            return Ok(children.len());
        }
        let position = children.iter().position(|child| *child == instance);
        position.ok_or_else(|| ProgramError::new(offset, Fault::NotASibling(instance)))
    }

    /// Takes away what a content slot holds.
    fn empty(&mut self, at: Address) {
        let children = self.tree.children_mut(at).map(core::mem::take).unwrap_or_default();
        for child in children {
            self.tree.kill(child);
        }
        self.document.change(Change::Empty { at });
    }

    fn insert(
        &mut self,
        offset: usize,
        at: Address,
        shape: &SlotShape,
        before: InstanceId,
        items: Raw<'_>,
    ) -> Result<(), ProgramError> {
        let position = self.position(offset, at, before)?;
        let mut reader = items.reader();
        reader.array()?;
        let count = reader.uint32()?;
        let template = list_template(offset, shape)?;
        self.document.change(Change::Build { at, before, count });
        // Items are put at the end as they are made: what stands behind them comes back when they are.
        let behind = self.tree.children_mut(at).map(|children| children.split_off(position));
        self.items(offset, template, at, count, &mut Source::Values(&mut reader), 0)?;
        reader.end()?;
        if let Some(children) = self.tree.children_mut(at) {
            children.append(&mut behind.unwrap_or_default());
        }
        Ok(())
    }

    /// Makes `count` items of a list, each put at the end of `at`.
    fn items(
        &mut self,
        offset: usize,
        template: Fingerprint,
        at: Address,
        count: u32,
        source: &mut Source<'_, '_>,
        depth: usize,
    ) -> Result<(), ProgramError> {
        for _ in 0..count {
            let id = self.instance(offset, template, at, source, depth)?;
            if let Some(children) = self.tree.children_mut(at) {
                children.push(id);
            }
        }
        Ok(())
    }

    /// Makes an instance and all within it.
    fn instance(
        &mut self,
        offset: usize,
        template: Fingerprint,
        parent: Address,
        source: &mut Source<'_, '_>,
        depth: usize,
    ) -> Result<InstanceId, ProgramError> {
        let fail = |fault| ProgramError::new(offset, fault);
        if depth > limits::INSTANCE_DEPTH_MAX {
            return Err(fail(Fault::TooDeep));
        }
        let shape = self.templates.get(template).ok_or_else(|| fail(Fault::UnknownTemplate(template)))?;
        if matches!(source, Source::Values(_)) && shape.html.is_none() {
            return Err(fail(Fault::TemplateWithoutHtml(template)));
        }
        let id = self.tree.create(template, parent).ok_or_else(|| fail(Fault::TooMany))?;
        self.document.change(Change::Instance { id, template });
        for (index, slot) in (0..).zip(&shape.slots) {
            let at = Address { instance: id, slot: index };
            match source {
                Source::Values(reader) => self.value(slot, at, reader, depth)?,
                Source::Skeleton(reader) if slot.kind.is_content() => self.adopt(slot, at, reader, depth)?,
                Source::Plain if slot.kind.is_content() => self.document.change(Change::Children(0)),
                _ => {}
            }
        }
        Ok(id)
    }

    /// Reads the value of a slot of an instance that is being built.
    fn value(
        &mut self,
        slot: &SlotShape,
        at: Address,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), ProgramError> {
        match slot.kind {
            SlotKind::Splice if reader.is_bin() => {
                let error = reader.error(Expected::Str);
                let html = core::str::from_utf8(reader.bin()?).map_err(|_| error)?;
                if let Some(children) = self.tree.children_mut(at) {
                    children.push(RAW);
                }
                self.document.change(Change::ValueHtml(html));
            }
            SlotKind::Splice | SlotKind::Branch if reader.is_array() => {
                self.document.change(Change::Children(1));
                self.one_of(slot, at, reader, depth + 1, true)?;
            }
            SlotKind::Splice | SlotKind::Attribute | SlotKind::Property => {
                let text = reader.text()?;
                self.document.change(Change::ValueText(text));
            }
            SlotKind::Flag | SlotKind::Class | SlotKind::BoolProperty => {
                let on = reader.bool()?;
                self.document.change(Change::ValueFlag(on));
            }
            SlotKind::Branch => {
                if !reader.nil() {
                    return Err(reader.error(Expected::Array).into());
                }
                self.document.change(Change::Children(0));
            }
            SlotKind::List => self.list(slot, at, reader, depth, true)?,
            _ => {}
        }
        Ok(())
    }

    /// Reads what a content slot of an adopted instance holds.
    fn adopt(
        &mut self,
        slot: &SlotShape,
        at: Address,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), ProgramError> {
        match slot.kind {
            SlotKind::List => self.list(slot, at, reader, depth, false)?,
            _ if reader.nil() => self.document.change(Change::Children(0)),
            SlotKind::Splice if reader.is_bool() => {
                reader.bool()?;
                if let Some(children) = self.tree.children_mut(at) {
                    children.push(RAW);
                }
                self.document.change(Change::AdoptedRaw);
            }
            _ => {
                self.document.change(Change::Children(1));
                self.one_of(slot, at, reader, depth + 1, false)?;
            }
        }
        Ok(())
    }

    /// Reads `[count, ..]`, the items of a list; `[]` for none.
    fn list(
        &mut self,
        slot: &SlotShape,
        at: Address,
        reader: &mut Reader<'_>,
        depth: usize,
        is_built: bool,
    ) -> Result<(), ProgramError> {
        let offset = reader.offset();
        let mut reader = read_array(reader)?;
        if reader.is_at_end() {
            self.document.change(Change::Children(0));
            return Ok(());
        }
        let count = reader.uint32()?;
        let template = list_template(offset, slot)?;
        self.document.change(Change::Children(count));
        let is_plain = !is_built && reader.is_at_end();
        let mut source = match (is_built, is_plain) {
            (true, _) => Source::Values(&mut reader),
            (false, true) => Source::Plain,
            (false, false) => Source::Skeleton(&mut reader),
        };
        self.items(offset, template, at, count, &mut source, depth + 1)?;
        Ok(reader.end()?)
    }

    /// Reads what a slot holds one of: `[arm, ..]` for a branch, `[fingerprint, ..]` for a splice.
    fn one_of(
        &mut self,
        slot: &SlotShape,
        at: Address,
        reader: &mut Reader<'_>,
        depth: usize,
        is_built: bool,
    ) -> Result<(), ProgramError> {
        let mut reader = read_array(reader)?;
        let offset = reader.offset();
        let which = reader.uint32()?;
        let template = match slot.kind {
            SlotKind::Branch => slot.templates.get(which as usize).copied(),
            _ => Some(which),
        };
        let template = template.ok_or_else(|| ProgramError::new(offset, Fault::UnknownArm(which)))?;
        let mut source = if is_built { Source::Values(&mut reader) } else { Source::Skeleton(&mut reader) };
        let id = self.instance(offset, template, at, &mut source, depth)?;
        if let Some(children) = self.tree.children_mut(at) {
            children.push(id);
        }
        Ok(reader.end()?)
    }
}

/// The parent of the root.
const ROOT: Address = Address { instance: 0, slot: 0 };

/// Reads an array and returns a reader behind its head.
fn read_array<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, DecodeError> {
    if !reader.is_array() {
        return Err(reader.error(Expected::Array));
    }
    let mut inner = reader.raw()?.reader();
    inner.array()?;
    Ok(inner)
}

fn list_template(offset: usize, slot: &SlotShape) -> Result<Fingerprint, ProgramError> {
    slot.templates.first().copied().ok_or_else(|| ProgramError::new(offset, Fault::UnknownArm(0)))
}
