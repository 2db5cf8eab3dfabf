//! A part of a page that trees of several versions share: rendered once, numbered once.
//!
//! A rendering has a number. Where a tree to compare with holds the same rendering at the same place, nothing in it is looked
//! at, and the new tree takes over the old one's part, with the ids in it. Everywhere else a part is
//! a fragment like any other, and who gives it other ids than it has gets a copy.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use lightspeed_protocol::InstanceId;
use spin::{Mutex, Once};

use crate::author::memo::Keep;
use crate::tree::html::{Fragment, Value};

/// The next rendering's number. It only has to be another one than all that are in use.
static NEXT_RENDERING: AtomicU64 = AtomicU64::new(1);

fn next_rendering() -> u64 {
    NEXT_RENDERING.fetch_add(1, Ordering::Relaxed)
}

/// A rendered part. Only this crate looks into it.
pub struct Part<M> {
    rendering: u64,
    depth: u8,
    /// Before its instances have ids.
    fresh: Mutex<Option<Fragment<M>>>,
    /// Since they have, which then stay the same.
    shown: Once<Shown<M>>,
    /// Of the content; computed when it is first needed, and 0 before.
    digest: AtomicU64,
}

struct Shown<M> {
    fragment: Fragment<M>,
    /// The smallest and the largest id within.
    ids: (InstanceId, InstanceId),
}

impl<M> Shown<M> {
    fn new(fragment: Fragment<M>) -> Self {
        let mut ids = (InstanceId::MAX, 0);
        bounds(&fragment, &mut ids);
        Self { fragment, ids }
    }
}

impl<M> Part<M> {
    /// A rendering whose instances have no ids yet.
    pub(crate) fn new(fragment: Fragment<M>) -> Self {
        Self {
            rendering: next_rendering(),
            depth: fragment.depth(),
            fresh: Mutex::new(Some(fragment)),
            shown: Once::new(),
            digest: AtomicU64::new(0),
        }
    }

    /// How many instances are within each other in it.
    pub(crate) const fn depth(&self) -> u8 {
        self.depth
    }

    /// Whether both are the same rendering: they differ in ids at most.
    pub(crate) const fn is_same(&self, other: &Self) -> bool {
        self.rendering == other.rendering
    }

    /// What it looks like, if its instances have ids.
    pub(crate) fn shown(&self) -> Option<&Fragment<M>> {
        self.shown.get().map(|shown| &shown.fragment)
    }

    /// What it looks like, if the instance with this id may be in it.
    pub(crate) fn around(&self, id: InstanceId) -> Option<&Fragment<M>> {
        let shown = self.shown.get()?;
        (shown.ids.0..=shown.ids.1).contains(&id).then_some(&shown.fragment)
    }

    /// The id of its root; 0 if it has none yet.
    pub(crate) fn id(&self) -> InstanceId {
        self.shown().map_or(0, |fragment| fragment.id)
    }

    /// What `look` makes of it.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Fragment<M>) -> R) -> R {
        if let Some(shown) = self.shown.get() {
            return look(&shown.fragment);
        }
        let fresh = self.fresh.lock();
        if let Some(fragment) = &*fresh {
            return look(fragment);
        }
        drop(fresh);
        look(&self.shown.wait().fragment)
    }

    /// Has `number` give its instances their ids, and write nothing else.
    ///
    /// Whoever else holds the part keeps the ids that they know.
    pub(crate) fn number<R>(this: &mut Arc<Self>, number: impl FnOnce(&mut Fragment<M>) -> R) -> R {
        let mut fresh = this.fresh.lock();
        if let Some(fragment) = &mut *fresh {
            let result = number(fragment);
            if let Some(fragment) = fresh.take() {
                this.shown.call_once(|| Shown::new(fragment));
            }
            return result;
        }
        drop(fresh);
        let shown = this.shown.wait();
        let mut fragment = shown.fragment.clone();
        let result = number(&mut fragment);
        if !has_same_ids(&shown.fragment, &fragment) {
            let copy = Self {
                rendering: this.rendering,
                depth: this.depth,
                fresh: Mutex::new(None),
                shown: Once::initialized(Shown::new(fragment)),
                digest: AtomicU64::new(this.digest.load(Ordering::Relaxed)),
            };
            *this = Arc::new(copy);
        }
        result
    }

    /// To be written to: it is no longer what was rendered, and is compared the next time.
    pub(crate) fn detached(this: &mut Arc<Self>) -> &mut Fragment<M> {
        let part = Arc::make_mut(this);
        part.rendering = next_rendering();
        *part.digest.get_mut() = 0;
        match part.shown.get_mut() {
            Some(shown) => &mut shown.fragment,
            None => part.fresh.get_mut().as_mut().expect("a part that isn't shown is fresh"),
        }
    }

    /// What `digest` makes of it, once.
    pub(crate) fn digest(&self, digest: impl FnOnce(&Fragment<M>) -> u64) -> u64 {
        match self.digest.load(Ordering::Relaxed) {
            0 => {
                let digest = self.read(digest);
                self.digest.store(digest, Ordering::Relaxed);
                digest
            }
            known => known,
        }
    }

    /// What it looks like, to be taken apart; a copy if others hold it.
    pub(crate) fn into_fragment(this: Arc<Self>) -> Fragment<M> {
        match Arc::try_unwrap(this) {
            Ok(Self { fresh, shown, .. }) => match shown.try_into_inner() {
                Some(shown) => shown.fragment,
                None => fresh.into_inner().expect("a part that isn't shown is fresh"),
            },
            Err(shared) => shared.read(Fragment::clone),
        }
    }
}

/// Written to by `make_mut` alone.
impl<M> Clone for Part<M> {
    fn clone(&self) -> Self {
        let (fresh, shown) = match self.shown.get() {
            Some(Shown { fragment, ids }) => {
                (None, Once::initialized(Shown { fragment: fragment.clone(), ids: *ids }))
            }
            None => (self.fresh.lock().clone(), Once::new()),
        };
        let digest = AtomicU64::new(self.digest.load(Ordering::Relaxed));
        Self { rendering: self.rendering, depth: self.depth, fresh: Mutex::new(fresh), shown, digest }
    }
}

impl<M> fmt::Debug for Part<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|fragment| f.debug_tuple("Part").field(&self.rendering).field(fragment).finish())
    }
}

const fn widen(ids: &mut (InstanceId, InstanceId), first: InstanceId, last: InstanceId) {
    if first < ids.0 {
        ids.0 = first;
    }
    if last > ids.1 {
        ids.1 = last;
    }
}

fn bounds<M>(fragment: &Fragment<M>, ids: &mut (InstanceId, InstanceId)) {
    widen(ids, fragment.id, fragment.id);
    fragment.values.iter().for_each(|value| bounds_within(value, ids));
}

fn bounds_within<M>(value: &Value<M>, ids: &mut (InstanceId, InstanceId)) {
    let of_part = |part: &Part<M>, ids: &mut (InstanceId, InstanceId)| {
        if let Some(shown) = part.shown.get() {
            widen(ids, shown.ids.0, shown.ids.1);
        }
    };
    match value {
        Value::Html(html) => bounds(html.root(), ids),
        Value::Memo(memo) => of_part(&memo.0, ids),
        Value::Branch(Some((_, fragment))) => bounds(fragment, ids),
        Value::List(items) => {
            for item in items {
                match &item.body {
                    Body::Own(fragment) => bounds(fragment, ids),
                    Body::Part(part, _) => of_part(part, ids),
                }
            }
        }
        Value::Packed(items) => {
            (0..items.len()).for_each(|index| widen(ids, items.id(index), items.id(index)));
            items.kept().iter().for_each(|value| bounds_within(value, ids));
        }
        _ => {}
    }
}

/// Whether two copies of one rendering have the same ids.
fn has_same_ids<M>(one: &Fragment<M>, other: &Fragment<M>) -> bool {
    one.id == other.id && have_same_ids_within(&one.values, &other.values)
}

fn have_same_ids_within<M>(one: &[Value<M>], other: &[Value<M>]) -> bool {
    let of_parts = |one: &Arc<Part<M>>, other: &Arc<Part<M>>| {
        Arc::ptr_eq(one, other)
            || matches!((one.shown(), other.shown()), (Some(one), Some(other)) if has_same_ids(one, other))
    };
    one.iter().zip(other).all(|values| match values {
        (Value::Html(one), Value::Html(other)) => has_same_ids(one.root(), other.root()),
        (Value::Memo(one), Value::Memo(other)) => of_parts(&one.0, &other.0),
        (Value::Branch(Some((_, one))), Value::Branch(Some((_, other)))) => has_same_ids(one, other),
        (Value::List(one), Value::List(other)) => {
            one.iter().zip(other).all(|(one, other)| match (&one.body, &other.body) {
                (Body::Own(one), Body::Own(other)) => has_same_ids(one, other),
                (Body::Part(one, _), Body::Part(other, _)) => of_parts(one, other),
                _ => false,
            })
        }
        (Value::Packed(one), Value::Packed(other)) => {
            (0..one.len()).all(|index| one.id(index) == other.id(index))
                && have_same_ids_within(one.kept(), other.kept())
        }
        _ => true,
    })
}

/// What an item of a list is.
pub(crate) enum Body<M> {
    /// An instance of this tree's own.
    Own(Fragment<M>),
    /// One that trees share. The first of a list has where the memo keeps them.
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

    /// Has `number` give its instances their ids, and write nothing else.
    pub(crate) fn number<R>(&mut self, number: impl FnOnce(&mut Fragment<M>) -> R) -> R {
        match self {
            Self::Own(fragment) => number(fragment),
            Self::Part(part, _) => Part::number(part, number),
        }
    }

    pub(crate) fn into_fragment(self) -> Fragment<M> {
        match self {
            Self::Own(fragment) => fragment,
            Self::Part(part, _) => Part::into_fragment(part),
        }
    }

    /// What is this tree's own: parts hold no streams.
    pub(crate) const fn own(&self) -> Option<&Fragment<M>> {
        match self {
            Self::Own(fragment) => Some(fragment),
            Self::Part(..) => None,
        }
    }

    pub(crate) const fn own_mut(&mut self) -> Option<&mut Fragment<M>> {
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
            Self::Part(part, kept) => Self::Part(Arc::clone(part), kept.clone()),
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
