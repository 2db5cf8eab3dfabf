//! Stored sessions: whatever bytes a store gives back, reading them ends in a session that works or in an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lightspeed_core::{Input, Policy, Session};
use lightspeed_fuzz::stored::{Bytes, drain};
use lightspeed_fuzz::wire;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::JoinMode;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut session) = Session::restore(Bytes::default(), Policy::Durable, bytes) else { return };
    for (mode, applied) in [(JoinMode::Resume, 1), (JoinMode::Adopt, 0), (JoinMode::Rebuild, 0)] {
        session.handle_input(Timestamp(1), wire::join(1, mode, applied));
        drain(&mut session);
        session.handle_input(Timestamp(2), Input::Message(()));
        if let Some(stored) = drain(&mut session) {
            // What it stores itself is always read.
            assert!(Session::restore(Bytes::default(), Policy::Durable, &stored).is_ok());
        }
        session.handle_input(Timestamp(3), Input::Detach);
        drain(&mut session);
    }
});
