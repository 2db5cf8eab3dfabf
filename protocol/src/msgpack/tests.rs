#![allow(clippy::unwrap_used, reason = "a test")]

use alloc::string::String;
use alloc::{format, vec};

use proptest::prelude::*;

use super::*;

extern crate std;

fn independent(bytes: &[u8]) -> rmpv::Value {
    let mut rest = bytes;
    let value = rmpv::decode::read_value(&mut rest).unwrap();
    assert!(rest.is_empty());
    value
}

#[test]
fn integers_take_their_shortest_form() {
    let edges =
        [0, 1, 127, 128, 255, 256, 65_535, 65_536, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX];
    let sizes = [1, 1, 1, 2, 2, 3, 3, 5, 5, 9, 9];
    for (value, size) in edges.into_iter().zip(sizes) {
        let mut writer = Writer::new();
        writer.uint(value);
        assert_eq!(writer.len(), size, "{value}");
        assert_eq!(independent(writer.as_bytes()), rmpv::Value::from(value));
        assert_eq!(Reader::new(writer.as_bytes()).uint(), Ok(value));
    }
}

#[test]
fn strings_binaries_and_arrays_are_read_by_others() {
    for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let text = "x".repeat(length);
        let mut writer = Writer::new();
        writer.array(3);
        writer.str(&text);
        writer.bin(text.as_bytes());
        writer.array(length);
        for _ in 0..length {
            writer.nil();
        }
        let expected = rmpv::Value::Array(vec![
            rmpv::Value::from(text.as_str()),
            rmpv::Value::Binary(text.clone().into_bytes()),
            rmpv::Value::Array(vec![rmpv::Value::Nil; length]),
        ]);
        assert_eq!(independent(writer.as_bytes()), expected);

        let mut reader = Reader::new(writer.as_bytes());
        assert_eq!(reader.array(), Ok(3));
        assert_eq!(reader.str(), Ok(text.as_str()));
        assert_eq!(reader.bin(), Ok(text.as_bytes()));
        assert_eq!(reader.array().map(|count| count as usize), Ok(length));
    }
}

#[test]
fn longer_forms_than_needed_are_read_too() {
    assert_eq!(Reader::new(&[0xcf, 0, 0, 0, 0, 0, 0, 0, 5]).uint(), Ok(5));
    assert_eq!(Reader::new(&[0xdb, 0, 0, 0, 1, b'a']).str(), Ok("a"));
    assert_eq!(Reader::new(&[0xdd, 0, 0, 0, 1, 0xc0]).array(), Ok(1));
}

#[test]
fn an_error_says_what_and_where() {
    let check = |bytes: &[u8], read: fn(&mut Reader<'_>) -> Result<(), DecodeError>, message: &str| {
        let mut reader = Reader::new(bytes);
        reader.bool().unwrap();
        assert_eq!(format!("{}", read(&mut reader).unwrap_err()), message);
    };
    check(&[0xc3, 0xa1], |reader| reader.str().map(drop), "expected more bytes at byte 2");
    check(&[0xc3, 0xc0], |reader| reader.str().map(drop), "expected a UTF-8 string at byte 1");
    check(&[0xc3, 0xa1, 0xff], |reader| reader.str().map(drop), "expected a UTF-8 string at byte 1");
    check(&[0xc3, 0xd0, 0x01], |reader| reader.uint().map(drop), "expected an unsigned integer at byte 1");
    check(
        &[0xc3, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0],
        |reader| reader.uint32().map(drop),
        "expected an unsigned integer below 2^32 at byte 1",
    );
    check(
        &[0xc3, 0xdd, 0xff, 0xff, 0xff, 0xff],
        |reader| reader.array().map(drop),
        "expected more bytes at byte 1",
    );
    check(
        &[0xc3, 0xca, 0, 0, 0, 0],
        |reader| reader.raw().map(drop),
        "expected a type that the wire uses at byte 1",
    );
    check(&[0xc3, 0x01], |reader| reader.end(), "expected the end at byte 1");
}

#[test]
fn a_part_of_a_frame_reports_offsets_in_the_frame() {
    let bytes = [0x92, 0x05, 0x92, 0x01, 0xc1];
    let mut reader = Reader::new(&bytes[..4]);
    reader.array().unwrap();
    reader.uint().unwrap();
    let inner = Raw { bytes: &bytes[2..], offset: 2 };
    let mut inner = inner.reader();
    inner.array().unwrap();
    inner.uint().unwrap();
    assert_eq!(inner.uint().unwrap_err().offset(), 4);
}

#[test]
fn an_unread_value_is_measured_and_its_strings_are_read_once() {
    // Of each kind one, in an array; the string is not UTF-8.
    let bytes =
        [0x98, 0xc0, 0xc3, 0x7f, 0xcd, 1, 2, 0xa1, 0xff, 0xd9, 1, b'a', 0xc4, 2, 0, 0, 0x91, 0x90, 0xc0];
    let mut reader = Reader::new(&bytes);
    let mut inner = reader.raw().unwrap().reader();
    assert_eq!(reader.offset(), 18);
    inner.array().unwrap();
    assert!(inner.nil());
    assert!(inner.bool().unwrap());
    assert_eq!((inner.uint().unwrap(), inner.uint().unwrap()), (127, 258));
    assert_eq!(format!("{}", inner.str().unwrap_err()), "expected a UTF-8 string at byte 7");

    for end in 1..18 {
        assert!(Reader::new(&bytes[..end]).raw().is_err(), "{end} bytes");
    }
}

#[test]
fn nesting_has_a_bound() {
    let mut deep = vec![0x91; limits::VALUE_DEPTH_MAX];
    deep.push(0xc0);
    assert!(Reader::new(&deep).raw().is_ok());
    deep.insert(0, 0x91);
    assert_eq!(Reader::new(&deep).raw().unwrap_err().expected(), Expected::Depth);
}

#[test]
fn a_number_stands_for_its_decimal_text_and_no_other() {
    for text in ["0", "1", "42", "4294967295"] {
        assert!(matches!(Text::new(text), Text::Number(_)), "{text}");
    }
    for text in ["", "00", "01", "-1", "+1", "1 ", " 1", "1.0", "4294967296", "99999999999", "１"] {
        assert_eq!(Text::new(text), Text::Str(text));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut reader = Reader::new(&bytes);
        while let Ok(raw) = reader.raw() {
            prop_assert_eq!(raw.offset + raw.bytes.len(), reader.offset());
            if reader.is_at_end() {
                break;
            }
        }
    }

    #[test]
    fn texts_come_back(text in "\\PC{0,300}|[0-9]{1,11}") {
        let mut writer = Writer::new();
        writer.text(Text::new(&text));
        let back = match Reader::new(writer.as_bytes()).text().unwrap().unwrap() {
            Text::Str(text) => String::from(text),
            Text::Number(number) => format!("{number}"),
        };
        prop_assert_eq!(back, text);
    }
}
