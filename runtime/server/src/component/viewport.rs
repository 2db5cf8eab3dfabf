//! Lists of which a page holds the rows that are seen: 100,000 of them scroll as smoothly as a hundred.
//!
//! The element `ls-viewport` is a box that scrolls. It is as high as all rows and holds those in sight with some before
//! and behind; when they run out, it says by an `input` event which rows are seen. Its module is loaded by pages
//! whose first HTML has one.
//!
//! ```
//! use lightspeed::{Context, Html, Live, MountError, html};
//! use lightspeed::viewport::{Seen, Viewport};
//!
//! struct Numbers { viewport: Viewport }
//!
//! impl Live for Numbers {
//!     type Msg = Seen;
//!     type Params = ();
//!
//!     async fn mount((): (), _: &mut Context<Seen>) -> Result<Self, MountError> {
//!         Ok(Self { viewport: Viewport::new(100_000) })
//!     }
//!
//!     fn update(&mut self, seen: Seen, _: &mut Context<Seen>) {
//!         self.viewport.show(seen);
//!     }
//!
//!     fn render(&self) -> Html<Seen> {
//!         html! {
//!             ls-viewport tabindex="0" role="table" aria-label="Numbers" aria-rowcount=(self.viewport.total())
//!                 rows=(self.viewport.total()) first=(self.viewport.range().start) row-height="32"
//!                 oninput=(|seen: Seen| seen)
//!             {
//!                 @for index in self.viewport.range() {
//!                     div role="row" key=(index) aria-rowindex=(index + 1) { span role="cell" { (index) } }
//!                 }
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! What the author sees to: the box has a height (`ls-viewport { height: 60vh }`), each row is exactly
//! `row-height` pixels high, and the rows are the element's children and nothing else is. `tabindex="0"` lets
//! the keyboard scroll it; `aria-rowcount` and `aria-rowindex` say what isn't there.
//!
//! Browsers have elements of at most some 17 million pixels. A row that is scrolled away is removed, and the
//! focus in it is lost.

use std::ops::Range;

use lightspeed_core::handler::{FromPayload, PayloadError, event};
use lightspeed_protocol::msgpack::Payload;
use serde::{Deserialize, Serialize};

/// Rows that are taken to be seen at most, whatever a client says.
pub const ROWS_SEEN_MAX: usize = 500;

/// The rows of a long list that a page holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewport {
    total: usize,
    overscan: usize,
    seen: Range<usize>,
}

impl Viewport {
    /// The beginning of a list with so many rows.
    pub const fn new(total: usize) -> Self {
        Self { total, overscan: 20, seen: 0..20 }
    }

    /// So many rows are held before and behind those that are seen; 20 unless set.
    #[must_use]
    pub const fn with_overscan(self, overscan: usize) -> Self {
        Self { overscan, ..self }
    }

    /// The list has so many rows from now on.
    pub const fn set_total(&mut self, total: usize) {
        self.total = total;
    }

    /// How many rows the list has.
    pub const fn total(&self) -> usize {
        self.total
    }

    /// These rows are seen.
    pub fn show(&mut self, seen: Seen) {
        self.seen = seen.first..seen.last.min(seen.first.saturating_add(ROWS_SEEN_MAX));
    }

    /// The rows that the page holds, counted from 0.
    pub fn range(&self) -> Range<usize> {
        let end = self.seen.end.saturating_add(self.overscan).min(self.total);
        let start = self.seen.start.saturating_sub(self.overscan).min(end);
        start..end
    }
}

/// Which rows of an `ls-viewport` a person sees: what its `oninput` gives a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    first: usize,
    last: usize,
}

impl FromPayload<event::Input> for Seen {
    /// The payload is a text: `first-last`, rows counted from 0, the last one not included.
    fn from_payload(payload: &Payload<'_>) -> Result<Self, PayloadError> {
        const EXPECTED: PayloadError = PayloadError { expected: "two numbers with a `-` between them" };
        let Payload::Text(text) = payload else { return Err(EXPECTED) };
        let (first, last) = text.split_once('-').ok_or(EXPECTED)?;
        let number = |text: &str| text.parse::<u32>().map(|number| number as usize).map_err(|_| EXPECTED);
        Ok(Self { first: number(first)?, last: number(last)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(total: usize, seen: &str, expected: Option<(usize, usize)>) {
        let mut viewport = Viewport::new(total).with_overscan(10);
        let range = Seen::from_payload(&Payload::Text(seen)).map(|seen| {
            viewport.show(seen);
            viewport.range()
        });
        assert_eq!(range.ok().map(|range| (range.start, range.end)), expected, "{seen}");
    }

    #[test]
    fn what_is_held_is_what_is_seen_and_some_more() {
        check(1_000, "0-20", Some((0, 30)));
        check(1_000, "500-520", Some((490, 530)));
        check(1_000, "980-1000", Some((970, 1_000)));
        check(15, "0-20", Some((0, 15)));
        check(0, "0-20", Some((0, 0)));
    }

    #[test]
    fn whatever_a_client_says_few_rows_are_held() {
        check(100_000, "0-100000", Some((0, 510)));
        check(100, "4000000000-4000000020", Some((100, 100)));
        check(100, "60-20", Some((30, 30)));
        for wrong in ["", "1", "-1", "1-", "a-b", "1-2-3", "99999999999-1"] {
            check(100, wrong, None);
        }
    }
}
