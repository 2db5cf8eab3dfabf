//! A part of a page that trees of several versions share: rendered once, numbered once.
//!
//! A rendering has a number. When the old tree holds the same rendering in the same slot, the diff skips it,
//! and the new tree takes over the old tree's part with its ids. Everywhere else a part is a fragment like
//! any other. Giving a part other ids makes a copy of it.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use lightspeed_protocol::InstanceId;
use spin::{Mutex, Once};

use crate::tree::html::Fragment;

/// The next rendering's number. It only has to differ from the numbers in use.
static NEXT_RENDERING: AtomicU64 = AtomicU64::new(1);

fn next_rendering() -> u64 {
    NEXT_RENDERING.fetch_add(1, Ordering::Relaxed)
}

/// The cache of a memo, as a tree sees it. Only this crate makes one.
pub trait Keep: Send + Sync {
    /// The next render renders anew.
    fn forget(&self);
}

/// A rendered part. Only this crate looks into it.
pub struct Part<M> {
    rendering: u64,
    depth: u8,
    /// Before its instances have ids.
    fresh: Mutex<Option<Fragment<M>>>,
    /// Since they have, which then stay the same.
    shown: Once<Shown<M>>,
    /// The digest of the content: computed when it is first needed, and 0 before.
    digest: AtomicU64,
}

struct Shown<M> {
    fragment: Fragment<M>,
    /// The smallest and the largest id within.
    ids: (InstanceId, InstanceId),
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

    /// Whether both are the same rendering: the two differ in ids at most.
    pub(crate) const fn is_same(&self, other: &Self) -> bool {
        self.rendering == other.rendering
    }

    /// The content, if its instances have ids.
    pub(crate) fn shown(&self) -> Option<&Fragment<M>> {
        self.shown.get().map(|shown| &shown.fragment)
    }

    /// The content, if the instance with this id may be in it.
    pub(crate) fn around(&self, id: InstanceId) -> Option<&Fragment<M>> {
        let shown = self.shown.get()?;
        (shown.ids.0..=shown.ids.1).contains(&id).then_some(&shown.fragment)
    }

    /// The id of its root; 0 before it has one.
    pub(crate) fn id(&self) -> InstanceId {
        self.shown().map_or(0, |fragment| fragment.id)
    }

    /// Gives the content to `look`, under the lock while its instances have no ids.
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

    /// The smallest and the largest id in it, if its instances have ids.
    pub(super) fn ids(&self) -> Option<(InstanceId, InstanceId)> {
        self.shown.get().map(|shown| shown.ids)
    }

    /// Has `number` give its instances their ids, and write nothing else. `bounds` gives the smallest and the
    /// largest id of a tree, and `has_same_ids` compares the ids of two copies of it.
    ///
    /// Other trees that hold the part keep the ids that they know.
    pub(super) fn number_with<R>(
        this: &mut Arc<Self>,
        number: impl FnOnce(&mut Fragment<M>) -> R,
        bounds: impl Fn(&Fragment<M>) -> (InstanceId, InstanceId),
        has_same_ids: impl Fn(&Fragment<M>, &Fragment<M>) -> bool,
    ) -> R {
        let shown = |fragment: Fragment<M>| Shown { ids: bounds(&fragment), fragment };
        let mut fresh = this.fresh.lock();
        if let Some(fragment) = &mut *fresh {
            let result = number(fragment);
            if let Some(fragment) = fresh.take() {
                this.shown.call_once(|| shown(fragment));
            }
            return result;
        }
        drop(fresh);
        let known = this.shown.wait();
        let mut fragment = known.fragment.clone();
        let result = number(&mut fragment);
        if !has_same_ids(&known.fragment, &fragment) {
            let copy = Self {
                rendering: this.rendering,
                depth: this.depth,
                fresh: Mutex::new(None),
                shown: Once::initialized(shown(fragment)),
                digest: AtomicU64::new(this.digest.load(Ordering::Relaxed)),
            };
            *this = Arc::new(copy);
        }
        result
    }

    /// The content, to be written to: from then on it counts as another rendering, and the next diff compares it.
    pub(crate) fn detached(this: &mut Arc<Self>) -> &mut Fragment<M> {
        let part = Arc::make_mut(this);
        part.rendering = next_rendering();
        *part.digest.get_mut() = 0;
        match part.shown.get_mut() {
            Some(shown) => &mut shown.fragment,
            None => part.fresh.get_mut().as_mut().expect("a part that isn't shown is fresh"),
        }
    }

    /// The digest of the content, which `digest` computes once.
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

    /// The content itself; a copy if other trees hold the part.
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
