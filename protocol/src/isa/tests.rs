#![allow(clippy::unwrap_used, reason = "a test")]

use alloc::format;
use alloc::vec::Vec;

use super::*;

fn sample() -> Vec<u8> {
    let mut program = ProgramWriter::new();
    program.push(&Op::Text { at: 1, slot: 2, text: Text::new("42") });
    program.push(&Op::Splice { at: 1, slot: 2, start: 3, delete: 1, insert: "é\n" });
    program.push(&Op::Content { at: 300, slot: 0, content: None });
    let items = [0x93, 0x01, 0xa1, b'a', 0x92, 0xc2, 0xc4, 0x01, b'<'];
    program.push(&Op::Insert { at: 1, slot: 0, before: 0, items: Raw::new(&items[..]) });
    program.finish()
}

#[test]
fn a_disassembly_is_a_line_for_each_instruction() {
    let program = sample();
    let expected = "text 1 2 42\n\
                    splice 1 2 3 1 \"é\\n\"\n\
                    content 300 0 nil\n\
                    insert 1 0 0 [1, \"a\", [false, html\"<\"]]\n";
    assert_eq!(format!("{}", Disassembly(Raw::new(&program))), expected);
}

#[test]
fn a_program_that_is_cut_short_says_where() {
    let program = sample();
    for length in 0..program.len() {
        let mut reader = match ProgramReader::new(Raw::new(&program[..length])) {
            Ok(reader) => reader,
            Err(error) => {
                assert_eq!(error.expected(), Expected::Bytes);
                continue;
            }
        };
        let error = loop {
            match reader.next_op() {
                Ok(Some(_)) => {}
                Ok(None) => unreachable!("the end is missing"),
                Err(error) => break error,
            }
        };
        assert!(error.offset() <= length);
    }
}

#[test]
fn unknown_opcodes_and_halves_of_instructions_are_refused() {
    let unknown = [0x91, 0x63];
    let error = ProgramReader::new(Raw::new(&unknown)).unwrap().next_op().unwrap_err();
    assert_eq!((error.offset(), error.expected()), (1, Expected::Opcode));
    let half = [0x92, 0x01, 0x01];
    let error = ProgramReader::new(Raw::new(&half)).unwrap().next_op().unwrap_err();
    assert_eq!((error.offset(), error.expected()), (1, Expected::Length));
}

#[test]
fn codes_and_names_are_unique() {
    for (index, row) in Op::TABLE.iter().enumerate() {
        for other in &Op::TABLE[..index] {
            assert!(row.code != other.code && row.name != other.name, "{row:?}");
        }
        assert!(!row.meaning.is_empty());
    }
}
