use alloc::string::ToString;
use alloc::vec::Vec;

use lightspeed_protocol::msgpack::Raw;
use lightspeed_protocol::recording::Record;
use proptest::prelude::*;

use super::*;

fn start(format: u32) -> Record<'static> {
    Record::Start {
        format,
        protocol: 1,
        build: "abc",
        component: "shop::Cart",
        seed: 7,
        started: "2026-01-02T03:04:05Z",
        html: "<p>0</p>",
        state: Some(b"state"),
        is_redacted: false,
        is_stored: false,
    }
}

fn file(records: &[Record<'_>]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for (index, record) in (0..).zip(records) {
        bytes.extend(record.encode(Timestamp(index * 10)).expect("it is small"));
    }
    bytes
}

fn whole() -> Vec<u8> {
    file(&[
        start(FORMAT_VERSION),
        Record::Join { session: 1, mode: 0, applied: 0, settled: 0 },
        Record::Server { templates: Raw::new(&[0x90]), frame: &[0x93, 1, 4, 9] },
        Record::Client { frame: &[0x93, 1, 3, 1] },
        Record::Message { state: None },
        Record::Detach {},
        Record::Restart { state: Some(b"again") },
        Record::Timeout {},
        Record::Closed { reason: 8 },
    ])
}

#[track_caller]
fn check_error(bytes: &[u8], offset: usize, fault: RecordingFault, text: &str) {
    let error = Recording::read(bytes).expect_err("it is no recording");
    assert_eq!(error, RecordingError { offset, fault });
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let bytes = whole();
    let recording = Recording::read(&bytes).expect("it is whole");
    assert_eq!(recording.start.component, "shop::Cart");
    assert_eq!(recording.start.state, Some(&b"state"[..]));
    assert_eq!(recording.cut, None);
    let names: Vec<_> = recording.entries.iter().map(|entry| entry.record.name()).collect();
    let expected = ["join", "server", "client", "message", "detach", "restart", "timeout", "closed"];
    assert_eq!(names, expected);
    let mut again = MAGIC.to_vec();
    again.extend(start(FORMAT_VERSION).encode(Timestamp(0)).expect("it is small"));
    for entry in &recording.entries {
        assert_eq!(entry.offset, again.len());
        again.extend(entry.record.encode(entry.at).expect("it is small"));
        assert_eq!(entry.offset + entry.byte_count, again.len());
    }
    assert_eq!(again, bytes);
}

#[test]
fn a_file_that_is_cut_anywhere_is_read_up_to_its_last_whole_record() {
    let bytes = whole();
    let all = Recording::read(&bytes).expect("it is whole");
    let first = all.entries[0].offset;
    for end in 0..bytes.len() {
        let read = Recording::read(&bytes[..end]);
        if end < first {
            let error = read.expect_err("its start is missing");
            let expected = if end == 0 { RecordingFault::NoRecording } else { RecordingFault::NoStart };
            assert_eq!(error.fault, expected, "cut at {end}");
            continue;
        }
        let read = read.unwrap_or_else(|error| panic!("cut at {end}: {error}"));
        let whole_count = all.entries.iter().filter(|entry| entry.offset + entry.byte_count <= end).count();
        assert_eq!(read.entries, all.entries[..whole_count], "cut at {end}");
        let last = read.entries.last().map_or(first, |entry| entry.offset + entry.byte_count);
        assert_eq!(read.cut, (last < end).then_some(last), "cut at {end}");
    }
}

#[test]
fn a_byte_that_was_changed_anywhere_is_found() {
    let bytes = whole();
    let all = Recording::read(&bytes).expect("it is whole");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        // A length that was changed may reach beyond the end, where it is taken for a cut.
        if let Ok(read) = Recording::read(&changed) {
            let cut = read.cut.unwrap_or_else(|| panic!("byte {at} goes unnoticed"));
            assert!(cut <= at && read.entries.len() < all.entries.len(), "byte {at}");
        }
    }
}

#[test]
fn an_error_tells_where_and_what() {
    let text = "expected the magic of a recording at byte 0";
    check_error(b"<!doctype html>", 0, RecordingFault::NoRecording, text);
    // A transfer as text has rewritten the line end.
    let text = "expected the magic of a recording at byte 4";
    check_error(b"\x89LSR\n\x1a\n..", 4, RecordingFault::NoRecording, text);
    let text = "expected a whole first record at byte 8";
    check_error(&MAGIC, 8, RecordingFault::NoStart, text);
    let text = "expected version 1 of the format and not 2 at byte 8";
    check_error(&file(&[start(2)]), 8, RecordingFault::Format(2), text);
    let text = "expected one start, as the first record, at byte 8";
    check_error(&file(&[Record::Detach {}]), 8, RecordingFault::MisplacedStart, text);

    let ended = file(&[start(1), Record::Truncated {}]);
    let twice = file(&[start(1), start(1)]);
    let at = file(&[start(1)]).len();
    let text = alloc::format!("expected one start, as the first record, at byte {at}");
    check_error(&twice, at, RecordingFault::MisplacedStart, &text);

    let more = [&ended[..], &Record::Detach {}.encode(Timestamp(9)).expect("it is small")].concat();
    let text = alloc::format!("expected the end after the last record at byte {}", ended.len());
    check_error(&more, ended.len(), RecordingFault::AfterEnd, &text);

    let mut damaged = ended.clone();
    *damaged.last_mut().expect("it has bytes") ^= 1;
    let text = alloc::format!("expected the checksum of the record at byte {at}");
    check_error(&damaged, at, RecordingFault::Damaged, &text);

    let long = [&file(&[start(1)])[..], &[0xff; 8]].concat();
    let text =
        alloc::format!("expected a record's length from 1 to 12582912 and not 4294967295 at byte {at}");
    check_error(&long, at, RecordingFault::Length(u32::MAX), &text);

    // [5, 0] has no time that is a number: its second value is nil.
    let body = [0x92, 5, 0xc0];
    let odd = [&file(&[start(1)])[..], &[0, 0, 0, 3], &checksum(&body).to_be_bytes(), &body].concat();
    let text = alloc::format!("expected an unsigned integer at byte {}", at + HEAD_BYTES + 2);
    check_error(&odd, at + HEAD_BYTES + 2, RecordingFault::Decode(Expected::Uint), &text);
}

#[test]
fn a_newer_format_is_named_whatever_stands_in_its_start() {
    let body = [0x94, 0, 0, 9, 0xc0];
    let file = [&MAGIC[..], &[0, 0, 0, 5], &checksum(&body).to_be_bytes(), &body].concat();
    let text = "expected version 1 of the format and not 9 at byte 8";
    check_error(&file, 8, RecordingFault::Format(9), text);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Recording::read(&bytes);
        let _ = Record::decode(&bytes);
        let _ = Recording::read(&[&MAGIC[..], &bytes].concat());
    }

    #[test]
    fn arbitrary_records_with_true_checksums_never_panic(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8),
    ) {
        let mut bytes = file(&[start(FORMAT_VERSION)]);
        for body in bodies {
            bytes.extend(u32::try_from(body.len()).expect("it is short").to_be_bytes());
            bytes.extend(checksum(&body).to_be_bytes());
            bytes.extend(body);
        }
        if let Ok(recording) = Recording::read(&bytes) {
            for entry in &recording.entries {
                let _ = entry.record.to_string();
            }
        }
    }

    #[test]
    fn a_whole_file_with_bytes_changed_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = whole();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Recording::read(&bytes);
    }
}
