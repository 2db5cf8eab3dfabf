//! Bytes as everything that the wire carries: never a panic, and what decodes encodes to
//! something that decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::isa::{Disassembly, ProgramReader, ProgramWriter};
use lightspeed_protocol::limits;
use lightspeed_protocol::message;
use lightspeed_protocol::msgpack::{Raw, Reader, Writer};
use lightspeed_protocol::template::{SlotRef, SlotShape, read_slots, write_slots};

/// The laws of a frame's codec. Numbers and heads have a shortest form, and the writer writes it:
/// what it writes is never longer than what was read, and stays as it is from then on.
macro_rules! frame {
    ($frame:ident, $bytes:expr) => {
        if let Ok((session, frame)) = $frame::decode($bytes) {
            let _ = frame.to_string();
            let encoded = frame.encode(session);
            assert!(encoded.len() <= $bytes.len(), "{frame}");
            let (session_again, again) = $frame::decode(&encoded).expect("what was written is read");
            assert_eq!((session_again, again.code()), (session, frame.code()));
            assert_eq!(again.encode(session), encoded, "{frame}");
            Some(frame)
        } else {
            None
        }
    };
}

fuzz_target!(|bytes: &[u8]| {
    frame!(ClientFrame, bytes);
    match frame!(ServerFrame, bytes) {
        Some(ServerFrame::Patch { program, .. } | ServerFrame::Snapshot { program, .. }) => {
            check_program(program);
        }
        Some(ServerFrame::Template { slots, .. }) => check_slots(slots.reader()),
        _ => {}
    }
    check_message(bytes);
    check_values(bytes);
    check_program(Raw::new(bytes));
    check_slots(Reader::new(bytes));
});

/// A message is a frame or a compressed one of a size that there may be room for, never both.
fn check_message(bytes: &[u8]) {
    match message::read(bytes) {
        Ok(message::Message::Frame(frame)) => assert_eq!(frame, bytes),
        Ok(message::Message::Compressed { size, deflated }) => {
            assert!(size <= limits::OUTBOUND_FRAME_BYTES_MAX && size <= deflated.len() * limits::INFLATE_RATIO_MAX);
            assert_eq!(message::head(size).map(|head| [&head[..], deflated].concat()), Some(bytes.to_vec()));
            assert!(ServerFrame::decode(bytes).is_err());
        }
        Err(error) => assert!(error.claimed > error.max),
    }
}

/// Every reading of a value agrees with the reading that only skips it.
fn check_values(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    while !reader.is_at_end() {
        let start = reader.offset();
        let mut others = [(); 6].map(|()| reader.clone());
        let raw = reader.raw();
        let ends = [
            others[0].uint().is_ok(),
            others[1].bool().is_ok(),
            others[2].str().is_ok(),
            others[3].bin().is_ok(),
            others[4].text().is_ok(),
            others[5].payload().is_ok(),
        ];
        for (other, is_read) in others.iter().zip(ends) {
            assert!(other.offset() <= bytes.len());
            if is_read {
                let raw = raw.expect("a value that is read can be skipped");
                assert_eq!(other.offset(), start + raw.bytes.len());
            }
        }
        match raw {
            Ok(raw) => {
                assert!(!raw.bytes.is_empty(), "a value takes bytes");
                assert_eq!(raw.bytes, &bytes[start..start + raw.bytes.len()]);
            }
            Err(error) => {
                assert!(error.offset() >= start && error.offset() <= bytes.len(), "{error}");
                return;
            }
        }
    }
}

fn check_program(program: Raw<'_>) {
    let _ = Disassembly(program).to_string();
    let Ok(mut reader) = ProgramReader::new(program) else { return };
    let mut writer = ProgramWriter::new();
    let mut ops = Vec::new();
    while let Ok(op) = reader.next_op() {
        let Some((_, op)) = op else {
            let encoded = writer.finish();
            let mut again = ProgramReader::new(Raw::new(&encoded)).expect("what was written is read");
            for op in &ops {
                let read = again.next_op().expect("what was written is read");
                assert_eq!(read.map(|(_, op)| op.to_string()).as_ref(), Some(op));
            }
            assert_eq!(again.next_op(), Ok(None));
            return;
        };
        writer.push(&op);
        ops.push(op.to_string());
    }
}

fn check_slots(mut reader: Reader<'_>) {
    let Ok(slots) = read_slots(&mut reader) else { return };
    assert!(slots.len() <= limits::TEMPLATE_SLOTS_MAX as usize);
    let paths: Option<Vec<Vec<u16>>> =
        slots.iter().map(|slot| slot.path.iter().map(|step| u16::try_from(*step).ok()).collect()).collect();
    // A server's templates have no element with so many children, and no type for them.
    let Some(paths) = paths else { return };
    let refs = slots.iter().zip(&paths).map(|(slot, path)| {
        let SlotShape { kind, name, event, templates, .. } = slot;
        assert!(path.len() <= limits::TEMPLATE_DEPTH_MAX as usize);
        SlotRef { path, kind: *kind, name, event: *event, templates: templates.clone() }
    });
    let mut writer = Writer::new();
    write_slots(refs, &mut writer);
    assert_eq!(read_slots(&mut Reader::new(writer.as_bytes())), Ok(slots));
}
