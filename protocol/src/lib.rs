//! Lightspeed's wire: what client and server say to each other, as bytes and as values.
//!
//! # Layout
//!
//! - [`msgpack`]: a reader and a writer for the subset of MessagePack that the wire uses
//! - [`isa`]: the instruction set, one table; program writer, reader, disassembler
//! - [`template`]: the shape of a template as it travels: slot kinds, paths, events
//! - [`frame`]: [`frame::ClientFrame`] and [`frame::ServerFrame`], named by their sender
//! - [`message`]: a frame as the socket carries it, compressed or not
//! - [`recording`]: a recorded session: its records as bytes and as values
//! - [`close`]: why a session or a socket ends
//! - [`limits`]: every bound, with the relations between them asserted
//! - `browser`: what the two halves of the browser client tell each other; no part of the wire
//!
//! The rules are in `specs/protocol.md`, `specs/isa.md` and `specs/recording.md`.
//!
//! Architecture invariant: no I/O, clock, randomness, thread or async here, and no
//! `std`: bytes in, values out.
#![no_std]

extern crate alloc;

#[doc(hidden)]
pub mod browser;
pub mod close;
mod codes;
pub mod frame;
pub mod isa;
pub mod limits;
pub mod message;
pub mod msgpack;
pub mod recording;
pub mod template;
mod time;
mod wire;

pub use time::Timestamp;

/// The version of the wire that this crate speaks; it travels in the hello.
pub const PROTOCOL_VERSION: u32 = 4;

/// Names an instance of a template within a session: 1 is the root's.
///
/// Both sides count instances in the order in which programs create them, so an id
/// travels when an instance is addressed, never when it is made, and is never reused.
pub type InstanceId = u32;

/// An index into a template's slots.
pub type SlotIndex = u32;

/// Identifies a template by what it is made of: statics and slots.
pub type Fingerprint = u32;
