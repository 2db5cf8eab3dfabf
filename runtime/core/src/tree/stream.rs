//! The rows of a stream, as a tree holds them.

pub(crate) mod rows;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use lightspeed_protocol::{InstanceId, SlotIndex};
use spin::Mutex;

use self::rows::{Link, Shown};
use crate::tree::html::{Item, Value};
use crate::tree::key::Key;

/// What happens to the rows of a stream: `R` is a row's data, or a rendered row.
#[derive(Debug, Clone)]
pub(crate) enum Change<R> {
    Append(R),
    Prepend(R),
    Before(Key, R),
    After(Key, R),
    At(usize, R),
    Update(R),
    Delete(Key),
    Clear,
    KeepFirst(usize),
    KeepLast(usize),
}

impl<R> Change<R> {
    /// The row that it brings.
    pub(crate) const fn row(&self) -> Option<&R> {
        match self {
            Self::Append(row)
            | Self::Prepend(row)
            | Self::Before(_, row)
            | Self::After(_, row)
            | Self::At(_, row)
            | Self::Update(row) => Some(row),
            Self::Delete(_) | Self::Clear | Self::KeepFirst(_) | Self::KeepLast(_) => None,
        }
    }

    /// The same change of rendered rows.
    pub(crate) fn map<S>(&self, row: impl FnOnce(&R) -> S) -> Change<S> {
        match self {
            Self::Append(of) => Change::Append(row(of)),
            Self::Prepend(of) => Change::Prepend(row(of)),
            Self::Before(key, of) => Change::Before(key.clone(), row(of)),
            Self::After(key, of) => Change::After(key.clone(), row(of)),
            Self::At(index, of) => Change::At(*index, row(of)),
            Self::Update(of) => Change::Update(row(of)),
            Self::Delete(key) => Change::Delete(key.clone()),
            Self::Clear => Change::Clear,
            Self::KeepFirst(count) => Change::KeepFirst(*count),
            Self::KeepLast(count) => Change::KeepLast(*count),
        }
    }
}

/// What a slot with a stream holds. Only this crate looks into it.
pub struct StreamValue<M>(pub(crate) Content<M>);

pub(crate) enum Content<M> {
    /// All rows, from the source. A `token` says that the session shows them already.
    Fresh { link: Arc<dyn Link>, at: u64, token: Option<u64>, items: Vec<Item<M>> },
    /// What has changed since the tree that shows all changes before `from`.
    Changes { link: Arc<dyn Link>, from: u64, at: u64, changes: Vec<Change<Item<M>>> },
    /// What the session keeps of the rows that a client shows: `None` when a later tree has taken it over, or
    /// when the rows are unknown. The lock lets a later tree take it from a tree that is otherwise only read.
    Shown(Mutex<Option<Box<Shown<Value<M>>>>>),
}

impl<M> Content<M> {
    pub(crate) const fn unknown() -> Self {
        Self::Shown(Mutex::new(None))
    }
}

impl<M> Clone for StreamValue<M> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Content::Fresh { link, at, items, .. } => {
                Content::Fresh { link: Arc::clone(link), at: *at, token: None, items: items.clone() }
            }
            Content::Changes { link, from, at, changes } => {
                Content::Changes { link: Arc::clone(link), from: *from, at: *at, changes: changes.clone() }
            }
            // What a client shows is kept once: a render for a tree without it has all rows.
            Content::Shown(_) => Content::unknown(),
        })
    }
}

impl<M> fmt::Debug for StreamValue<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Fresh { items, .. } => f.debug_tuple("Fresh").field(items).finish(),
            Content::Changes { changes, .. } => f.debug_tuple("Changes").field(changes).finish(),
            Content::Shown(_) => f.write_str("Shown"),
        }
    }
}

impl<M> StreamValue<M> {
    /// The rows, if they were rendered.
    pub(crate) fn items(&self) -> &[Item<M>] {
        match &self.0 {
            Content::Fresh { items, .. } => items,
            _ => &[],
        }
    }

    /// The rows that were rendered: all of them, or those that have changed.
    pub(crate) fn rendered(&self) -> impl Iterator<Item = &Item<M>> {
        let changes: &[_] = match &self.0 {
            Content::Changes { changes, .. } => changes,
            _ => &[],
        };
        self.items().iter().chain(changes.iter().filter_map(Change::row))
    }

    pub(crate) fn items_mut(&mut self) -> Option<&mut Vec<Item<M>>> {
        match &mut self.0 {
            Content::Fresh { items, .. } => Some(items),
            _ => None,
        }
    }

    /// Whether a row that a client shows has such a handler slot.
    pub(crate) fn has_handler(&self, instance: InstanceId, slot: SlotIndex) -> bool {
        let Content::Shown(shown) = &self.0 else { return false };
        shown.lock().as_ref().is_some_and(|shown| shown.rows.handler(instance, slot).is_some())
    }

    /// The next render has all rows.
    pub(crate) fn lose(&self) {
        match &self.0 {
            Content::Fresh { link, .. } | Content::Changes { link, .. } => link.lose(None),
            Content::Shown(shown) => {
                if let Some(shown) = &*shown.lock() {
                    shown.link.lose(None);
                }
            }
        }
    }

    pub(super) fn set_whole(&self, is_whole: bool) {
        match &self.0 {
            Content::Fresh { link, .. } | Content::Changes { link, .. } => link.set_whole(is_whole),
            Content::Shown(shown) => {
                if let Some(shown) = &*shown.lock() {
                    shown.link.set_whole(is_whole);
                }
            }
        }
    }
}
