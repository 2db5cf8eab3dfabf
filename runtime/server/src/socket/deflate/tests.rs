use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::message::HEAD_BYTES;
use lightspeed_protocol::msgpack::{Raw, Writer};
use lightspeed_testing::native::inflate::inflated;

use super::{Deflaters, message};
use crate::limits::{COMPRESSED_AT_A_TIME_BYTES, COMPRESSED_BYTES_MIN};

/// A program's place, filled with a text of so many bytes.
fn program(text: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(1);
    writer.str(text);
    writer.into_bytes()
}

fn patch(text: &str) -> Vec<u8> {
    ServerFrame::Patch { ack: 1, version: 2, program: Raw::new(&program(text)) }.encode(1)
}

/// A text that no compressor makes smaller than three quarters: six random bits in a byte.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'0' + u8::try_from(state >> 58).expect("six bits"))
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn a_large_patch_comes_back_as_it_was() {
    let home = Deflaters::new(Some(COMPRESSED_BYTES_MIN));
    for length in [COMPRESSED_BYTES_MIN, COMPRESSED_AT_A_TIME_BYTES, 5 * COMPRESSED_AT_A_TIME_BYTES + 7] {
        let frame = patch(&"row ".repeat(length / 4));
        let sent = home.message(frame.clone()).await;
        assert!(sent.len() < frame.len() / 10 && sent[0] == 0, "{} of {}", sent.len(), frame.len());
        assert_eq!(inflated(&sent).expect("a frame").as_ref(), frame);
        assert_eq!(sent, message(&frame), "measurements measure what is sent");
    }
    assert_eq!(home.lock().len(), 1, "a compressor is used again");
}

#[test]
fn small_frames_are_left_alone() {
    let home = Deflaters::new(Some(COMPRESSED_BYTES_MIN));
    let length = COMPRESSED_BYTES_MIN - patch(&"a".repeat(500)).len() + 500;
    assert_eq!(patch(&"a".repeat(length)).len(), COMPRESSED_BYTES_MIN);
    assert!(home.takes(&patch(&"a".repeat(length))));
    assert!(!home.takes(&patch(&"a".repeat(length - 1))));
    assert!(!Deflaters::new(None).takes(&patch(&"a".repeat(length))));
}

#[test]
fn nothing_but_patches_and_snapshots_is_compressed() {
    let home = Deflaters::new(Some(0));
    let long = "secret ".repeat(1000);
    let program = program(&long);
    let program = Raw::new(&program);
    assert!(home.takes(&ServerFrame::Patch { ack: 1, version: 1, program }.encode(1)));
    assert!(home.takes(&ServerFrame::Snapshot { ack: 1, version: 1, program }.encode(1)));
    for frame in [
        ServerFrame::Welcome { protocol: 3, build: &long, heartbeat_ms: 1, event_bytes_max: 1 },
        ServerFrame::Joined { ack: 0, token: &long },
        ServerFrame::Ack { ack: 0 },
        ServerFrame::Refused { seq: 1, reason: 1, message: &long },
        ServerFrame::Pong {},
        ServerFrame::Close { reason: 1, message: &long, retry_ms: 0 },
        ServerFrame::Template { fingerprint: 1, namespace: 0, roots: 1, html: Some(&long), slots: program },
    ] {
        for session in [0, 1] {
            assert!(!home.takes(&frame.encode(session)), "{}", frame.name());
        }
    }
    assert!(!home.takes(&ServerFrame::Patch { ack: 1, version: 1, program }.encode(0)), "session 0");
    assert!(!home.takes(b"not a frame"));
}

#[tokio::test]
async fn what_would_be_no_smaller_goes_out_as_it_is() {
    let home = Deflaters::new(Some(0));
    let tiny = patch("a");
    assert_eq!(home.message(tiny.clone()).await, tiny);
    let packed = message(&patch(&noise(200_000)));
    let bytes: Vec<u8> = packed[HEAD_BYTES..].to_vec();
    let mut writer = Writer::new();
    writer.array(1);
    writer.bin(&bytes);
    let frame = ServerFrame::Patch { ack: 1, version: 1, program: Raw::new(writer.as_bytes()) }.encode(1);
    assert_eq!(home.message(frame.clone()).await, frame);
    // And the compressor is as good as new.
    let next = patch(&"b".repeat(3000));
    assert_eq!(inflated(&home.message(next.clone()).await).expect("a frame").as_ref(), next);
}

#[tokio::test]
async fn no_message_depends_on_one_before_it() {
    let home = Deflaters::new(Some(0));
    let guess = patch(&format!("{} token=7f3a9c", noise(2000)));
    let alone = home.message(guess.clone()).await;
    for secret in ["token=7f3a9c ", "token=000000 "] {
        home.message(patch(&secret.repeat(100))).await;
        assert_eq!(home.message(guess.clone()).await, alone, "after {secret}");
    }
}

#[tokio::test]
async fn a_compressor_that_was_left_in_the_midst_is_as_good_as_new() {
    let home = Deflaters::new(Some(0));
    let large = patch(&noise(10 * COMPRESSED_AT_A_TIME_BYTES));
    let next = patch(&"b".repeat(3000));
    tokio::select! {
        biased;
        _ = home.message(large.clone()) => panic!("it takes more than one turn"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(home.message(next.clone()).await, message(&next));
    assert_eq!(home.lock().len(), 1);
}
