//! A hundred thousand rows, of which a page holds the few that are seen.
//!
//! The rows come from a function here; from a database it would be the same. [`lightspeed::viewport`] says
//! how it works.

use std::collections::BTreeSet;

use lightspeed::viewport::{Seen, Viewport};
use lightspeed::{Context, Html, Live, MountError, html};

/// How many rows there are.
pub const ROWS: usize = 100_000;

/// The table.
#[derive(Debug)]
pub struct Table {
    viewport: Viewport,
    marked: BTreeSet<usize>,
}

/// What can happen to it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Msg {
    Seen(Seen),
    Mark(usize),
}

impl Live for Table {
    type Msg = Msg;
    type Params = ();

    async fn mount((): (), _: &mut Context<Msg>) -> Result<Self, MountError> {
        Ok(Self { viewport: Viewport::new(ROWS), marked: BTreeSet::new() })
    }

    fn title(&self) -> String {
        "Viewport".to_owned()
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Msg>) {
        match msg {
            Msg::Seen(seen) => self.viewport.show(seen),
            Msg::Mark(index) => {
                if !self.marked.remove(&index) {
                    self.marked.insert(index);
                }
            }
        }
    }

    fn render(&self) -> Html<Msg> {
        let range = self.viewport.range();
        html! {
            p { output #marked { (self.marked.len()) } " of " (ROWS) " rows are marked." }
            ls-viewport #table tabindex="0" role="table" aria-label="Squares" aria-rowcount=(ROWS)
                rows=(ROWS) first=(range.start) row-height="32" oninput=(Msg::Seen)
            {
                @for index in range {
                    div.row.marked[self.marked.contains(&index)] role="row" key=(index) aria-rowindex=(index + 1) {
                        span role="cell" { (index + 1) }
                        span role="cell" { ((index + 1) * (index + 1)) }
                        span role="cell" {
                            button type="button" onclick=(Msg::Mark(index)) aria-label={ "Mark row " (index + 1) } { "Mark" }
                        }
                    }
                }
            }
        }
    }
}
