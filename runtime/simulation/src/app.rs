//! The component of the simulation: everything that a session can hold, and a journal of what it took.

use std::cell::Cell;

use lightspeed_core::session::PageEffect;
use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::{Component, Html, Memo, MemoList, Stream};
use lightspeed_macros::html;
use lightspeed_protocol::isa::EffectKind;
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

/// What `glance` gives, with nothing armed: to look at a session sets nothing off.
pub(crate) fn disarmed<T>(glance: impl FnOnce() -> T) -> T {
    let armed = (IS_BOMB_ARMED.replace(false), FLAKY.replace(0));
    let seen = glance();
    IS_BOMB_ARMED.set(armed.0);
    FLAKY.set(armed.1);
    seen
}

/// The state.
#[derive(Debug, Clone, Default)]
pub(crate) struct App {
    /// How often it was clicked.
    pub count: u64,
    rows: Vec<u64>,
    next_row: u64,
    /// What the stream shows: number and text of each line.
    lines: Vec<(u64, u64)>,
    stream: Stream<(u64, u64)>,
    memos: Memos,
    draft: String,
    is_open: bool,
    /// It can't be rendered.
    is_bad: bool,
    /// Every note, in the order in which they were taken.
    pub journal: Vec<u64>,
    /// Whether its policy has it stored.
    is_stored: bool,
}

/// The parts of the page that are memoized.
#[derive(Debug, Clone, Default)]
struct Memos {
    field: Memo<String, Msg>,
    /// A child: its messages are the rows to be removed.
    rows: Memo<(Vec<u64>, u64), u64>,
    row: MemoList<u64, u64>,
    mark: Memo<u64, Msg>,
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
    /// Writes a line of the stream anew.
    Touch(u64),
    /// Removes a line of the stream.
    Drop(u64),
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

/// What it asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// A task: to be answered by [`Msg::Later`].
    Task,
    /// Something of the page: its name is the count that it was asked for at.
    Page(PageEffect),
}

/// At which counts the page is asked for something.
pub(crate) const fn asks_at(count: u64) -> bool {
    count.is_multiple_of(3)
}

impl Component for App {
    type Message = Msg;
    type Effect = Asked;

    fn page_effect(effect: Asked) -> Result<PageEffect, Asked> {
        match effect {
            Asked::Page(effect) => Ok(effect),
            Asked::Task => Err(effect),
        }
    }

    fn update(&mut self, message: Msg, effects: &mut Vec<Asked>) {
        match message {
            Msg::Increment => {
                self.count += 1;
                let count = self.count % 1_000_000;
                if asks_at(count) {
                    effects.push(Asked::Page(PageEffect::new(EffectKind::Push, count.to_string(), "")));
                }
            }
            Msg::Add => {
                self.next_row += 1;
                self.rows.insert(0, self.next_row);
                self.rows.truncate(12);
                self.stir();
            }
            Msg::Touch(line) => self.write((line, self.count)),
            Msg::Drop(line) => {
                self.stream.delete(&line);
                self.lines.retain(|other| other.0 != line);
            }
            Msg::Remove(row) => self.rows.retain(|other| *other != row),
            Msg::Reverse => {
                self.rows.reverse();
                if self.next_row.is_multiple_of(5) {
                    self.lines.reverse();
                    self.stream.reset();
                }
            }
            Msg::Toggle => self.is_open = !self.is_open,
            Msg::Note(text) => {
                self.journal.extend(text.strip_prefix('#').and_then(|number| number.parse::<u64>().ok()));
                // The field of a memoized part, of which the page may show something else than was rendered.
                self.draft =
                    if self.journal.len().is_multiple_of(3) { text.to_uppercase() } else { String::new() };
            }
            Msg::Poison => {
                // Whatever it has begun must not be seen.
                self.count += 1_000;
                panic!("{PANIC}in update");
            }
            Msg::Spoil => self.is_bad = true,
            Msg::Ask => effects.push(Asked::Task),
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
            (self.memos.field.of(self.draft.clone(), || self.field()))
            button #add onclick=(Msg::Add) { "add" }
            button #reverse onclick=(Msg::Reverse) { "reverse" }
            button #toggle onclick=(Msg::Toggle) { "toggle" }
            button #ask onclick=(Msg::Ask) { "ask" }
            button #poison onclick=(Msg::Poison) { "poison" }
            button #spoil onclick=(Msg::Spoil) { "spoil" }
            button #bomb onclick=(Msg::Bomb(Bomb)) { "bomb" }
            @if self.is_open { p { "open " (self.journal.len()) } (self.mark()) (self.lines()) } @else { (self.lines()) }
            (self.memos.rows.of((self.rows.clone(), self.count / 4), || self.rows()).map(Msg::Remove))
            (self.mark())
            (self.list())
        }
    }

    fn save(&self) -> Option<Vec<u8>> {
        if !self.is_stored {
            return None;
        }
        let mut out = Writer::new();
        out.array(8);
        out.uint(self.count);
        write_list(&self.rows, &mut out);
        out.uint(self.next_row);
        write_list(&self.lines.iter().flat_map(|line| [line.0, line.1]).collect::<Vec<_>>(), &mut out);
        out.str(&self.draft);
        out.bool(self.is_open);
        out.bool(self.is_bad);
        write_list(&self.journal, &mut out);
        Some(out.into_bytes())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        let loaded = Self::read(state).map_err(|_| LoadError)?;
        // Whatever it has noted since is none of its business.
        let (stream, memos) = (std::mem::take(&mut self.stream), std::mem::take(&mut self.memos));
        *self = Self { stream, memos, ..loaded };
        Ok(())
    }
}

impl App {
    /// A new one.
    pub(crate) fn new(is_stored: bool) -> Self {
        Self { is_stored, ..Self::default() }
    }

    /// Something happens to the stream.
    fn stir(&mut self) {
        let line = (self.next_row, self.count);
        let first = self.lines.first().map_or(0, |line| line.0);
        match self.next_row % 7 {
            0 => {
                self.stream.prepend(line);
                self.lines.insert(0, line);
            }
            1 => {
                self.stream.insert_after(&first, line);
                self.lines.insert(1.min(self.lines.len()), line);
            }
            2 => self.write((first, self.count)),
            3 => {
                self.stream.insert_at(2, line);
                self.lines.insert(2.min(self.lines.len()), line);
            }
            _ => {
                self.stream.append(line);
                self.lines.push(line);
            }
        }
        self.stream.keep_last(10);
        self.lines.drain(..self.lines.len().saturating_sub(10));
    }

    fn write(&mut self, line: (u64, u64)) {
        self.stream.update(line);
        self.lines.iter_mut().filter(|other| other.0 == line.0).for_each(|other| *other = line);
    }

    fn field(&self) -> Html<Msg> {
        html! { input #note value=(self.draft) oninput=(Msg::Note); }
    }

    fn rows(&self) -> Html<u64> {
        html! {
            p { (self.count / 4) }
            ul {
                @memo row in self.memos.row.over(&self.rows, |row| **row) {
                    li key=(row) { b { (row) } button id={ "row" (row) } onclick=(*row) { "x" } }
                }
            }
        }
    }

    /// The same rows, rendered each time: on their own, and with a field and what isn't in all of them.
    fn list(&self) -> Html<Msg> {
        html! {
            p { @for row in &self.rows { b key=(row) hidden[(row + self.count).is_multiple_of(5)] { (row) } } }
            ul {
                @for row in &self.rows {
                    li key=(row) {
                        input value=(self.draft) oninput=(Msg::Note);
                        button onclick=(Msg::Remove(*row)) { (row) }
                        @if (row + self.count).is_multiple_of(3) { (self.mark()) button onclick=[self.is_open.then_some(Msg::Add)] { "+" } }
                    }
                }
            }
        }
    }

    /// Shown at two places at times, and in rows.
    fn mark(&self) -> Html<Msg> {
        let mark = self.count / 2;
        html! { (self.memos.mark.of(mark, || html! { i { (mark) } })) }
    }

    fn lines(&self) -> Html<Msg> {
        html! {
            ol {
                @stream line in self.stream.over(|| &self.lines) {
                    li key=(line.0) {
                        button onclick=(Msg::Touch(line.0)) { (line.1) }
                        @if line.1 % 2 == 1 { button onclick=(Msg::Drop(line.0)) { "x" } }
                    }
                }
            }
        }
    }

    fn read(state: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(state);
        reader.array()?;
        Ok(Self {
            count: reader.uint()?,
            rows: read_list(&mut reader)?,
            next_row: reader.uint()?,
            lines: read_list(&mut reader)?.chunks_exact(2).map(|line| (line[0], line[1])).collect(),
            stream: Stream::new(),
            memos: Memos::default(),
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
