//! The recorder of a server without the feature `recording`: types that have no values, so that sessions are
//! written once and the compiler drops their calls. `recorder.rs` says what each call means.

use bytes::Bytes;
use lightspeed_core::session::Transmission;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::JoinMode;

#[expect(dead_code, reason = "nothing reads what isn't recorded")]
pub(crate) struct Start {
    pub(crate) component: &'static str,
    pub(crate) build: String,
    pub(crate) seed: u64,
    pub(crate) html: String,
    pub(crate) state: Option<Vec<u8>>,
    pub(crate) is_stored: bool,
}

pub(crate) enum Recordings {}

impl Recordings {
    pub(crate) fn start(&self, _: Timestamp, _: Start, _: Option<bool>) -> Option<Recorder> {
        match *self {}
    }
}

pub(crate) enum Recorder {}

impl Recorder {
    pub(crate) fn joined(&mut self, _: Timestamp, _: u32, _: JoinMode, _: u64, _: u64) {
        match *self {}
    }

    pub(crate) fn frame_in(&mut self, _: Timestamp, _: Bytes) {
        match *self {}
    }

    pub(crate) fn frame_out(&mut self, _: Timestamp, _: &Transmission) {
        match *self {}
    }

    pub(crate) fn message(&mut self, _: Timestamp, _: Option<Vec<u8>>, _: Option<Vec<u8>>) {
        match *self {}
    }

    pub(crate) fn detached(&mut self, _: Timestamp) {
        match *self {}
    }

    pub(crate) fn restarted(&mut self, _: Timestamp, _: Option<Vec<u8>>) {
        match *self {}
    }

    pub(crate) fn timed_out(&mut self, _: Timestamp) {
        match *self {}
    }

    pub(crate) fn stored(&mut self, _: Timestamp, _: u64) {
        match *self {}
    }

    pub(crate) fn closed(self, _: Timestamp, _: CloseReason) {
        match self {}
    }
}
