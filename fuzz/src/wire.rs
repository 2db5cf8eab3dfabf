//! Everything here that knows a frame's fields.

use lightspeed_core::session::{Input, Join};
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::{Payload, Raw};

/// A join, as a socket hands it to a session.
pub fn join<M>(session: u32, mode: JoinMode, applied: u64) -> Input<'static, M> {
    Input::Join(Join { session, mode, applied, settled: 0, token: "", is_latest: true })
}

/// An event, as far as a forger decides on it.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The version that the client's document is at.
    pub ack: u64,
    /// The event's number.
    pub seq: u64,
    /// How many versions before `ack` it was made.
    pub behind: u64,
    /// The place: an instance.
    pub instance: u32,
    /// The place: a slot.
    pub slot: u32,
    /// What it carries.
    pub payload: Payload<'a>,
}

impl<'a> Event<'a> {
    /// The frame.
    pub fn frame(self) -> ClientFrame<'a> {
        let Self { ack, seq, behind, instance, slot, payload } = self;
        ClientFrame::Event { ack, seq, behind, instance, slot, payload }
    }
}

/// Frames of a client that no joined session has a use for.
pub fn misplaced(which: u8) -> ClientFrame<'static> {
    match which % 3 {
        0 => ClientFrame::Ping {},
        1 => ClientFrame::Join { token: "token", mode: 0, applied: 0, settled: 0 },
        _ => ClientFrame::Hello { protocol: 0, build: "", templates: Raw::new(&[0x90]) },
    }
}

/// What a session has said.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a> {
    /// It is joined; every event up to `ack` is handled.
    Joined {
        /// The event.
        ack: u64,
    },
    /// A version of the document.
    Version {
        /// The last event that was handled.
        ack: u64,
        /// The version.
        version: u64,
        /// It takes the document there from wherever it is.
        is_snapshot: bool,
        /// How.
        program: Raw<'a>,
    },
    /// Every event up to `ack` is handled.
    Ack {
        /// The event.
        ack: u64,
    },
    /// An event had no effect.
    Refused {
        /// The event.
        seq: u64,
    },
    /// A frame that a session machine has no reason to send.
    Other,
}

impl<'a> Said<'a> {
    /// Takes a frame apart.
    pub fn new(frame: &ServerFrame<'a>) -> Self {
        match *frame {
            ServerFrame::Joined { ack, .. } => Self::Joined { ack },
            ServerFrame::Patch { ack, version, program } => {
                Self::Version { ack, version, is_snapshot: false, program }
            }
            ServerFrame::Snapshot { ack, version, program } => {
                Self::Version { ack, version, is_snapshot: true, program }
            }
            ServerFrame::Ack { ack } => Self::Ack { ack },
            ServerFrame::Refused { seq, .. } => Self::Refused { seq },
            _ => Self::Other,
        }
    }
}
