//! A client with a server that says anything at any time: no panic, nothing that grows, every
//! event settled at most once, and an end that is one.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use lightspeed_fuzz::checked::Checked;
use lightspeed_fuzz::script::{Script, Step};
use lightspeed_interpreter::{Client, ClientOutput, LinkState};
use lightspeed_protocol::frame::ClientFrame;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::{Timestamp, limits};

const SESSIONS: usize = 2;

/// What one input may make a client want: every session's events again, and a few words more.
const OUTPUTS_MAX: usize = SESSIONS * (limits::EVENTS_UNACKED_MAX + 8) + 8;

struct Page {
    client: Client,
    document: Checked,
    now: Timestamp,
    /// Events that are neither handled nor refused, by session.
    pending: [BTreeSet<u64>; SESSIONS],
    has_failed: [bool; SESSIONS],
}

impl Page {
    fn new() -> Self {
        let mut client = Client::new("fuzz", 1);
        for _ in 0..SESSIONS {
            client.add_session("token");
        }
        client.handle_start(Timestamp(0));
        let (document, now) = (Checked::default(), Timestamp(0));
        Self { client, document, now, pending: Default::default(), has_failed: [false; SESSIONS] }
    }

    fn step(&mut self, step: &Step<'_>) {
        match *step {
            Step::Message(bytes) => self.client.handle_message(self.now, bytes, &mut self.document),
            Step::Event { session, instance, slot, payload, len } => {
                // A text of up to twice the largest frame.
                let text = "x".repeat(usize::from(len) * usize::from(len) * 2);
                let payload = match payload % 4 {
                    0 => Payload::None,
                    1 => Payload::Flag(len & 1 == 1),
                    2 => Payload::Number(u64::MAX >> (len % 64)),
                    _ => Payload::Text(&text),
                };
                if let Some(seq) = self.client.handle_event(self.now, session, instance, slot, payload) {
                    let pending = &mut self.pending[session as usize - 1];
                    assert!(pending.insert(seq), "event {seq} of session {session} is numbered twice");
                    assert!(pending.len() <= limits::EVENTS_UNACKED_MAX);
                    assert!(
                        !self.has_failed[session as usize - 1],
                        "a session that has ended takes no events"
                    );
                }
            }
            Step::Open => self.client.handle_open(self.now),
            Step::Closed => self.client.handle_closed(self.now),
            Step::Time(milliseconds) => {
                self.now = self.now.after_ms(u64::from(milliseconds));
                self.client.handle_timeout(self.now);
            }
            Step::Timeout => {
                // A shell that sleeps until the next timeout must not find itself spinning.
                let Some(at) = self.client.next_timeout() else { return };
                self.now = self.now.max(at);
                for _ in 0..4 {
                    self.client.handle_timeout(self.now);
                    self.drain();
                }
                assert!(
                    self.client.next_timeout().is_none_or(|at| at > self.now),
                    "the timeout is due for ever"
                );
            }
            Step::Tokens(bits) => {
                let tokens: Vec<_> =
                    (0..SESSIONS).map(|index| (bits >> index & 1 == 1).then_some("another")).collect();
                self.client.handle_tokens(self.now, &tokens);
            }
            Step::RefreshFailed => self.client.handle_refresh_failed(self.now),
            Step::Wake => self.client.handle_wake(self.now),
            Step::Broken(session) => self.client.handle_broken_document(self.now, session),
        }
    }

    fn drain(&mut self) {
        let mut count = 0;
        while let Some(output) = self.client.poll_output() {
            count += 1;
            assert!(count <= OUTPUTS_MAX, "one input, {count} outputs");
            match output {
                ClientOutput::Transmit(bytes) => {
                    // What a client sends is what a server takes.
                    let (session, _) = ClientFrame::decode(&bytes).expect("a client sends frames");
                    assert!(session as usize <= SESSIONS);
                }
                ClientOutput::State { session, state } => {
                    let has_failed = &mut self.has_failed[session as usize - 1];
                    assert!(
                        !*has_failed || state == LinkState::Failed,
                        "session {session} has ended: {state:?}"
                    );
                    *has_failed |= state == LinkState::Failed;
                }
                ClientOutput::Settled { session, seq, .. } => {
                    let is_pending = self.pending[session as usize - 1].remove(&seq);
                    assert!(is_pending, "event {seq} of session {session} is settled twice");
                }
                ClientOutput::Refused { session, seq, .. } => {
                    // One that failed may be told after it was acknowledged, or without a number.
                    self.pending[session as usize - 1].remove(&seq);
                }
                ClientOutput::Failed { session, .. } => self.pending[session as usize - 1].clear(),
                _ => {}
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut page = Page::new();
    page.drain();
    for step in Script(bytes) {
        page.step(&step);
        page.drain();
    }
});
