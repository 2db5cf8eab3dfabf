//! Replays recorded sessions: the server says what it said then, byte for byte, and the
//! document that an interpreter makes of it is the server's render after every frame.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use lightspeed::Adapter;
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;
use lightspeed_testing::recording::{self, Happened};

const COUNTER: &str = include_str!("../sessions/counter.txt");
const ROWS: &str = include_str!("../sessions/rows.txt");

#[test]
fn the_counter_says_what_it_said_then() {
    let frames = recording::replay(Adapter(Counter::default()), &recording::read(COUNTER).unwrap()).unwrap();
    assert!(frames >= 10, "{frames} frames");
}

#[test]
fn the_rows_say_what_they_said_then() {
    let frames = recording::replay(Adapter(Rows::default()), &recording::read(ROWS).unwrap()).unwrap();
    assert!(frames >= 15, "{frames} frames");
}

#[test]
fn a_recording_is_read_as_it_was_written() {
    let recording = recording::read(ROWS).unwrap();
    assert_eq!(recording::write(&recording), ROWS);
    assert_eq!(
        recording::read("0 ?").unwrap_err(),
        "line 1: expected `TIME > BYTES`, `TIME < BYTES` or `TIME !`"
    );
}

#[test]
fn a_byte_that_differs_is_found() {
    let recording = recording::read(COUNTER).unwrap();
    let last = recording.iter().rposition(|(_, happened)| matches!(happened, Happened::Down(_))).unwrap();
    for index in [5, last] {
        let mut changed = recording.clone();
        match &mut changed[index].1 {
            Happened::Down(bytes) | Happened::Up(bytes) => *bytes.last_mut().unwrap() ^= 1,
            Happened::Cut => unreachable!("neither is a cut"),
        }
        assert!(recording::replay(Adapter(Counter::default()), &changed).is_err(), "entry {}", index + 1);
    }
}
