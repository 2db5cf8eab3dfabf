use alloc::string::ToString;
use alloc::vec;

use super::*;

/// One record of each kind.
fn every_kind(templates: &[u8]) -> [Record<'_>; 12] {
    [
        Record::Start {
            format: FORMAT_VERSION,
            protocol: 1,
            build: "abc",
            component: "shop::Cart",
            seed: 7,
            started: "2026-01-02T03:04:05Z",
            html: "<p>0</p>",
            state: Some(&[1, 2]),
            is_redacted: true,
            is_stored: true,
        },
        Record::Join { session: 1, mode: 0, applied: 0, settled: 3 },
        Record::Client { frame: &[0x94, 1, 3, 1, 0] },
        Record::Server { templates: Raw::new(templates), frame: &[0x93, 1, 4, 9] },
        Record::Asked { effects: Raw::new(&[0x93, 0x03, 0xa0, 0xa1, b'x']) },
        Record::Message { state: None },
        Record::Detach {},
        Record::Restart { state: Some(&[]) },
        Record::Timeout {},
        Record::Closed { reason: CloseReason::Left.code() },
        Record::Truncated {},
        Record::Stored { generation: 7 },
    ]
}

fn templates() -> Vec<u8> {
    let mut writer = Writer::new();
    write_templates(&[vec![1, 2, 3], vec![]], &mut writer);
    writer.into_bytes()
}

#[test]
fn every_kind_is_read_as_it_was_written() {
    let templates = templates();
    let records = every_kind(&templates);
    assert_eq!(records.len(), Record::TABLE.len());
    for record in records {
        let bytes = record.encode(Timestamp(250)).expect("it is small");
        let (head, body) = bytes.split_at(HEAD_BYTES);
        assert_eq!(head[..4], u32::try_from(body.len()).expect("it is small").to_be_bytes());
        assert_eq!(head[4..], checksum(body).to_be_bytes());
        let (at, read) = Record::decode(body).expect("it was just written");
        assert_eq!(at, Timestamp(250));
        // A raw value knows where it stood, so that values are compared as bytes.
        assert_eq!(read.encode(at), Some(bytes));
    }
}

#[test]
fn a_record_that_is_cut_is_malformed() {
    let templates = templates();
    for record in every_kind(&templates) {
        let bytes = record.encode(Timestamp(1)).expect("it is small");
        for end in HEAD_BYTES..bytes.len() {
            assert!(Record::decode(&bytes[HEAD_BYTES..end]).is_err(), "{record} at {end}");
        }
        let longer = [&bytes[HEAD_BYTES..], &[0xc0]].concat();
        assert!(Record::decode(&longer).is_err(), "{record} with a byte behind it");
    }
}

#[test]
fn a_record_of_the_largest_size_is_the_last_that_fits() {
    let frame = vec![0; limits::RECORD_BYTES_MAX];
    assert_eq!(Record::Client { frame: &frame }.encode(Timestamp(0)), None);
    // An array's head, the kind, the time and a binary's head.
    let frame = &frame[..limits::RECORD_BYTES_MAX - 1 - 1 - 1 - 5];
    assert!(Record::Client { frame }.encode(Timestamp(0)).is_some());
}

#[test]
fn the_templates_of_a_frame_are_listed() {
    let templates = templates();
    let frames: Result<Vec<_>, _> = Record::template_frames(Raw::new(&templates)).collect();
    assert_eq!(frames, Ok(vec![&[1_u8, 2, 3][..], &[]]));
    // [bin, 5]
    let mut frames = Record::template_frames(Raw::new(&[0x92, 0xc4, 0, 5]));
    assert_eq!(frames.next(), Some(Ok(&[][..])));
    assert_eq!(frames.next(), Some(Err(DecodeError::new(3, Expected::Bin))));
    assert_eq!(frames.next(), None);
}

#[test]
fn a_record_is_shown_by_what_it_says() {
    let templates = templates();
    let shown: Vec<_> = every_kind(&templates).iter().map(ToString::to_string).collect();
    let expected = [
        "start \"shop::Cart\" page of 8 bytes state of 2 bytes",
        "join 1 0 0 3",
        "client ack 1 0",
        "server ack 9",
        "asked",
        "message without a state",
        "detach",
        "restart state of 0 bytes",
        "timeout",
        "closed left",
        "truncated",
        "stored 7",
    ];
    assert_eq!(shown, expected);
}
