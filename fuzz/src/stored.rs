//! A component whose state is any bytes, and its checkpoints.

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::{Component, Html, Input, Output, Policy, Session};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use lightspeed_protocol::msgpack::Payload;

use crate::wire;

/// A component whose state is any bytes.
#[derive(Debug, Default)]
pub struct Bytes(Vec<u8>);

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

/// What the session has stored for good, if it has; its frames go nowhere.
pub fn drain(session: &mut Session<Bytes>) -> Option<Vec<u8>> {
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

/// Checkpoints of a session's day: fresh, with patches that wait and versions that events may name, after a resync.
pub fn checkpoints() -> Vec<Vec<u8>> {
    let mut session = Session::with_policy(Bytes::default(), Policy::Durable);
    let mut stored = Vec::new();
    session.handle_input(Timestamp(1), wire::join(1, JoinMode::Adopt, 0));
    stored.extend(drain(&mut session));
    for seq in 1..=12 {
        let ack = if seq < 6 { 0 } else { 3 };
        let event = wire::Event { ack, seq, behind: 0, instance: 1, slot: 0, payload: Payload::None };
        session.handle_input(Timestamp(seq), Input::Frame(event.frame()));
        stored.extend(drain(&mut session));
    }
    session.handle_input(Timestamp(20), Input::Frame(ClientFrame::Resync { ack: 3 }));
    stored.extend(drain(&mut session));
    session.handle_input(Timestamp(21), Input::Detach);
    stored.extend(drain(&mut session));
    stored
}
