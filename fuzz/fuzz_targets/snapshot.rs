//! Stored sessions: whatever bytes a store gives back, reading them ends in a session that works or in an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::{Component, Html, Input, Output, Policy, Session};
use lightspeed_fuzz::wire;
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::JoinMode;

extern crate lightspeed_core as lightspeed;

/// A component whose state is any bytes.
struct Bytes(Vec<u8>);

impl Component for Bytes {
    type Message = ();
    type Effect = ();

    fn update(&mut self, (): (), _: &mut Vec<()>) {
        self.0.push(1);
    }

    fn render(&self) -> Html<()> {
        html! {
            button onclick=(()) { (self.0.len()) }
            @if self.0.len() % 2 == 1 { b { "odd" } }
            @for (index, byte) in self.0.iter().take(8).enumerate() { i key=(index) { (*byte) } }
        }
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.0 = state.to_vec();
        Ok(())
    }
}

fn drain(session: &mut Session<Bytes>) -> Option<Vec<u8>> {
    let mut stored = None;
    while let Some(output) = session.poll_output() {
        if let Output::Persist(checkpoint) = output {
            let generation = checkpoint.generation;
            stored = Some(checkpoint.bytes);
            session.handle_input(Timestamp(1), Input::Persisted { generation });
        }
    }
    stored
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut session) = Session::restore(Bytes(Vec::new()), Policy::Durable, bytes) else { return };
    for (mode, applied) in [(JoinMode::Resume, 1), (JoinMode::Adopt, 0), (JoinMode::Rebuild, 0)] {
        session.handle_input(Timestamp(1), wire::join(1, mode, applied));
        drain(&mut session);
        session.handle_input(Timestamp(2), Input::Message(()));
        if let Some(stored) = drain(&mut session) {
            // What it stores itself is always read.
            assert!(Session::restore(Bytes(Vec::new()), Policy::Durable, &stored).is_ok());
        }
        session.handle_input(Timestamp(3), Input::Detach);
        drain(&mut session);
    }
});
