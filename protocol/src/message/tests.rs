use alloc::string::ToString;
use alloc::vec::Vec;

use super::{HEAD_BYTES, Message, SizeError, head, read};
use crate::frame::ServerFrame;
use crate::limits::{INFLATE_RATIO_MAX, OUTBOUND_FRAME_BYTES_MAX};

#[test]
fn a_frame_is_taken_as_it_is() {
    for frame in [ServerFrame::Pong {}.encode(0), ServerFrame::Ack { ack: 70_000 }.encode(70_000), Vec::new()]
    {
        assert_eq!(read(&frame), Ok(Message::Frame(&frame)));
    }
}

#[test]
fn no_frame_begins_like_a_compressed_one() {
    for (session, frame) in [(0, ServerFrame::Pong {}), (u32::MAX, ServerFrame::Ack { ack: u64::MAX })] {
        assert_ne!(frame.encode(session)[0], 0);
    }
    assert_eq!(head(OUTBOUND_FRAME_BYTES_MAX).map(|head| head[0]), Some(0));
}

#[test]
fn a_size_comes_back() {
    for size in [0, 1, 255, 22_828, OUTBOUND_FRAME_BYTES_MAX] {
        let mut message = head(size).expect("a frame's size").to_vec();
        message.resize(HEAD_BYTES + size.div_ceil(INFLATE_RATIO_MAX), 7);
        assert_eq!(read(&message), Ok(Message::Compressed { size, deflated: &message[HEAD_BYTES..] }));
    }
    assert_eq!(head(OUTBOUND_FRAME_BYTES_MAX + 1), None);
}

#[test]
fn more_than_a_frame_may_have_is_an_error_before_there_is_room_for_it() {
    let mut message = u32::try_from(OUTBOUND_FRAME_BYTES_MAX + 1).expect("it fits").to_be_bytes().to_vec();
    message.resize(64 * 1024, 0);
    let error = SizeError { claimed: OUTBOUND_FRAME_BYTES_MAX + 1, max: OUTBOUND_FRAME_BYTES_MAX };
    assert_eq!(read(&message), Err(error));
}

#[test]
fn more_than_the_bytes_can_give_is_an_error() {
    let mut message = head(8 * 1024 * 1024).expect("a frame's size").to_vec();
    message.extend([0; 10]);
    let error = read(&message).expect_err("ten bytes are no eight million");
    assert_eq!(
        error.to_string(),
        "a compressed frame claims to be of 8388608 bytes; it can be of 10320 at most"
    );
}
