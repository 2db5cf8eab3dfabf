//! What an event costs on a page with memoized parts: allocations, rows that are rendered, and rows that are looked at.
//!
//! An allocator counts, and the rows count themselves; nothing is timed.
//! `cargo test --release -p lightspeed-core --test memo_cost -- --nocapture` prints what was counted.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use std::cell::Cell;

use allocation_counter::measure;
use lightspeed_core::{Component, Html, Input, Join, Memo, MemoList, Session};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use lightspeed_protocol::msgpack::Payload;

thread_local! {
    static RENDERED: Cell<u64> = const { Cell::new(0) };
    static COMPARED: Cell<u64> = const { Cell::new(0) };
}

#[derive(Debug, Clone)]
struct Row {
    id: u64,
    version: u64,
}

/// What a row depends on; it counts comparisons.
#[derive(Debug)]
struct Version(u64);

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        COMPARED.set(COMPARED.get() + 1);
        self.0 == other.0
    }
}

#[derive(Debug, Clone)]
enum Msg {
    Count,
    Touch(u64),
    Append,
    Insert,
    Remove(usize),
    Reverse,
}

/// Every row, every time.
const PLAIN: u8 = 0;
/// Each row is memoized.
const ROWS: u8 = 1;
/// The table is, and the rows in it.
const TABLE: u8 = 2;
/// The table is, the blocks of 100 rows in it, and the rows in those.
const BLOCKS: u8 = 3;

#[derive(Debug)]
struct Table<const MEMOS: u8> {
    count: u64,
    rows: Vec<Row>,
    next: u64,
    version: u64,
    whole: Memo<Version, Msg>,
    memos: MemoList<Version, Msg>,
    blocks: MemoList<Version, Msg>,
    block_memos: Vec<MemoList<Version, Msg>>,
}

const BLOCK_LEN: usize = 100;

fn text(row: &Row) -> String {
    RENDERED.set(RENDERED.get() + 1);
    format!("The text of a row, which is longer than its number {} {}", row.id, row.version)
}

impl<const MEMOS: u8> Table<MEMOS> {
    fn new(count: u64) -> Self {
        Self {
            count: 0,
            rows: (0..count).map(|id| Row { id, version: 0 }).collect(),
            next: count,
            version: 0,
            whole: Memo::new(),
            memos: MemoList::new(),
            blocks: MemoList::new(),
            block_memos: (0..=count / BLOCK_LEN as u64).map(|_| MemoList::new()).collect(),
        }
    }

    fn table(&self) -> Html<Msg> {
        match MEMOS {
            PLAIN => html! {
                tbody {
                    @for row in &self.rows {
                        tr key=(row.id) { td { (text(row)) } td { button onclick=(Msg::Touch(row.id)) { "touch" } } }
                    }
                }
            },
            BLOCKS => {
                let of = |rows: &[Row]| {
                    let number = |sum: u64, row: &Row| sum.wrapping_mul(31) ^ (row.id << 16) ^ row.version;
                    Version(rows.iter().fold(0, number))
                };
                let blocks = self.rows.chunks(BLOCK_LEN).zip(&self.block_memos).enumerate();
                let blocks = self.blocks.over(blocks, |(_, (rows, _))| of(rows));
                html! {
                    @memo (index, (rows, memos)) in blocks {
                        tbody key=(index) {
                            @memo row in memos.over(rows, |row| Version(row.version)) {
                                tr key=(row.id) { td { (text(row)) } td { button onclick=(Msg::Touch(row.id)) { "touch" } } }
                            }
                        }
                    }
                }
            }
            _ => html! {
                tbody {
                    @memo row in self.memos.over(&self.rows, |row| Version(row.version)) {
                        tr key=(row.id) { td { (text(row)) } td { button onclick=(Msg::Touch(row.id)) { "touch" } } }
                    }
                }
            },
        }
    }
}

impl<const MEMOS: u8> Component for Table<MEMOS> {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        if !matches!(message, Msg::Count) {
            self.version += 1;
        }
        match message {
            Msg::Count => self.count += 1,
            Msg::Touch(id) => {
                let row = self.rows.iter_mut().find(|row| row.id == id).unwrap();
                row.version = self.version;
            }
            Msg::Append => {
                self.rows.push(Row { id: self.next, version: self.version });
                self.next += 1;
            }
            Msg::Insert => {
                self.rows.insert(0, Row { id: self.next, version: self.version });
                self.next += 1;
            }
            Msg::Remove(index) => {
                self.rows.remove(index);
            }
            Msg::Reverse => self.rows.reverse(),
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            button onclick=(Msg::Count) { (self.count) }
            table {
                @if MEMOS >= TABLE { (self.whole.of(Version(self.version), || self.table())) }
                @else { (self.table()) }
            }
        }
    }
}

/// A session whose client shows so many rows.
fn session<const MEMOS: u8>(count: u64) -> Session<Table<MEMOS>> {
    let mut session = Session::new(Table::new(count));
    let join =
        Join { session: 1, mode: JoinMode::Adopt, applied: 0, settled: 0, token: "token", is_latest: true };
    session.handle_input(Timestamp(0), Input::Join(join));
    drain(&mut session);
    acknowledge(&mut session);
    session
}

fn acknowledge<C: Component>(session: &mut Session<C>) {
    let ack = session.version();
    session.handle_input(Timestamp(0), Input::Frame(ClientFrame::Ack { ack, behind: 0 }));
    drain(session);
}

fn drain<C: Component>(session: &mut Session<C>) {
    while let Some(output) = session.poll_output() {
        drop(output);
    }
    assert!(!session.is_closed());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    allocations: u64,
    bytes: u64,
    rendered: u64,
    compared: u64,
}

/// What an event costs, from the frame to the acknowledgement of the patch.
fn cost<const MEMOS: u8>(
    session: &mut Session<Table<MEMOS>>,
    act: impl FnOnce(&mut Session<Table<MEMOS>>),
) -> Cost {
    RENDERED.set(0);
    COMPARED.set(0);
    let info = measure(|| {
        act(session);
        drain(session);
        acknowledge(session);
    });
    Cost {
        allocations: info.count_total,
        bytes: info.bytes_total,
        rendered: RENDERED.get(),
        compared: COMPARED.get(),
    }
}

fn say<C: Component<Message = Msg>>(message: Msg) -> impl FnOnce(&mut Session<C>) {
    move |session| session.handle_input(Timestamp(0), Input::Message(message))
}

/// A click on the counter, which stands beside the table.
fn click_beside<C: Component>(session: &mut Session<C>) {
    click(session, 1, 0);
}

/// A click on a row of a table that nothing was done to yet.
fn click_row<const MEMOS: u8>(session: &mut Session<Table<MEMOS>>, index: usize) {
    // Before it come the page, the arm and the table, and the blocks that have begun.
    let blocks = if MEMOS == BLOCKS { index / BLOCK_LEN + 1 } else { 0 };
    click(session, u32::try_from(4 + blocks + index).unwrap(), 1);
    assert_eq!(session.component().rows[index].version, 1);
}

fn click<C: Component>(session: &mut Session<C>, instance: u32, slot: u32) {
    let (ack, seq) = (session.version(), session.seq_handled() + 1);
    let event = ClientFrame::Event { ack, seq, behind: 0, instance, slot, payload: Payload::None };
    session.handle_input(Timestamp(0), Input::Frame(event));
}

const EVENTS: [&str; 6] = ["click beside", "click in a row", "append", "insert", "remove", "reverse"];

fn costs<const MEMOS: u8>(count: u64) -> [Cost; 6] {
    let mut session = session::<MEMOS>(count);
    cost(&mut session, click_beside);
    let middle = usize::try_from(count / 2).unwrap();
    [
        cost(&mut session, click_beside),
        cost(&mut session, |session| click_row(session, middle)),
        cost(&mut session, say(Msg::Append)),
        cost(&mut session, say(Msg::Insert)),
        cost(&mut session, say(Msg::Remove(middle))),
        cost(&mut session, say(Msg::Reverse)),
    ]
}

#[test]
fn an_event_costs_what_it_changes() {
    println!("allocations, bytes allocated / rows rendered, things compared");
    print!("{:>8} {:>7}", "", "rows");
    for event in EVENTS {
        print!(" {event:>30}");
    }
    println!();
    let mut beside = Vec::new();
    for count in [100, 1_000, 10_000, 100_000] {
        let all = [
            ("@for", costs::<PLAIN>(count)),
            ("rows", costs::<ROWS>(count)),
            ("table", costs::<TABLE>(count)),
            ("blocks", costs::<BLOCKS>(count)),
        ];
        for (name, costs) in &all {
            print!("{name:>8} {count:>7}");
            for Cost { allocations, bytes, rendered, compared } in costs {
                print!(" {:>30}", format!("{allocations}, {bytes} / {rendered}, {compared}"));
            }
            println!();
        }
        let [(_, plain), (_, rows), (_, table), (_, blocks)] = all;
        assert_eq!(plain[0].rendered, count, "what the others are held against");
        for costs in [rows, table, blocks] {
            assert_eq!(costs[0].rendered, 0);
            assert_eq!(costs[1].rendered, 1);
            assert_eq!(costs[2].rendered, 1);
        }
        for costs in [rows, table] {
            assert_eq!(costs[3].rendered, 1);
            assert_eq!(costs[4].rendered, 0);
            assert_eq!(costs[5].rendered, 0);
            for cost in costs {
                assert!(cost.allocations < 60, "{cost:?}");
            }
        }
        // The rows' own list is the only thing that grows.
        assert!(rows[0].allocations < 40, "{:?}", rows[0]);
        assert!(rows[0].bytes < 4_000 + 64 * count, "{:?}", rows[0]);
        assert!(blocks[1].compared < count / 100 + 103, "{:?}", blocks[1]);
        beside.push((table[0], blocks[0]));
    }
    for (table, blocks) in &beside {
        assert_eq!((*table, *blocks), beside[0], "the same whatever the length");
        assert_eq!(table.compared, 1);
    }
}

/// Bytes that a session with so many rows holds, and what is left of them when it hibernates.
fn held<const MEMOS: u8>(count: u64) -> (i64, i64) {
    let mut kept = None;
    let shown = measure(|| {
        let mut session = session::<MEMOS>(count);
        cost(&mut session, click_beside);
        kept = Some(session);
    });
    let asleep = measure(|| {
        let session = kept.as_mut().unwrap();
        session.handle_input(Timestamp(0), Input::Hibernate);
        assert!(session.is_hibernating());
    });
    (shown.bytes_current, shown.bytes_current + asleep.bytes_current)
}

#[test]
fn memory_of_a_row() {
    println!("bytes for each row: shown, asleep");
    println!("{:>7} {:>16} {:>16} {:>16} {:>16}", "rows", "@for", "rows", "table", "blocks");
    for count in [100, 1_000, 10_000, 100_000] {
        let per_row = |held: fn(u64) -> (i64, i64)| {
            let count_signed = i64::try_from(count).unwrap();
            let ((shown, asleep), (shown_empty, asleep_empty)) = (held(count), held(0));
            ((shown - shown_empty) / count_signed, (asleep - asleep_empty) / count_signed)
        };
        let all =
            [per_row(held::<PLAIN>), per_row(held::<ROWS>), per_row(held::<TABLE>), per_row(held::<BLOCKS>)];
        print!("{count:>7}");
        for held in all {
            print!(" {:>16}", format!("{held:?}"));
        }
        println!();
        let [plain, memoized @ ..] = all;
        // An item of a list that isn't memoized is packed with the others.
        assert!(plain.0 < 140, "{} bytes for a row without memos", plain.0);
        for (shown, asleep) in memoized {
            assert!(shown < 390, "{shown} bytes for a row");
            assert!(
                asleep - plain.1 < 4,
                "{asleep} bytes for a row that nothing shows, {} without memos",
                plain.1
            );
        }
    }
}
