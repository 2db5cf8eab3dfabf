//! What a stream costs: memory of a row that is shown, and of a change, whatever the list's length.
//!
//! An allocator counts; nothing is timed. `cargo test --release -p lightspeed-core --test stream_cost -- --nocapture`
//! prints what it has counted.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use allocation_counter::{AllocationInfo, measure};
use lightspeed_core::{Component, Html, Input, Join, Output, Session, Stream};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use lightspeed_protocol::msgpack::Payload;

#[derive(Debug, Clone)]
struct Row {
    id: u64,
    text: String,
}

#[derive(Debug, Clone)]
enum Msg {
    Append(u64),
    Update(u64),
    Delete(u64),
    Select(u64),
}

/// Its rows can always be had again, and are kept nowhere.
#[derive(Debug)]
struct Feed<const HAS_HANDLER: bool, const IS_STREAM: bool> {
    count: u64,
    selected: u64,
    rows: Stream<Row>,
}

fn row(id: u64) -> Row {
    Row { id, text: format!("The text of a row, which is longer than its number {id}") }
}

impl<const HAS_HANDLER: bool, const IS_STREAM: bool> Component for Feed<HAS_HANDLER, IS_STREAM> {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        match message {
            Msg::Append(id) => self.rows.append(row(id)),
            Msg::Update(id) => self.rows.update(Row { id, text: "Another text".to_owned() }),
            Msg::Delete(id) => self.rows.delete(&id),
            Msg::Select(id) => self.selected = id,
        }
    }

    fn render(&self) -> Html<Msg> {
        let source = || (0..self.count).map(row);
        html! {
            p { (self.selected) }
            ul {
                @if !IS_STREAM {
                    @for row in source() { li key=(row.id) { (row.text) button onclick=(Msg::Select(row.id)) { "select" } } }
                } @else if HAS_HANDLER {
                    @stream row in self.rows.over(source) {
                        li key=(row.id) { (row.text) button onclick=(Msg::Select(row.id)) { "select" } }
                    }
                } @else {
                    @stream row in self.rows.over(source) { li key=(row.id) { (row.text) } }
                }
            }
        }
    }
}

type Streamed = Feed<true, true>;

/// A session whose client shows so many rows.
fn session<const HAS_HANDLER: bool, const IS_STREAM: bool>(
    count: u64,
) -> Session<Feed<HAS_HANDLER, IS_STREAM>> {
    let mut session = Session::new(Feed { count, selected: 0, rows: Stream::new() });
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

/// Returns how many bytes are sent.
fn drain<C: Component>(session: &mut Session<C>) -> usize {
    let mut sent = 0;
    while let Some(output) = session.poll_output() {
        if let Output::Transmit(transmission) = output {
            sent += transmission.frame.len();
        }
    }
    assert!(!session.is_closed());
    sent
}

/// Bytes that a session with so many rows holds.
fn held<const HAS_HANDLER: bool, const IS_STREAM: bool>(count: u64) -> i64 {
    let mut kept = None;
    measure(|| kept = Some(session::<HAS_HANDLER, IS_STREAM>(count))).bytes_current
}

#[test]
fn memory_of_a_row() {
    let per_row = |held: fn(u64) -> i64, count: i64| (held(u64::try_from(count).unwrap()) - held(0)) / count;
    let (plain, handled, listed) = (held::<false, true>, held::<true, true>, held::<true, false>);
    println!("bytes for each row that is shown:");
    println!("{:>9} {:>9} {:>13} {:>15}", "rows", "stream", "with handler", "@for, the same");
    for count in [100, 1_000, 10_000, 100_000] {
        let (plain, handled, listed) =
            (per_row(plain, count), per_row(handled, count), per_row(listed, count));
        println!("{count:>9} {plain:>9} {handled:>13} {listed:>15}");
        assert!(plain <= 64, "{plain} bytes for a row");
        assert!(handled <= 140, "{handled} bytes for a row with a handler");
    }
}

/// What an event costs when so many rows are shown.
fn cost(
    session: &mut Session<Streamed>,
    act: impl FnOnce(&mut Session<Streamed>),
) -> (AllocationInfo, usize) {
    let mut sent = 0;
    let info = measure(|| {
        act(session);
        sent = drain(session);
        acknowledge(session);
    });
    (info, sent)
}

#[test]
fn a_change_costs_the_same_whatever_the_length() {
    println!("a change: allocations, bytes allocated, bytes sent");
    let mut costs = Vec::new();
    for count in [100, 1_000, 10_000, 100_000] {
        let mut session = session::<true, true>(count);
        let say = |message| {
            move |session: &mut Session<Streamed>| session.handle_input(Timestamp(0), Input::Message(message))
        };
        // The tables grow now and not when they are looked at. The numbers take as many bytes in every list.
        for id in 0..10 {
            cost(&mut session, say(Msg::Append(4_000_000_000 + id)));
        }
        let middle = count / 2;
        let click = |session: &mut Session<Streamed>| {
            // The last instance is the row that was appended last.
            let instance = u32::try_from(3 + count + 9).unwrap();
            let ack = session.version();
            let event =
                ClientFrame::Event { ack, seq: 1, behind: 0, instance, slot: 1, payload: Payload::None };
            session.handle_input(Timestamp(0), Input::Frame(event));
            assert_eq!(session.component().selected, 4_000_000_009);
        };
        let changes = [
            ("append", cost(&mut session, say(Msg::Append(5_000_000_000)))),
            ("update", cost(&mut session, say(Msg::Update(middle)))),
            ("delete", cost(&mut session, say(Msg::Delete(middle)))),
            ("click", cost(&mut session, click)),
        ];
        print!("{count:>9}");
        for (name, (info, sent)) in &changes {
            print!("   {name} {} {} {sent}", info.count_total, info.bytes_total);
        }
        println!();
        costs.push(changes.map(|(_, (info, _))| (info.count_total, info.bytes_total)));
    }
    for of_length in &costs[1..] {
        for (one, first) in of_length.iter().zip(&costs[0]) {
            assert_eq!(one.0, first.0, "as many allocations");
            assert!(one.1.abs_diff(first.1) < 256, "as many bytes, but for numbers that are longer");
        }
    }
}
