//! The component of the simulation: everything that a session can hold, and a journal of what it took.

use std::cell::Cell;

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::{Component, Html};
use lightspeed_macros::html;
use lightspeed_protocol::msgpack::{DecodeError, Reader, Writer};

/// What panics of the component begin with: any other one is a fault of the machine.
pub(crate) const PANIC: &str = "component: ";

thread_local! {
    /// The next message that is dropped panics.
    static IS_BOMB_ARMED: Cell<bool> = const { Cell::new(false) };
    /// So many of the next updates panic.
    static FLAKY: Cell<u32> = const { Cell::new(0) };
}

/// Has the next dropped message panic, or the next update.
pub(crate) fn arm(is_bomb: bool) {
    if is_bomb {
        IS_BOMB_ARMED.set(true);
    } else {
        FLAKY.set(1);
    }
}

/// Takes back what [`arm`] has done and nothing has set off.
pub(crate) fn disarm() {
    IS_BOMB_ARMED.set(false);
    FLAKY.set(0);
}

/// The state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct App {
    /// How often it was clicked.
    pub count: u64,
    rows: Vec<u64>,
    next_row: u64,
    draft: String,
    is_open: bool,
    /// It can't be rendered.
    is_bad: bool,
    /// Every note, in the order in which they were taken.
    pub journal: Vec<u64>,
    /// Whether its policy has it stored.
    is_stored: bool,
}

/// What it understands.
#[derive(Debug, Clone)]
pub(crate) enum Msg {
    /// Counts.
    Increment,
    /// Adds a row in front.
    Add,
    /// Removes a row.
    Remove(u64),
    /// Turns the rows around.
    Reverse,
    /// Opens or closes a part.
    Toggle,
    /// The text of a field: notes are numbers behind a `#`.
    Note(String),
    /// Panics whenever it is taken.
    Poison,
    /// Leaves a state that can't be rendered.
    Spoil,
    /// Asks for [`Msg::Later`] after a while.
    Ask,
    /// A task has ended.
    Later,
    /// Panics when it is dropped, if that is armed.
    Bomb(Bomb),
}

/// See [`Msg::Bomb`].
#[derive(Debug, Clone)]
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if IS_BOMB_ARMED.get() && !std::thread::panicking() {
            IS_BOMB_ARMED.set(false);
            panic!("{PANIC}in drop");
        }
    }
}

/// A task: to be answered by [`Msg::Later`].
#[derive(Debug)]
pub(crate) struct Task;

impl Component for App {
    type Message = Msg;
    type Effect = Task;

    fn update(&mut self, message: Msg, effects: &mut Vec<Task>) {
        match message {
            Msg::Increment => self.count += 1,
            Msg::Add => {
                self.next_row += 1;
                self.rows.insert(0, self.next_row);
                self.rows.truncate(12);
            }
            Msg::Remove(row) => self.rows.retain(|other| *other != row),
            Msg::Reverse => self.rows.reverse(),
            Msg::Toggle => self.is_open = !self.is_open,
            Msg::Note(text) => {
                self.journal.extend(text.strip_prefix('#').and_then(|number| number.parse::<u64>().ok()));
                self.draft = text.to_uppercase();
            }
            Msg::Poison => {
                // Whatever it has begun must not be seen.
                self.count += 1_000;
                panic!("{PANIC}in update");
            }
            Msg::Spoil => self.is_bad = true,
            Msg::Ask => effects.push(Task),
            Msg::Later => self.count += 1_000_000,
            Msg::Bomb(_) => {}
        }
        if FLAKY.get() > 0 {
            FLAKY.set(FLAKY.get() - 1);
            self.journal.clear();
            panic!("{PANIC}now and then");
        }
    }

    fn render(&self) -> Html<Msg> {
        assert!(!self.is_bad, "{PANIC}in render");
        html! {
            button #inc onclick=(Msg::Increment) { (self.count) }
            input #note value=(self.draft) oninput=(Msg::Note);
            button #add onclick=(Msg::Add) { "add" }
            button #reverse onclick=(Msg::Reverse) { "reverse" }
            button #toggle onclick=(Msg::Toggle) { "toggle" }
            button #ask onclick=(Msg::Ask) { "ask" }
            button #poison onclick=(Msg::Poison) { "poison" }
            button #spoil onclick=(Msg::Spoil) { "spoil" }
            button #bomb onclick=(Msg::Bomb(Bomb)) { "bomb" }
            @if self.is_open { p { "open " (self.journal.len()) } }
            ul {
                @for row in &self.rows {
                    li key=(row) { b { (row) } button id={ "row" (row) } onclick=(Msg::Remove(*row)) { "x" } }
                }
            }
        }
    }

    fn save(&self) -> Option<Vec<u8>> {
        if !self.is_stored {
            return None;
        }
        let mut out = Writer::new();
        out.array(7);
        out.uint(self.count);
        write_list(&self.rows, &mut out);
        out.uint(self.next_row);
        out.str(&self.draft);
        out.bool(self.is_open);
        out.bool(self.is_bad);
        write_list(&self.journal, &mut out);
        Some(out.into_bytes())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        *self = Self::read(state).map_err(|_| LoadError)?;
        Ok(())
    }
}

impl App {
    /// A new one.
    pub(crate) fn new(is_stored: bool) -> Self {
        Self { is_stored, ..Self::default() }
    }

    fn read(state: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(state);
        reader.array()?;
        Ok(Self {
            count: reader.uint()?,
            rows: read_list(&mut reader)?,
            next_row: reader.uint()?,
            draft: reader.str()?.to_owned(),
            is_open: reader.bool()?,
            is_bad: reader.bool()?,
            journal: read_list(&mut reader)?,
            is_stored: true,
        })
    }
}

fn write_list(numbers: &[u64], out: &mut Writer) {
    out.array(numbers.len());
    for number in numbers {
        out.uint(*number);
    }
}

fn read_list(reader: &mut Reader<'_>) -> Result<Vec<u64>, DecodeError> {
    (0..reader.array()?).map(|_| reader.uint()).collect()
}
