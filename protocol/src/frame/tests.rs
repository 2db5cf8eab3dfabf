#![allow(clippy::unwrap_used, reason = "a test")]

use alloc::vec;

use proptest::prelude::*;

use super::*;

const EMPTY: Raw<'static> = Raw::new(&[0x90]);

fn client_frames() -> Vec<(u32, ClientFrame<'static>)> {
    vec![
        (
            0,
            ClientFrame::Hello {
                protocol: 1,
                build: "b",
                templates: Raw::new(&[0x92, 0x01, 0xcd, 0x01, 0x00]),
            },
        ),
        (1, ClientFrame::Join { token: "t", mode: 1, applied: 1 << 40, settled: 3 }),
        (
            70_000,
            ClientFrame::Event {
                ack: 9,
                seq: 3,
                behind: 1,
                instance: 300,
                slot: 2,
                payload: Payload::Text("é"),
            },
        ),
        (1, ClientFrame::Ack { ack: 0, behind: 0 }),
        (1, ClientFrame::Leave {}),
        (1, ClientFrame::Resync { ack: 7 }),
        (0, ClientFrame::Ping {}),
    ]
}

fn server_frames() -> Vec<(u32, ServerFrame<'static>)> {
    vec![
        (
            0,
            ServerFrame::Welcome {
                protocol: 1,
                build: "b",
                heartbeat_ms: 15_000,
                event_bytes_max: 1_048_576,
            },
        ),
        (1, ServerFrame::Joined { ack: 4, token: "next" }),
        (1, ServerFrame::Patch { ack: 4, version: 5, program: Raw::new(&[0x93, 0x0a, 0x01, 0x02]) }),
        (1, ServerFrame::Snapshot { ack: 4, version: 5, program: EMPTY }),
        (1, ServerFrame::Ack { ack: 4 }),
        (1, ServerFrame::Refused { seq: 4, reason: 1, message: "" }),
        (0, ServerFrame::Pong {}),
        (1, ServerFrame::Close { reason: 9, message: "forged-place", retry_ms: 0 }),
        (
            0,
            ServerFrame::Template { fingerprint: u32::MAX, namespace: 1, roots: 2, html: None, slots: EMPTY },
        ),
    ]
}

#[test]
fn every_frame_comes_back_and_is_read_by_others() {
    assert_eq!(client_frames().len(), ClientFrame::TABLE.len());
    assert_eq!(server_frames().len(), ServerFrame::TABLE.len());
    for (session, frame) in client_frames() {
        let bytes = frame.encode(session);
        assert_eq!(
            ClientFrame::decode(&bytes).map(|(number, back)| (number, back.encode(number))),
            Ok((session, bytes.clone()))
        );
        check_independently(&bytes, session, frame.code());
    }
    for (session, frame) in server_frames() {
        let bytes = frame.encode(session);
        assert_eq!(
            ServerFrame::decode(&bytes).map(|(number, back)| (number, back.encode(number))),
            Ok((session, bytes.clone()))
        );
        check_independently(&bytes, session, frame.code());
    }
}

fn check_independently(bytes: &[u8], session: u32, code: u32) {
    let mut rest = bytes;
    let value = rmpv::decode::read_value(&mut rest).unwrap();
    assert!(rest.is_empty());
    let values = value.as_array().unwrap();
    assert_eq!(values[0], rmpv::Value::from(session));
    assert_eq!(values[1], rmpv::Value::from(code));
}

#[test]
fn the_values_of_an_event_are_where_the_specification_has_them() {
    let (session, frame) = client_frames().swap_remove(2);
    let bytes = frame.encode(session);
    let value = rmpv::decode::read_value(&mut &bytes[..]).unwrap();
    let expected =
        [70_000, 2, 9, 3, 1, 300, 2].map(rmpv::Value::from).into_iter().chain([rmpv::Value::from("é")]);
    assert_eq!(value, rmpv::Value::Array(expected.collect()));
}

#[test]
fn truncated_and_trailed_frames_are_refused() {
    for (session, frame) in client_frames() {
        let mut bytes = frame.encode(session);
        for length in 0..bytes.len() {
            assert!(ClientFrame::decode(&bytes[..length]).is_err());
        }
        bytes.push(0xc0);
        assert_eq!(ClientFrame::decode(&bytes).unwrap_err().expected(), Expected::End);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_offset() {
    let error = |bytes: &[u8]| ClientFrame::decode(bytes).unwrap_err();
    assert_eq!(error(&[0x92, 0x01, 0x63]), DecodeError::new(2, Expected::FrameKind));
    assert_eq!(error(&[0x93, 0x01, 0x03, 0xa0]), DecodeError::new(3, Expected::Uint));
    assert_eq!(error(&[0x95, 0x01, 0x03, 0x01, 0x01, 0x01]), DecodeError::new(0, Expected::Length));
    assert_eq!(error(b"GET / HTTP"), DecodeError::new(0, Expected::Array));
    assert_eq!(
        error(&vec![0xc0; limits::EVENT_BYTES_CEILING + limits::FRAME_HEAD_BYTES_MAX + 1]).expected(),
        Expected::End
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_frame_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok((session, frame)) = ClientFrame::decode(&bytes) {
            prop_assert!(ClientFrame::decode(&frame.encode(session)).is_ok());
        }
        let _ = ServerFrame::decode(&bytes);
    }

    #[test]
    fn a_frame_with_a_wrong_byte_never_panics(which in 0usize..9, at in 0usize..32, byte in any::<u8>()) {
        let (session, frame) = server_frames().swap_remove(which);
        let mut bytes = frame.encode(session);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = ServerFrame::decode(&bytes);
    }
}
