//! Values of a list's items, on their way into a packed list and out of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use compact_str::CompactString;

use crate::tree::html::Value;
use crate::tree::packed::{Cell, Packed};

impl<M> Packed<Value<M>> {
    /// The next value of the item.
    #[expect(clippy::inline_always, reason = "where `html!` calls it, it is known which value it is")]
    #[inline(always)]
    pub fn put(&mut self, value: Value<M>) {
        debug_assert!(!self.slot().kind.is_field(), "a field is kept");
        match value {
            Value::Text(text) => self.push_text(&text),
            Value::Absent => self.push_absent(),
            Value::Flag(on) => self.push_flag(on),
            value => self.keep(value),
        }
    }

    /// The same for a value that an event may write to, whatever it holds.
    pub fn keep(&mut self, value: Value<M>) {
        if !value.is_handler() {
            self.note_depth(value.depth());
        }
        self.push_kept(value);
    }

    /// What the slot of a list holds. A list without items takes no memory.
    ///
    /// # Panics
    ///
    /// When the last item has another number of values than there are slots.
    pub fn into_value(mut self) -> Value<M> {
        self.check();
        if self.len() == 0 {
            return Value::List(Box::default());
        }
        self.shrink_to_fit();
        Value::Packed(Box::new(self))
    }

    /// What the slots of an item hold.
    pub(crate) fn cells(&self, index: usize) -> impl Iterator<Item = Cell<'_, &Value<M>>> {
        self.places(index).map(|cell| match cell {
            Cell::Kept(value) => value.cell(),
            cell => cell,
        })
    }
}

impl<K> Cell<'_, K> {
    /// A value with the same content; what is kept as it is kept.
    pub(crate) fn into_value<M>(self) -> Result<Value<M>, K> {
        match self {
            Self::Text(text) => Ok(Value::Text(CompactString::new(text))),
            Self::Absent => Ok(Value::Absent),
            Self::Flag(on) => Ok(Value::Flag(on)),
            Self::Kept(kept) => Err(kept),
        }
    }
}

impl<M> fmt::Debug for Packed<Value<M>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = (0..self.len()).map(|index| (self.id(index), self.cells(index).collect::<Vec<_>>()));
        f.debug_map().entries(items).finish()
    }
}
