//! One table macro for everything on the wire that is a code followed by typed fields:
//! instructions, frames and records. Encoder, decoder, disassembler and specification derive from it.

use crate::msgpack::{DecodeError, Expected, Payload, Raw, Reader, Text, Writer};

/// A field of an instruction or a frame.
pub(crate) trait Field<'a>: Sized {
    /// What the specification calls it.
    const TYPE: &'static str;
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
    fn write(&self, writer: &mut Writer);
}

macro_rules! fields {
    ($($type:ty = $name:literal, |$reader:ident| $read:expr, |$value:ident, $writer:ident| $write:expr;)*) => {
        $(impl<'a> Field<'a> for $type {
            const TYPE: &'static str = $name;
            fn read($reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                $read
            }
            fn write(&self, $writer: &mut Writer) {
                let $value = self;
                $write;
            }
        })*
    };
}
fields! {
    u32 = "uint", |reader| reader.uint32(), |value, writer| writer.uint(u64::from(*value));
    u64 = "uint", |reader| reader.uint(), |value, writer| writer.uint(*value);
    bool = "bool", |reader| reader.bool(), |value, writer| writer.bool(*value);
    &'a str = "str", |reader| reader.str(), |value, writer| writer.str(value);
    Option<&'a str> = "str or nil",
        |reader| if reader.nil() { Ok(None) } else { reader.str().map(Some) },
        |value, writer| match value { Some(text) => writer.str(text), None => writer.nil() };
    &'a [u8] = "bin", |reader| reader.bin(), |value, writer| writer.bin(value);
    Option<&'a [u8]> = "bin or nil",
        |reader| if reader.nil() { Ok(None) } else { reader.bin().map(Some) },
        |value, writer| match value { Some(bytes) => writer.bin(bytes), None => writer.nil() };
    Text<'a> = "str or uint",
        |reader| { let error = reader.error(Expected::Text); reader.text()?.ok_or(error) },
        |value, writer| writer.text(*value);
    Option<Text<'a>> = "str, uint or nil",
        |reader| reader.text(),
        |value, writer| match value { Some(text) => writer.text(*text), None => writer.nil() };
    Payload<'a> = "nil, bool, uint or str", |reader| reader.payload(), |value, writer| writer.payload(*value);
    Raw<'a> = "array",
        |reader| if reader.is_array() { reader.raw() } else { Err(reader.error(Expected::Array)) },
        |value, writer| writer.raw(value.bytes);
    Option<Raw<'a>> = "array or nil",
        |reader| if reader.nil() { Ok(None) } else { Raw::read(reader).map(Some) },
        |value, writer| match value { Some(raw) => writer.raw(raw.bytes), None => writer.nil() };
}

/// A row of a table, for the specification.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The code on the wire.
    pub code: u32,
    /// The name in a disassembly.
    pub name: &'static str,
    /// The fields: name and type.
    pub fields: &'static [(&'static str, &'static str)],
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! wire_table {
    (
        $(#[$outer:meta])*
        $name:ident, unknown: $unknown:ident {
            $(
                $(#[doc = $doc:literal])*
                $variant:ident = $code:literal $text:literal { $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)* }
            )*
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name<'a> {
            $($(#[doc = $doc])* $variant { $($(#[doc = $field_doc])* $field: $type,)* },)*
        }

        impl<'a> $name<'a> {
            /// The table, for the specification.
            pub const TABLE: &'static [$crate::wire::Row] = &[$($crate::wire::Row {
                code: $code,
                name: $text,
                fields: &[$((stringify!($field), <$type as $crate::wire::Field<'a>>::TYPE),)*],
                meaning: concat!($($doc),*),
            },)*];

            /// The code on the wire.
            pub const fn code(&self) -> u32 {
                match self { $(Self::$variant { .. } => $code,)* }
            }

            /// The name in a disassembly.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $text,)* }
            }

            /// How many values stand behind the code.
            const fn field_count(code: u32) -> Option<usize> {
                match code { $($code => Some(<[&str]>::len(&[$(stringify!($field)),*])),)* _ => None }
            }

            #[allow(unused_variables, reason = "some rows have no fields")]
            fn read_fields(code: u32, code_offset: usize, reader: &mut $crate::msgpack::Reader<'a>) -> Result<Self, $crate::msgpack::DecodeError> {
                match code {
                    $($code => Ok(Self::$variant { $($field: $crate::wire::Field::read(reader)?,)* }),)*
                    _ => Err($crate::msgpack::DecodeError::new(code_offset, $crate::msgpack::Expected::$unknown)),
                }
            }

            #[allow(unused_variables, reason = "some rows have no fields")]
            fn write_fields(&self, writer: &mut $crate::msgpack::Writer) {
                match self {
                    $(Self::$variant { $($field,)* } => { $($crate::wire::Field::write($field, writer);)* })*
                }
            }

            /// Writes the name and the fields, as a disassembly shows them.
            #[allow(unused_variables, reason = "some rows have no fields")]
            fn show(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())?;
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(
                            f.write_str(" ")?;
                            let mut writer = $crate::msgpack::Writer::new();
                            $crate::wire::Field::write($field, &mut writer);
                            $crate::wire::show_value(writer.as_bytes(), f)?;
                        )*
                        Ok(())
                    })*
                }
            }
        }
    };
}
pub(crate) use wire_table;

/// Writes a value as a disassembly shows it: `[1, "text", nil]`.
pub(crate) fn show_value(bytes: &[u8], f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
    let mut reader = Reader::new(bytes);
    // How many values each open array still lacks; a comma stands before all but its first.
    let mut open: alloc::vec::Vec<(u32, bool)> = alloc::vec::Vec::new();
    while !reader.is_at_end() {
        if let Some((left, is_first)) = open.last_mut() {
            if !core::mem::replace(is_first, false) {
                f.write_str(", ")?;
            }
            *left -= 1;
        }
        if reader.is_array() {
            let Ok(length) = reader.array() else { return f.write_str("?") };
            f.write_str("[")?;
            open.push((length, true));
        } else if reader.is_bin() {
            let Ok(bytes) = reader.bin() else { return f.write_str("?") };
            write!(f, "html{:?}", alloc::string::String::from_utf8_lossy(bytes))?;
        } else {
            match reader.payload() {
                Ok(Payload::None) => f.write_str("nil")?,
                Ok(Payload::Flag(value)) => write!(f, "{value}")?,
                Ok(Payload::Number(value)) => write!(f, "{value}")?,
                Ok(Payload::Text(value)) => write!(f, "{value:?}")?,
                Err(_) => return f.write_str("?"),
            }
        }
        while open.last().is_some_and(|(left, _)| *left == 0) {
            f.write_str("]")?;
            open.pop();
        }
    }
    Ok(())
}
