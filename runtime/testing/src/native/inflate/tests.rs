use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::limits::{INFLATE_RATIO_MAX, OUTBOUND_FRAME_BYTES_MAX};
use lightspeed_protocol::message::SizeError;

use super::{InflateError, inflated};

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A message that claims to be of `size` bytes.
fn message(size: usize, deflated: &[u8]) -> Vec<u8> {
    [&u32::try_from(size).expect("a size").to_be_bytes()[..], deflated].concat()
}

#[test]
fn a_frame_comes_as_it_was() {
    let plain = ServerFrame::Ack { ack: 5 }.encode(1);
    assert_eq!(inflated(&plain).expect("a frame").as_ref(), plain);
    let large = ServerFrame::Refused { seq: 1, reason: 1, message: &"no ".repeat(1000) }.encode(1);
    let small = message(large.len(), &deflated(&large));
    assert!(small.len() < 100);
    assert_eq!(inflated(&small).expect("a frame").as_ref(), large);
}

#[test]
fn a_bomb_is_refused_whatever_it_claims() {
    let bomb = deflated(&vec![0; 4 * OUTBOUND_FRAME_BYTES_MAX]);
    assert!(bomb.len() < 40_000, "{} bytes", bomb.len());
    let honest = inflated(&message((1 << 24) - 1, &bomb)).expect_err("it is too large");
    let max = OUTBOUND_FRAME_BYTES_MAX;
    assert_eq!(honest, InflateError::Size(SizeError { claimed: (1 << 24) - 1, max }));
    for claimed in [0, 1, 1000, max] {
        let lie = inflated(&message(claimed, &bomb)).expect_err("it holds more");
        assert_eq!(lie, InflateError::More { claimed });
    }
    assert_eq!(
        inflated(&message(1000, &bomb)).expect_err("it holds more").to_string(),
        "a compressed frame holds more than the 1000 bytes that it claims"
    );
}

#[test]
fn a_few_bytes_claim_no_room() {
    let claim = inflated(&message(OUTBOUND_FRAME_BYTES_MAX, &[3, 0])).expect_err("it cannot be");
    let max = 2 * INFLATE_RATIO_MAX;
    assert_eq!(claim, InflateError::Size(SizeError { claimed: OUTBOUND_FRAME_BYTES_MAX, max }));
}

#[test]
fn what_is_cut_short_trailed_or_no_deflate_is_refused() {
    let text = b"one two three four five six seven eight nine ten".repeat(20);
    let whole = deflated(&text);
    let claimed = text.len();
    assert!(matches!(
        inflated(&message(claimed, &whole[..whole.len() / 2])),
        Err(InflateError::Fewer { claimed: 960, received: 0..960 })
    ));
    assert_eq!(
        inflated(&message(claimed + 1, &whole)),
        Err(InflateError::Fewer { claimed: 961, received: 960 })
    );
    let trailed = [&whole[..], &[0, 0]].concat();
    let length = trailed.len();
    assert_eq!(
        inflated(&message(claimed, &trailed)),
        Err(InflateError::Trailed { offset: length - 2, length })
    );
    assert_eq!(inflated(&message(100, &[0xff; 10])), Err(InflateError::Corrupt { received: 0 }));
}
