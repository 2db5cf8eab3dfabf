//! A reader and a writer for the subset of [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md)
//! that the wire uses: nil, booleans, unsigned integers, strings, binaries and arrays.
//!
//! Written by hand because the reader is part of the browser client; see
//! `adr/0003-hand-read-messagepack-in-the-client.md`.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use crate::limits;

/// How many faults an error keeps: one, and none in the browser client. That does the same whatever is wrong, and code
/// that finds it out and hands it on is a part of what every page loads. The native client and the tools read the same
/// frames and tell.
pub const FAULTS_KEPT: usize = if cfg!(target_arch = "wasm32") { 0 } else { 1 };

/// Bytes that are not what they should be, and where.
///
/// One word that is never 0: every `Result` that carries it is smaller by two words than with its fields. In
/// the browser client, where handing results on is a tenth of the code, it is nothing ([`FAULTS_KEPT`]).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DecodeError([NonZeroU32; FAULTS_KEPT]);

impl DecodeError {
    const OFFSET_MAX: usize = (1 << 24) - 1;

    /// What should stand at `offset`, counted from the start of the frame.
    #[expect(clippy::cast_possible_truncation, reason = "24 bits are left")]
    pub const fn new(offset: usize, expected: Expected) -> Self {
        let offset = if offset > Self::OFFSET_MAX { Self::OFFSET_MAX } else { offset };
        // `Expected` begins at 1: one is taken away and, as what makes it non-zero, added again.
        Self([NonZeroU32::MIN.saturating_add(((offset as u32) << 8) + expected as u32 - 1); FAULTS_KEPT])
    }

    /// The offset of the first byte that is wrong, from the start of the frame; 0 in the browser client.
    pub const fn offset(self) -> usize {
        (self.word() >> 8) as usize
    }

    /// What should stand there; [`Expected::Bytes`] in the browser client.
    pub fn expected(self) -> Expected {
        Expected::ALL[(self.word() & 0xff) as usize - 1]
    }

    const fn word(self) -> u32 {
        match self.0.first() {
            Some(word) => word.get(),
            None => Expected::Bytes as u32,
        }
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeError")
            .field("offset", &self.offset())
            .field("expected", &self.expected())
            .finish()
    }
}

const _: () =
    assert!(limits::OUTBOUND_FRAME_BYTES_MAX <= DecodeError::OFFSET_MAX, "an offset in a frame fits");
const _: () = assert!(size_of::<Option<DecodeError>>() <= 4, "an error and none are told apart in a word");

/// What a reader looked for and did not find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Expected {
    /// More bytes.
    Bytes = 1,
    /// The end.
    End,
    /// Nil.
    Nil,
    /// A boolean.
    Bool,
    /// An unsigned integer.
    Uint,
    /// An unsigned integer below 2^32.
    Uint32,
    /// A string of valid UTF-8.
    Str,
    /// A binary.
    Bin,
    /// An array.
    Array,
    /// A string, an unsigned integer below 2^32, or nil.
    Text,
    /// Nil, a boolean, an unsigned integer or a string.
    Payload,
    /// A type of MessagePack that the wire uses.
    WireType,
    /// An array of another length.
    Length,
    /// A collection within its bound.
    WithinBound,
    /// Fewer arrays in arrays.
    Depth,
    /// An opcode of the instruction set.
    Opcode,
    /// A kind of frame.
    FrameKind,
    /// A kind of slot.
    SlotKind,
    /// A kind of event.
    EventKind,
    /// A code of the table.
    Code,
}

impl Expected {
    /// Every one of them, in the order of their numbers.
    const ALL: &'static [Self] = &[
        Self::Bytes,
        Self::End,
        Self::Nil,
        Self::Bool,
        Self::Uint,
        Self::Uint32,
        Self::Str,
        Self::Bin,
        Self::Array,
        Self::Text,
        Self::Payload,
        Self::WireType,
        Self::Length,
        Self::WithinBound,
        Self::Depth,
        Self::Opcode,
        Self::FrameKind,
        Self::SlotKind,
        Self::EventKind,
        Self::Code,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Bytes => "more bytes",
            Self::End => "the end",
            Self::Nil => "nil",
            Self::Bool => "a boolean",
            Self::Uint => "an unsigned integer",
            Self::Uint32 => "an unsigned integer below 2^32",
            Self::Str => "a UTF-8 string",
            Self::Bin => "a binary",
            Self::Array => "an array",
            Self::Text => "a string, an unsigned integer or nil",
            Self::Payload => "nil, a boolean, an unsigned integer or a string",
            Self::WireType => "a type that the wire uses",
            Self::Length => "an array of another length",
            Self::WithinBound => "a smaller collection",
            Self::Depth => "fewer arrays in arrays",
            Self::Opcode => "an opcode",
            Self::FrameKind => "a kind of frame",
            Self::SlotKind => "a kind of slot",
            Self::EventKind => "a kind of event",
            Self::Code => "a code of the table",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected ")?;
        f.write_str(self.expected().text())?;
        write!(f, " at byte {}", self.offset())
    }
}

impl core::error::Error for DecodeError {}

/// Reads values off bytes, keeping the offset.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What `at` counts from: a reader over a part of a frame reports offsets in the frame.
    base: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, base: 0 }
    }

    /// The offset of the next byte, from the start of the frame.
    pub const fn offset(&self) -> usize {
        self.base + self.at
    }

    /// Whether everything is read.
    pub const fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Checks that everything is read.
    ///
    /// # Errors
    ///
    /// When bytes are left.
    pub fn end(&self) -> Result<(), DecodeError> {
        if self.is_at_end() { Ok(()) } else { Err(self.error(Expected::End)) }
    }

    /// An error at the next byte.
    pub const fn error(&self, expected: Expected) -> DecodeError {
        DecodeError::new(self.offset(), expected)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        if rest.len() < length {
            return Err(DecodeError::new(self.base + self.bytes.len(), Expected::Bytes));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Reads the marker and the number behind it, `length` bytes wide.
    fn wide(&mut self, length: usize) -> Result<u64, DecodeError> {
        let bytes = self.take(1 + length)?;
        Ok(bytes[1..].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Result<usize, DecodeError> {
        let offset = self.offset();
        usize::try_from(self.wide(width)?).map_err(|_| DecodeError::new(offset, Expected::WithinBound))
    }

    /// Reads the head of a string or binary, which begins with `marker`: how many bytes follow.
    fn head(&mut self, marker: u8) -> Result<usize, DecodeError> {
        match marker {
            0xa0..=0xbf => {
                self.at += 1;
                Ok(usize::from(marker & 0x1f))
            }
            0xc4..=0xc6 => self.length(1 << (marker - 0xc4)),
            _ => self.length(1 << (marker - 0xd9)),
        }
    }

    /// Reads an unsigned integer.
    ///
    /// # Errors
    ///
    /// When something else stands there.
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        match self.peek() {
            Some(0x00..=0x7f) => self.wide(0).map(|_| u64::from(self.bytes[self.at - 1])),
            Some(marker @ 0xcc..=0xcf) => self.wide(1 << (marker - 0xcc)),
            Some(_) => Err(self.error(Expected::Uint)),
            None => Err(self.error(Expected::Bytes)),
        }
    }

    /// Reads an unsigned integer below 2^32.
    ///
    /// # Errors
    ///
    /// When something else stands there.
    pub fn uint32(&mut self) -> Result<u32, DecodeError> {
        let error = self.error(Expected::Uint32);
        self.uint().and_then(|number| u32::try_from(number).map_err(|_| error))
    }

    /// Reads a boolean.
    ///
    /// # Errors
    ///
    /// When something else stands there.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.peek() {
            Some(marker @ 0xc2..=0xc3) => {
                self.at += 1;
                Ok(marker == 0xc3)
            }
            Some(_) => Err(self.error(Expected::Bool)),
            None => Err(self.error(Expected::Bytes)),
        }
    }

    /// Reads a nil, if one stands there.
    pub fn nil(&mut self) -> bool {
        let is_nil = self.peek() == Some(0xc0);
        if is_nil {
            self.at += 1;
        }
        is_nil
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// When something else stands there, or bytes that are not UTF-8.
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        let start = self.at;
        let offset = self.offset();
        let length = match self.peek() {
            Some(marker @ (0xa0..=0xbf | 0xd9..=0xdb)) => self.head(marker)?,
            Some(_) => return Err(self.error(Expected::Str)),
            None => return Err(self.error(Expected::Bytes)),
        };
        let bytes = self.take(length).inspect_err(|_| self.at = start)?;
        core::str::from_utf8(bytes).map_err(|_| DecodeError::new(offset, Expected::Str))
    }

    /// Reads a binary.
    ///
    /// # Errors
    ///
    /// When something else stands there.
    pub fn bin(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = match self.peek() {
            Some(marker @ 0xc4..=0xc6) => self.head(marker)?,
            Some(_) => return Err(self.error(Expected::Bin)),
            None => return Err(self.error(Expected::Bytes)),
        };
        self.take(length)
    }

    /// Reads the head of an array: how many values follow.
    ///
    /// # Errors
    ///
    /// When something else stands there, or more values than bytes are left for.
    pub fn array(&mut self) -> Result<u32, DecodeError> {
        let offset = self.offset();
        let length = match self.peek() {
            Some(marker @ 0x90..=0x9f) => {
                self.at += 1;
                usize::from(marker & 0x0f)
            }
            Some(marker @ 0xdc..=0xdd) => self.length(2 << (marker - 0xdc))?,
            Some(_) => return Err(self.error(Expected::Array)),
            None => return Err(self.error(Expected::Bytes)),
        };
        // Each value takes a byte at least, so a head that lies is found before anything is reserved for it.
        if length > self.bytes.len() - self.at {
            return Err(DecodeError::new(offset, Expected::Bytes));
        }
        u32::try_from(length).map_err(|_| DecodeError::new(offset, Expected::WithinBound))
    }

    /// Reads the head of an array of at most `max` values.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`], and when it has more values.
    pub fn array_at_most(&mut self, max: u32) -> Result<u32, DecodeError> {
        let error = self.error(Expected::WithinBound);
        self.array().and_then(|length| if length > max { Err(error) } else { Ok(length) })
    }

    /// Passes over whatever value stands there and returns its bytes. Whoever reads its strings checks that they
    /// are UTF-8.
    ///
    /// # Errors
    ///
    /// When it is cut short, of a type that the wire doesn't use, or nested too deeply.
    pub fn raw(&mut self) -> Result<Raw<'a>, DecodeError> {
        let (start, offset) = (self.at, self.offset());
        // How many values each open array still lacks.
        let mut open = Vec::new();
        loop {
            let marker = self.peek().ok_or_else(|| self.error(Expected::Bytes))?;
            let length = match marker {
                0x90..=0x9f | 0xdc..=0xdd => {
                    let length = self.array()?;
                    if length > 0 {
                        if open.len() == limits::VALUE_DEPTH_MAX {
                            return Err(self.error(Expected::Depth));
                        }
                        open.push(length);
                        continue;
                    }
                    0
                }
                0x00..=0x7f | 0xc0 | 0xc2..=0xc3 => 1,
                0xcc..=0xcf => 1 + (1 << (marker - 0xcc)),
                0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb => self.head(marker)?,
                _ => return Err(self.error(Expected::WireType)),
            };
            if self.bytes.len() - self.at < length {
                return Err(DecodeError::new(self.base + self.bytes.len(), Expected::Bytes));
            }
            self.at += length;
            while let Some(left) = open.last_mut() {
                *left -= 1;
                if *left > 0 {
                    break;
                }
                open.pop();
            }
            if open.is_empty() {
                return Ok(Raw { bytes: &self.bytes[start..self.at], offset });
            }
        }
    }

    /// Reads a string, or an unsigned integer that stands for its decimal text, or nil for no text.
    ///
    /// # Errors
    ///
    /// When something else stands there.
    pub fn text(&mut self) -> Result<Option<Text<'a>>, DecodeError> {
        match self.peek() {
            Some(0xa0..=0xbf | 0xd9..=0xdb) => self.str().map(|text| Some(Text::Str(text))),
            Some(0x00..=0x7f | 0xcc..=0xcf) => self.uint32().map(|number| Some(Text::Number(number))),
            Some(0xc0) => {
                self.at += 1;
                Ok(None)
            }
            Some(_) => Err(self.error(Expected::Text)),
            None => Err(self.error(Expected::Bytes)),
        }
    }

    /// Reads an event's payload.
    ///
    /// # Errors
    ///
    /// When it is of another type.
    pub fn payload(&mut self) -> Result<Payload<'a>, DecodeError> {
        match self.peek() {
            Some(0xc0) => {
                self.at += 1;
                Ok(Payload::None)
            }
            Some(0xc2..=0xc3) => self.bool().map(Payload::Flag),
            Some(0x00..=0x7f | 0xcc..=0xcf) => self.uint().map(Payload::Number),
            Some(0xa0..=0xbf | 0xd9..=0xdb) => self.str().map(Payload::Text),
            Some(_) => Err(self.error(Expected::Payload)),
            None => Err(self.error(Expected::Bytes)),
        }
    }

    /// Whether an array stands there.
    pub fn is_array(&self) -> bool {
        matches!(self.peek(), Some(0x90..=0x9f | 0xdc..=0xdd))
    }

    /// Whether a binary stands there.
    pub fn is_bin(&self) -> bool {
        matches!(self.peek(), Some(0xc4..=0xc6))
    }

    /// Whether a boolean stands there.
    pub fn is_bool(&self) -> bool {
        matches!(self.peek(), Some(0xc2..=0xc3))
    }
}

/// A value that is well-formed and not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The value's bytes.
    pub bytes: &'a [u8],
    /// Where they start in the frame.
    pub offset: usize,
}

impl<'a> Raw<'a> {
    /// A raw value that is not part of a frame.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// A reader over the value, which reports offsets in the frame.
    pub const fn reader(&self) -> Reader<'a> {
        Reader { bytes: self.bytes, at: 0, base: self.offset }
    }
}

/// A text as it travels: a number below 2^32 stands for its decimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// A string.
    Str(&'a str),
    /// The decimal text of a number.
    Number(u32),
}

impl<'a> Text<'a> {
    /// The shorter of the two forms: a number where `text` is the canonical decimal text of one.
    pub fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let is_canonical = match bytes {
            [b'0'] => true,
            [b'1'..=b'9', rest @ ..] => rest.len() < 10 && rest.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        match text.parse() {
            Ok(number) if is_canonical => Self::Number(number),
            _ => Self::Str(text),
        }
    }
}

/// What an event carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Nothing.
    None,
    /// True or false.
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

/// Appends values to bytes, each in its shortest form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty one.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// What is written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes are written.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes nil.
    pub fn nil(&mut self) {
        self.bytes.push(0xc0);
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(0xc2 + u8::from(value));
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, value: u64) {
        let [.., e, f, g, h] = value.to_be_bytes();
        match value {
            0..=0x7f => self.bytes.push(h),
            0x80..=0xff => self.bytes.extend([0xcc, h]),
            0x100..=0xffff => self.bytes.extend([0xcd, g, h]),
            0x1_0000..=0xffff_ffff => self.bytes.extend([0xce, e, f, g, h]),
            _ => {
                self.bytes.push(0xcf);
                self.bytes.extend(value.to_be_bytes());
            }
        }
    }

    /// Writes a string.
    pub fn str(&mut self, value: &str) {
        if value.len() < 32 {
            #[expect(clippy::cast_possible_truncation, reason = "below 32")]
            self.bytes.push(0xa0 | value.len() as u8);
        } else {
            self.head([0xd9, 0xda, 0xdb], value.len());
        }
        self.bytes.extend(value.as_bytes());
    }

    /// Writes a binary.
    pub fn bin(&mut self, value: &[u8]) {
        self.head([0xc4, 0xc5, 0xc6], value.len());
        self.bytes.extend(value);
    }

    /// Writes the head of an array of `length` values, which the caller writes next.
    pub fn array(&mut self, length: usize) {
        let length = u32::try_from(length).expect("a frame is far below 4 GiB");
        let [a, b, c, d] = length.to_be_bytes();
        match length {
            0..=0x0f => self.bytes.push(0x90 | d),
            0x10..=0xffff => self.bytes.extend([0xdc, c, d]),
            _ => self.bytes.extend([0xdd, a, b, c, d]),
        }
    }

    /// Writes the head of a string or a binary in the narrowest of three widths.
    fn head(&mut self, markers: [u8; 3], length: usize) {
        let length = u32::try_from(length).expect("a frame is far below 4 GiB");
        let [a, b, c, d] = length.to_be_bytes();
        match length {
            0..=0xff => self.bytes.extend([markers[0], d]),
            0x100..=0xffff => self.bytes.extend([markers[1], c, d]),
            _ => self.bytes.extend([markers[2], a, b, c, d]),
        }
    }

    /// Writes a text in its shorter form.
    pub fn text(&mut self, text: Text<'_>) {
        match text {
            Text::Str(text) => self.str(text),
            Text::Number(number) => self.uint(u64::from(number)),
        }
    }

    /// Writes a payload.
    pub fn payload(&mut self, payload: Payload<'_>) {
        match payload {
            Payload::None => self.nil(),
            Payload::Flag(value) => self.bool(value),
            Payload::Number(value) => self.uint(value),
            Payload::Text(value) => self.str(value),
        }
    }

    /// Writes a value, or several, that are already bytes.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }
}

#[cfg(test)]
mod tests;
