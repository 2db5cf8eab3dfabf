//! What must not be told before it is stored waits, and nothing overtakes it.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use lightspeed_protocol::close::CloseReason;

use super::Outbox;
use crate::session::exchange::{Checkpoint, Output, Transmission};

fn frame(byte: u8) -> Transmission {
    Transmission { frame: vec![byte], templates: Vec::new() }
}

fn checkpoint() -> Output<u8> {
    Output::Persist(Checkpoint { generation: 1, seq: 0, bytes: Vec::new() })
}

/// What can be polled, in words.
fn polled(outbox: &mut Outbox<u8>) -> Vec<String> {
    core::iter::from_fn(|| outbox.poll())
        .map(|output| match output {
            Output::Transmit(transmission) => format!("frame {}", transmission.frame[0]),
            Output::Effect(effect) => format!("effect {effect}"),
            Output::Persist(_) => "checkpoint".into(),
            Output::Drop(_) => "drop".into(),
            Output::Unfit(_) => "unfit".into(),
            Output::EffectDropped => "effect dropped".into(),
            Output::Close(_) => "close".into(),
        })
        .collect()
}

#[test]
fn what_is_made_waits_until_it_is_released() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Transmit(frame(1)));
    outbox.push(Output::Effect(2));
    assert_eq!(polled(&mut outbox), [""; 0]);
    outbox.release_made();
    assert_eq!(polled(&mut outbox), ["frame 1", "effect 2"]);
}

#[test]
fn what_a_checkpoint_holds_is_told_when_it_is_stored() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Transmit(frame(1)));
    outbox.push(checkpoint());
    outbox.push(Output::Transmit(frame(2)));
    assert_eq!(polled(&mut outbox), ["checkpoint"], "and nothing that tells of it");
    outbox.release();
    assert_eq!(polled(&mut outbox), ["frame 1"], "what was made since is in no checkpoint");
    outbox.push(checkpoint());
    assert_eq!(polled(&mut outbox), ["checkpoint"]);
    outbox.release();
    assert_eq!(polled(&mut outbox), ["frame 2"]);
}

#[test]
fn what_need_not_be_stored_first_follows_the_checkpoint_at_once() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Effect(1));
    outbox.push(checkpoint());
    outbox.release();
    assert_eq!(polled(&mut outbox), ["checkpoint", "effect 1"]);
}

#[test]
fn what_tells_nothing_of_the_state_waits_for_no_store() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Transmit(frame(1)));
    outbox.push(checkpoint());
    outbox.push(Output::Drop(CloseReason::Unacknowledged));
    assert_eq!(polled(&mut outbox), ["checkpoint", "drop"]);
}

#[test]
fn an_end_is_told_and_nothing_that_waits_is() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Effect(1));
    outbox.push(checkpoint());
    outbox.push(Output::Effect(2));
    outbox.push(Output::Close(CloseReason::Left));
    outbox.release();
    outbox.release_made();
    assert_eq!(polled(&mut outbox), ["checkpoint", "close"]);
}

#[test]
fn the_last_checkpoint_goes_out_before_the_end() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Close(CloseReason::PatchTooLarge));
    outbox.push(checkpoint());
    assert_eq!(polled(&mut outbox), ["checkpoint", "close"]);
}

#[test]
fn a_mark_keeps_a_place_for_what_is_to_be_told_first() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Effect(1));
    let mark = outbox.mark();
    outbox.push(Output::Transmit(frame(4)));
    outbox.push_at(mark, [frame(2), frame(3)]);
    outbox.release_made();
    assert_eq!(polled(&mut outbox), ["effect 1", "frame 2", "frame 3", "frame 4"]);
}

#[test]
fn frames_are_forgotten_with_their_socket_wherever_they_wait() {
    let mut outbox = Outbox::new();
    outbox.push(Output::Effect(1));
    outbox.push(Output::Transmit(frame(1)));
    outbox.release_made();
    outbox.push(Output::Transmit(frame(2)));
    outbox.push(Output::Effect(2));
    outbox.push(checkpoint());
    outbox.push(Output::Transmit(frame(3)));
    outbox.push(Output::Effect(3));
    outbox.forget_frames();
    assert_eq!(polled(&mut outbox), ["checkpoint", "effect 1"]);
    outbox.release();
    outbox.release_made();
    assert_eq!(polled(&mut outbox), ["effect 2", "effect 3"]);
}

#[test]
fn the_first_room_is_for_one() {
    let mut outbox: Outbox<u8> = Outbox::new();
    outbox.push(Output::Effect(1));
    assert_eq!(outbox.made.capacity(), 1);
    outbox.release_made();
    assert_eq!((outbox.made.capacity(), outbox.ready.capacity()), (0, 1), "the memory moves on with it");
    polled(&mut outbox);
    outbox.shrink_to_fit();
    assert_eq!(outbox.ready.capacity(), 0);
}
