//! The instruction set: what a server tells a client to do to its document.
//!
//! A program is one MessagePack array: opcode, operands, opcode, operands and so on.
//! An address is an instance and a slot of its template; see `specs/isa.md`.

use alloc::vec::Vec;
use core::fmt;

use crate::codes::codes;
use crate::msgpack::{DecodeError, Expected, Raw, Reader, Text, Writer};
use crate::wire::wire_table;

pub use crate::wire::Row;

wire_table! {
    /// One instruction.
    ///
    /// Codes are never reused. `values` and `skeleton` operands are arrays whose form
    /// the template gives; `specs/isa.md`, clauses 4 and 5.
    Op, unknown: Opcode {
        /// Sets the text of a splice that holds text.
        Text = 1 "text" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
            /// The new text.
            text: Text<'a>,
        }
        /// Replaces a part of the text of a splice; positions in UTF-16 code units.
        Splice = 2 "splice" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
            /// Where the part starts.
            start: u32,
            /// How long it is.
            delete: u32,
            /// What stands there instead.
            insert: &'a str,
        }
        /// Sets an attribute or a string property; nil removes the attribute or empties the property.
        Attribute = 3 "attribute" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
            /// The new value.
            text: Option<Text<'a>>,
        }
        /// Sets a flag, a class or a boolean property.
        Flag = 4 "flag" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
            /// Whether it is there.
            on: bool,
        }
        /// Replaces what a splice holds by raw HTML.
        Html = 5 "html" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
            /// The HTML.
            html: &'a str,
        }
        /// Replaces what a branch or a splice holds by a new instance, or by nothing.
        Content = 6 "content" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
            /// `[arm, values..]` for a branch, `[fingerprint, values..]` for a splice, nil for nothing.
            content: Option<Raw<'a>>,
        }
        /// Inserts items into a list.
        Insert = 7 "insert" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
            /// The item that the new ones stand before; 0 for the end.
            before: u32,
            /// `[count, values..]`.
            items: Raw<'a>,
        }
        /// Moves an item within its list.
        Move = 8 "move" {
            /// The item.
            instance: u32,
            /// The item that it then stands before; 0 for the end.
            before: u32,
        }
        /// Removes an item and the ones behind it from their list.
        Remove = 9 "remove" {
            /// The first item.
            instance: u32,
            /// How many in all.
            count: u32,
        }
        /// Removes all items of a list.
        Clear = 10 "clear" {
            /// The instance.
            at: u32,
            /// Its slot.
            slot: u32,
        }
        /// Takes the HTML that the page holds for an instance of a template; only as the first instruction of a first program.
        Adopt = 11 "adopt" {
            /// The root's template.
            template: u32,
            /// The instances within it.
            skeleton: Raw<'a>,
        }
        /// Replaces the whole document; only as the first instruction of a program.
        Reset = 12 "reset" {
            /// The id of the root instance; those within it follow.
            root: u32,
            /// The root's template.
            template: u32,
            /// Its values.
            values: Raw<'a>,
        }
        /// Asks something of the page, once; only behind all instructions of other kinds.
        Effect = 13 "effect" {
            /// How many versions before the program's own it was asked for first.
            behind: u32,
            /// A code of the page effects.
            kind: u32,
            /// What it is about.
            name: &'a str,
            /// What else it says.
            data: &'a str,
        }
    }
}

codes! {
    /// What a component can ask of the page that shows it.
    EffectKind {
        /// Gives the focus to the element whose `id` is the name.
        Focus = 1 "focus",
        /// Scrolls the element whose `id` is the name into view.
        ScrollIntoView = 2 "scroll-into-view",
        /// Tells the person the data.
        Flash = 3 "flash",
        /// Goes to the address that is the name, as a link there does.
        Navigate = 4 "navigate",
        /// Has the browser save what is at the address that is the name.
        Download = 5 "download",
        /// Hands the data, which is JSON, to the page's own code, as an event `lightspeed:push` with the name.
        Push = 6 "push",
    }
}

impl<'a> Op<'a> {
    /// Reads one instruction off a program's values.
    ///
    /// # Errors
    ///
    /// When the opcode is unknown or an operand is of another type.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        let code = reader.uint32()?;
        Self::read_fields(code, offset, reader)
    }
}

impl fmt::Display for Op<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(f)
    }
}

/// Writes a program.
#[derive(Debug, Default)]
pub struct ProgramWriter {
    writer: Writer,
    values: usize,
}

impl ProgramWriter {
    /// An empty program.
    pub const fn new() -> Self {
        Self { writer: Writer::new(), values: 0 }
    }

    /// Appends an instruction.
    pub fn push(&mut self, op: &Op<'_>) {
        self.writer.uint(u64::from(op.code()));
        op.write_fields(&mut self.writer);
        self.values += 1 + Op::field_count(op.code()).unwrap_or(0);
    }

    /// Whether there is no instruction.
    pub const fn is_empty(&self) -> bool {
        self.values == 0
    }

    /// How many bytes the instructions take, without the program's head.
    pub fn len(&self) -> usize {
        self.writer.len()
    }

    /// The program's bytes: one MessagePack array.
    pub fn finish(self) -> Vec<u8> {
        let mut program = Writer::new();
        program.array(self.values);
        program.raw(self.writer.as_bytes());
        program.into_bytes()
    }
}

/// Reads a program, one instruction at a time.
#[derive(Debug, Clone)]
pub struct ProgramReader<'a> {
    reader: Reader<'a>,
    values_left: usize,
}

impl<'a> ProgramReader<'a> {
    /// A reader of the program in `raw`.
    ///
    /// # Errors
    ///
    /// When `raw` is no array.
    pub fn new(raw: Raw<'a>) -> Result<Self, DecodeError> {
        let mut reader = raw.reader();
        let values_left = reader.array()? as usize;
        Ok(Self { reader, values_left })
    }

    /// The next instruction and its offset; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the opcode is unknown, an operand is of another type, or the last instruction is cut short.
    pub fn next_op(&mut self) -> Result<Option<(usize, Op<'a>)>, DecodeError> {
        let offset = self.reader.offset();
        if self.values_left == 0 {
            return self.reader.end().map(|()| None);
        }
        let code = self.reader.uint32()?;
        let fields = Op::field_count(code).ok_or(DecodeError::new(offset, Expected::Opcode))?;
        self.values_left =
            self.values_left.checked_sub(1 + fields).ok_or(DecodeError::new(offset, Expected::Length))?;
        Ok(Some((offset, Op::read_fields(code, offset, &mut self.reader)?)))
    }
}

/// A program as text, an instruction a line, ended by the error where there is one.
#[derive(Debug, Clone, Copy)]
pub struct Disassembly<'a>(pub Raw<'a>);

impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reader = match ProgramReader::new(self.0) {
            Ok(reader) => reader,
            Err(error) => return writeln!(f, "; {error}"),
        };
        loop {
            match reader.next_op() {
                Ok(Some((_, op))) => writeln!(f, "{op}")?,
                Ok(None) => return Ok(()),
                Err(error) => return writeln!(f, "; {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
