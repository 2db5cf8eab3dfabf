//! A component with everything that a place can be: always there, sometimes, one of many, a field.

use arbitrary::Arbitrary;
use lightspeed_core::{Component, Html};
use lightspeed_macros::html;

/// The component.
#[derive(Debug, Default)]
pub struct Board {
    count: u32,
    rows: Vec<u8>,
    is_open: bool,
    draft: String,
    is_agreed: bool,
    /// How many messages it took.
    pub taken: u64,
    /// A field's event was taken: what the person entered is on the page, and in no program.
    pub has_entered: bool,
}

/// What it understands.
#[derive(Debug, Clone, Arbitrary)]
pub enum Msg {
    /// Sets the count.
    Set(u32),
    /// Takes a row away.
    Remove(u8),
    /// Sets the rows.
    Rows(Vec<u8>),
    /// Opens or closes the branch.
    Toggle,
    /// Clicked within the branch.
    Inside,
    /// Sets the draft.
    Draft(String),
    /// Sets the checkbox.
    Agree(bool),
    /// Empties the draft.
    Save,
}

/// How many rows there are at most: a fuzzer finds nothing in more.
const ROWS_MAX: usize = 24;

impl Component for Board {
    type Message = Msg;
    type Effect = u64;

    fn update(&mut self, message: Msg, effects: &mut Vec<u64>) {
        self.taken += 1;
        effects.push(self.taken);
        match message {
            Msg::Set(count) => self.count = count,
            Msg::Remove(id) => self.rows.retain(|row| *row != id),
            Msg::Rows(rows) => {
                self.rows.clear();
                for row in rows {
                    if !self.rows.contains(&row) && self.rows.len() < ROWS_MAX {
                        self.rows.push(row);
                    }
                }
            }
            Msg::Toggle => self.is_open = !self.is_open,
            Msg::Draft(text) => {
                self.has_entered = true;
                self.draft = text.trim().into();
            }
            Msg::Agree(is_agreed) => {
                self.has_entered = true;
                self.is_agreed = is_agreed;
            }
            Msg::Save => {
                self.has_entered = true;
                self.draft.clear();
            }
            Msg::Inside => {}
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            button onclick=(Msg::Set(self.count.wrapping_add(1))) title={ "now " (self.count) } { "set" }
            output hidden[self.count % 7 == 3] { (self.count) }
            button.open[self.is_open] onclick=(Msg::Toggle) { "toggle" }
            @if self.is_open { p { (self.count) button onclick=(Msg::Inside) { "inside" } } }
            @else { (self.draft) }
            form onsubmit=(|(): ()| Msg::Save) {
                input name="draft" value=(self.draft) oninput=(Msg::Draft);
                input type="checkbox" checked[self.is_agreed] onchange=(Msg::Agree);
            }
            ul { @for row in &self.rows { li key=(row) { button onclick=(Msg::Remove(*row)) { (row) } } } }
        }
    }
}
