//! A thousand children whose messages are mapped, beside the same rows written where they are shown.

use lightspeed::{Html, html};
use lightspeed_core::MemoList;
use lightspeed_core::session::Component;

use crate::joined::Place;

/// How the rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Where they are shown.
    Inline,
    /// By a function that gives HTML with the page's messages.
    Spliced,
    /// By a child with messages of its own.
    Mapped,
    /// The same, each rendered again when it has changed.
    Memoized,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Inline, Self::Spliced, Self::Mapped, Self::Memoized];

    /// For a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inline => "one of 1,000 rows, inline",
            Self::Spliced => "one of 1,000 rows, spliced",
            Self::Mapped => "one of 1,000 children",
            Self::Memoized => "one of 1,000 children in `@memo`",
        }
    }

    /// Where the button of the fifth row is.
    pub const fn place(self) -> Place {
        match self {
            Self::Inline => Place(6, 0),
            // Each row is two instances: the item, and what is spliced into it.
            Self::Spliced | Self::Mapped | Self::Memoized => Place(11, 0),
        }
    }
}

/// A page of rows, each of which counts its clicks.
#[derive(Debug)]
pub struct Children {
    way: Way,
    rows: Vec<Child>,
    memos: MemoList<u64, Msg>,
}

impl Children {
    /// So many rows.
    pub fn new(way: Way, count: usize) -> Self {
        Self { way, rows: (0..count).map(|_| Child { count: 0 }).collect(), memos: MemoList::new() }
    }
}

#[derive(Debug)]
struct Child {
    count: u64,
}

/// What a child understands.
#[derive(Debug, Clone, Copy)]
pub enum ChildMsg {
    /// So many more.
    Add(u64),
}

/// What the page understands.
#[derive(Debug, Clone, Copy)]
pub enum Msg {
    /// Something for a row.
    Row(usize, ChildMsg),
}

impl Child {
    fn render(&self) -> Html<ChildMsg> {
        html! { button onclick=(ChildMsg::Add(1)) { (self.count) } }
    }

    fn render_as(&self, message: Msg) -> Html<Msg> {
        html! { button onclick=(message) { (self.count) } }
    }

    fn update(&mut self, message: ChildMsg) {
        let ChildMsg::Add(by) = message;
        self.count += by;
    }
}

impl Component for Children {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        let Msg::Row(index, message) = message;
        self.rows[index].update(message);
    }

    fn render(&self) -> Html<Msg> {
        let rows = self.rows.iter().enumerate();
        match self.way {
            Way::Inline => html! {
                ul { @for (index, row) in rows {
                    li key=(index) { button onclick=(Msg::Row(index, ChildMsg::Add(1))) { (row.count) } }
                } }
            },
            Way::Spliced => html! {
                ul { @for (index, row) in rows {
                    li key=(index) { (row.render_as(Msg::Row(index, ChildMsg::Add(1)))) }
                } }
            },
            Way::Mapped => html! {
                ul { @for (index, row) in rows {
                    li key=(index) { (row.render().map(move |message| Msg::Row(index, message))) }
                } }
            },
            Way::Memoized => html! {
                ul { @memo (index, row) in self.memos.over(rows, |(_, row)| row.count) {
                    li key=(index) { (row.render().map(move |message| Msg::Row(index, message))) }
                } }
            },
        }
    }
}
