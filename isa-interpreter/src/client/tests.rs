#![allow(clippy::unwrap_used, reason = "a test")]

use alloc::vec;
use alloc::vec::Vec;

use lightspeed_protocol::limits;

use super::*;
use crate::memory::MemoryDocument;

const T0: Timestamp = Timestamp(1_000);

/// A client with the templates of a counter: a text and a click handler.
struct Bench {
    client: Client,
    document: MemoryDocument,
    now: Timestamp,
}

impl Bench {
    /// A client that has sent its hello.
    fn greeting() -> Self {
        let mut client = Client::new("test", 7);
        client.add_session("token-1");
        client.add_session("token-2");
        client.handle_start(T0);
        let mut it = Self { client, document: MemoryDocument::from_html("<p>0</p>"), now: T0 };
        assert!(it.outputs().contains(&ClientOutput::Connect));
        it.client.handle_open(T0);
        it
    }

    /// A client whose first session is attached; the second one has not been answered.
    fn attached() -> Self {
        let mut it = Self::greeting();
        it.outputs();
        it.server(
            0,
            &ServerFrame::Welcome {
                protocol: PROTOCOL_VERSION,
                build: "s",
                heartbeat_ms: 15_000,
                event_bytes_max: 1_048_576,
            },
        );
        it.template();
        it.server(1, &ServerFrame::Joined { ack: 0, token: "next" });
        it.server(
            1,
            &ServerFrame::Snapshot { ack: 0, version: 0, program: Raw::new(&[0x93, 0x0b, 0x07, 0x91, 0xc0]) },
        );
        it.outputs();
        it
    }

    fn template(&mut self) {
        // A splice at 0/0 and a click handler at 0.
        let slots = [0x92, 0x92, 0x00, 0x92, 0x00, 0x00, 0x93, 0x06, 0x91, 0x00, 0x01];
        let frame = ServerFrame::Template {
            fingerprint: 7,
            namespace: 0,
            roots: 1,
            check: 1,
            html: Some("<p><!></p>"),
            slots: Raw::new(&slots),
        };
        self.server(0, &frame);
    }

    fn server(&mut self, session: u32, frame: &ServerFrame<'_>) {
        self.client.handle_message(self.now, &frame.encode(session), &mut self.document);
    }

    fn patch(&mut self, version: u64, text: u8) {
        let program = [0x94, 0x01, 0x01, 0x00, text];
        self.server(1, &ServerFrame::Patch { ack: 0, version, program: Raw::new(&program) });
    }

    fn outputs(&mut self) -> Vec<ClientOutput> {
        core::iter::from_fn(|| self.client.poll_output()).collect()
    }

    /// The frames among the outputs, as text.
    fn sent(&mut self) -> Vec<String> {
        let frames = self.outputs().into_iter().filter_map(|output| match output {
            ClientOutput::Transmit(bytes) => {
                let (session, frame) = ClientFrame::decode(&bytes).unwrap();
                Some(alloc::format!("{session}: {frame}"))
            }
            _ => None,
        });
        frames.collect()
    }

    /// The time comes for which the client asked.
    fn wait(&mut self) {
        self.now = self.client.next_timeout().expect("the client waits for something");
        self.client.handle_timeout(self.now);
    }
}

#[test]
fn a_page_greets_and_joins_each_session() {
    let mut it = Bench::greeting();
    assert_eq!(it.sent(), ["0: hello 4 \"test\" []"]);
    it.server(
        0,
        &ServerFrame::Welcome {
            protocol: PROTOCOL_VERSION,
            build: "s",
            heartbeat_ms: 15_000,
            event_bytes_max: 1_048_576,
        },
    );
    assert_eq!(it.sent(), ["1: join \"token-1\" 0 0 0", "2: join \"token-2\" 0 0 0"]);
}

#[test]
fn nothing_is_taken_before_there_is_a_document() {
    let mut it = Bench::greeting();
    assert_eq!(it.client.handle_event(T0, 1, 1, 1, Payload::None), None);
    assert_eq!(it.client.handle_event(T0, 0, 1, 1, Payload::None), None);
    assert_eq!(it.client.handle_event(T0, 9, 1, 1, Payload::None), None);
}

#[test]
fn an_event_carries_the_acknowledgement() {
    let mut it = Bench::attached();
    it.patch(1, 5);
    assert_eq!(it.document.to_html(), "<p>5</p>");
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::None), Some(1));
    assert_eq!(it.sent(), ["1: event 1 1 0 1 1 nil"]);
    // Nothing is left to acknowledge.
    it.wait();
    assert_eq!(it.sent(), ["0: ping"]);
}

#[test]
fn an_acknowledgement_that_no_event_carries_goes_out_by_itself() {
    let mut it = Bench::attached();
    it.wait();
    it.outputs();
    it.patch(1, 5);
    assert!(it.sent().is_empty());
    it.wait();
    assert_eq!(it.sent(), ["1: ack 1 0"]);
    assert!(it.now.0 <= T0.0 + 2 * limits::ACK_DELAY_MS);
}

#[test]
fn half_a_window_is_acknowledged_at_once() {
    let mut it = Bench::attached();
    let half = limits::PATCHES_UNACKED_MAX as u64 / 2;
    for version in 1..half {
        it.patch(version, 5);
    }
    // The adoption counts as well.
    assert_eq!(it.sent(), [alloc::format!("1: ack {} 0", half - 1)]);
    assert!(it.client.next_timeout() > Some(it.now));
}

#[test]
fn a_duplicate_is_applied_once_and_a_gap_asks_for_everything() {
    let mut it = Bench::attached();
    it.patch(1, 5);
    assert!(it.sent().is_empty());
    it.patch(1, 6);
    assert_eq!(it.document.to_html(), "<p>5</p>");
    assert_eq!(it.sent(), ["1: ack 1 0"], "acknowledged again");
    it.patch(3, 7);
    assert_eq!(it.sent(), ["1: resync 1"]);
    // Until the answer comes, patches are of no use.
    it.patch(2, 8);
    assert_eq!(it.document.to_html(), "<p>5</p>");
    it.server(
        1,
        &ServerFrame::Snapshot {
            ack: 0,
            version: 4,
            program: Raw::new(&[0x94, 0x0c, 0x02, 0x07, 0x91, 0x09]),
        },
    );
    assert_eq!(it.document.to_html(), "<p>9</p>");
    assert_eq!(it.client.version(1), Some(4));
}

#[test]
fn a_program_that_does_not_fit_asks_for_everything() {
    let mut it = Bench::attached();
    it.server(
        1,
        &ServerFrame::Patch { ack: 0, version: 1, program: Raw::new(&[0x94, 0x01, 0x63, 0x00, 0x05]) },
    );
    assert_eq!(it.sent(), ["1: resync 0"]);
    assert_eq!(it.document.to_html(), "<p>0</p>");
}

#[test]
fn a_document_that_something_else_has_changed_is_sent_anew_on_this_socket_or_the_next() {
    let mut it = Bench::attached();
    it.client.handle_broken_document(it.now, 1);
    assert_eq!(it.sent(), ["1: resync 0"]);
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::None), None);
    it.client.handle_closed(it.now);
    it.wait();
    it.client.handle_open(it.now);
    it.outputs();
    it.server(
        0,
        &ServerFrame::Welcome {
            protocol: PROTOCOL_VERSION,
            build: "s",
            heartbeat_ms: 15_000,
            event_bytes_max: 1_048_576,
        },
    );
    assert_eq!(it.sent()[0], "1: join \"next\" 2 0 0");
}

#[test]
fn events_are_kept_until_acknowledged_and_sent_again() {
    let mut it = Bench::attached();
    it.client.handle_event(it.now, 1, 1, 1, Payload::None);
    it.client.handle_event(it.now, 1, 1, 1, Payload::Text("x"));
    it.server(1, &ServerFrame::Ack { ack: 1 });
    it.client.handle_closed(it.now);
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::Flag(true)), Some(3));
    it.outputs();
    it.wait();
    assert!(it.outputs().contains(&ClientOutput::Connect));
    it.client.handle_open(it.now);
    it.server(
        0,
        &ServerFrame::Welcome {
            protocol: PROTOCOL_VERSION,
            build: "s",
            heartbeat_ms: 15_000,
            event_bytes_max: 1_048_576,
        },
    );
    assert_eq!(it.sent(), ["0: hello 4 \"test\" [7]", "1: join \"next\" 1 0 1", "2: join \"token-2\" 0 0 0"]);
    it.server(1, &ServerFrame::Joined { ack: 1, token: "next" });
    assert_eq!(it.sent(), ["1: event 0 2 0 1 1 \"x\"", "1: event 0 3 0 1 1 true"]);
}

#[test]
fn too_many_events_are_not_taken() {
    let mut it = Bench::attached();
    it.client.handle_closed(it.now);
    for _ in 0..limits::EVENTS_UNACKED_MAX {
        assert!(it.client.handle_event(it.now, 1, 1, 1, Payload::None).is_some());
    }
    it.outputs();
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::None), None);
    assert_eq!(it.outputs(), [refused_as_too_large()], "the person is told");
}

fn refused_as_too_large() -> ClientOutput {
    let (reason, message) = (RefusalReason::TooLarge.code(), String::from(TOO_LARGE));
    ClientOutput::Refused { session: 1, seq: 0, reason, message }
}

#[test]
fn a_refusal_is_told_once_and_settles_no_other_event() {
    let mut it = Bench::attached();
    for _ in 0..3 {
        it.client.handle_event(it.now, 1, 1, 1, Payload::None);
    }
    it.outputs();
    let refused = ServerFrame::Refused { seq: 2, reason: RefusalReason::Failed.code(), message: "no" };
    it.server(1, &refused);
    let told = ClientOutput::Refused { session: 1, seq: 2, reason: 3, message: String::from("no") };
    assert_eq!(it.outputs(), [told]);
    // The socket goes, and with it what would have settled them: all three are sent again, and no number is missing.
    it.client.handle_closed(it.now);
    it.wait();
    it.client.handle_open(it.now);
    it.server(
        0,
        &ServerFrame::Welcome {
            protocol: PROTOCOL_VERSION,
            build: "s",
            heartbeat_ms: 15_000,
            event_bytes_max: 1_048_576,
        },
    );
    it.server(1, &refused);
    it.server(1, &ServerFrame::Joined { ack: 0, token: "later" });
    let sent = it.sent();
    assert_eq!(sent.iter().filter(|frame| frame.starts_with("1: event")).count(), 3, "{sent:?}");
    assert!(sent.contains(&String::from("1: join \"next\" 1 0 0")), "{sent:?}: nothing is settled");
    it.server(1, &ServerFrame::Ack { ack: 3 });
    let settled = |seq| ClientOutput::Settled { session: 1, seq };
    assert_eq!(it.outputs(), [settled(1), settled(3)], "it was told before what became of the second");
}

#[test]
fn an_event_is_taken_up_to_the_size_that_the_server_says_and_the_person_is_told_of_a_larger_one() {
    let text = |length| "x".repeat(length);
    let mut it = Bench::attached();
    // What a form of 30,000 umlauts or 100,000 letters is, URL-encoded.
    for length in [180_000, 100_000, limits::EVENT_BYTES_MAX - 5] {
        assert!(it.client.handle_event(it.now, 1, 1, 1, Payload::Text(&text(length))).is_some());
    }
    it.outputs();
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::Text(&text(limits::EVENT_BYTES_MAX))), None);
    assert_eq!(it.outputs(), [refused_as_too_large()]);
    // Four times as much in all, of which there is more than one already.
    let large = text(limits::EVENT_BYTES_MAX - 5);
    for _ in 0..2 {
        assert!(it.client.handle_event(it.now, 1, 1, 1, Payload::Text(&large)).is_some());
    }
    it.outputs();
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::Text(&large)), None);
    assert_eq!(it.outputs(), [refused_as_too_large()]);
    // A server that is told to take less says so.
    let mut it = Bench::attached();
    it.client.handle_event(it.now, 1, 1, 1, Payload::Text("short"));
    it.client.handle_event(it.now, 1, 1, 2, Payload::Text(&text(2_000)));
    it.client.handle_closed(it.now);
    it.wait();
    it.client.handle_open(it.now);
    it.sent();
    let (build, heartbeat_ms) = ("s", 15_000);
    let welcome =
        ServerFrame::Welcome { protocol: PROTOCOL_VERSION, build, heartbeat_ms, event_bytes_max: 1_000 };
    it.server(0, &welcome);
    assert!(it.outputs().contains(&refused_as_too_large()));
    it.server(1, &ServerFrame::Joined { ack: 0, token: "next" });
    let sent = it.sent();
    assert!(sent[0].ends_with("1 1 \"short\"") && sent[1].ends_with("1 2 nil"), "{sent:?}");
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::Text(&text(1_000))), None);
}

#[test]
fn reconnects_are_spread_over_a_time_that_grows_to_its_bound() {
    let mut waits: Vec<u64> = Vec::new();
    let mut it = Bench::greeting();
    for _ in 0..2_000 {
        it.client.handle_closed(it.now);
        let before = it.now;
        it.wait();
        waits.push(it.now.0 - before.0);
    }
    assert!(waits[0] < limits::RECONNECT_MS_MIN);
    assert!(waits.iter().all(|wait| *wait < limits::RECONNECT_MS_MAX));
    let late = &waits[20..];
    let mean = late.iter().sum::<u64>() / late.len() as u64;
    let half = limits::RECONNECT_MS_MAX / 2;
    assert!(mean.abs_diff(half) < half / 10, "full jitter: a mean of {mean} ms");
    // Two clients that lost the same server don't come back together.
    let (mut one, mut other) = (Client::new("a", 1), Client::new("a", 2));
    for client in [&mut one, &mut other] {
        client.handle_start(T0);
        for _ in 0..10 {
            client.handle_closed(T0);
        }
    }
    assert_ne!(one.next_timeout(), other.next_timeout());
}

#[test]
fn a_silent_server_is_given_up() {
    let mut it = Bench::attached();
    it.wait();
    assert_eq!(it.sent(), ["1: ack 0 0"]);
    it.wait();
    assert_eq!(it.sent(), ["0: ping"]);
    it.server(0, &ServerFrame::Pong {});
    while it.now.0 < T0.0 + 3 * limits::SILENCE_MS_MAX {
        it.wait();
        if it.outputs().contains(&ClientOutput::Disconnect) {
            assert!(it.now.0 >= T0.0 + limits::SILENCE_MS_MAX);
            return;
        }
    }
    panic!("the socket was never given up");
}

#[test]
fn a_page_that_is_shown_again_probes() {
    let mut it = Bench::attached();
    it.wait();
    it.outputs();
    it.client.handle_wake(it.now);
    assert_eq!(it.sent(), ["0: ping"]);
    it.wait();
    assert!(it.outputs().contains(&ClientOutput::Disconnect));
    assert!(it.now.0 < T0.0 + limits::SILENCE_MS_MAX, "sooner than usual");
    // And while it waits to come back, being shown is a reason not to.
    it.client.handle_wake(it.now);
    assert!(it.outputs().contains(&ClientOutput::Connect));
}

#[test]
fn a_session_that_is_gone_fetches_the_page_and_starts_over() {
    let mut it = Bench::attached();
    it.client.handle_event(it.now, 1, 1, 1, Payload::None);
    let reason = CloseReason::SessionGone;
    it.server(1, &ServerFrame::Close { reason: reason.code(), message: reason.name(), retry_ms: 0 });
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::None), None);
    it.outputs();
    it.wait();
    assert_eq!(it.outputs(), [ClientOutput::Refresh]);
    it.client.handle_tokens(it.now, &[Some("token-3"), Some("token-4")]);
    let outputs = it.outputs();
    assert!(outputs.contains(&ClientOutput::Refused {
        session: 1,
        seq: 1,
        reason: 0,
        message: String::new()
    }));
    let joins = outputs.iter().filter(|output| matches!(output, ClientOutput::Transmit(_)));
    assert_eq!(joins.count(), 1, "the session that is well keeps its own");
    it.server(1, &ServerFrame::Joined { ack: 0, token: "next" });
    it.server(
        1,
        &ServerFrame::Snapshot {
            ack: 0,
            version: 1,
            program: Raw::new(&[0x94, 0x0c, 0x01, 0x07, 0x91, 0x09]),
        },
    );
    assert_eq!(it.document.to_html(), "<p>9</p>");
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::None), Some(1));
}

#[test]
fn fetching_the_page_backs_off() {
    let mut it = Bench::attached();
    let reason = CloseReason::SessionGone;
    it.server(1, &ServerFrame::Close { reason: reason.code(), message: reason.name(), retry_ms: 0 });
    let mut waits = vec![];
    for _ in 0..12 {
        let before = it.now;
        loop {
            it.wait();
            it.server(0, &ServerFrame::Pong {});
            if it.outputs().contains(&ClientOutput::Refresh) {
                break;
            }
        }
        waits.push(it.now.0 - before.0);
        it.client.handle_refresh_failed(it.now);
    }
    assert_eq!(waits[0], 0);
    assert!(waits.iter().sum::<u64>() > limits::RECONNECT_MS_MIN);
}

#[test]
fn a_server_of_another_version_ends_the_page() {
    let mut it = Bench::greeting();
    it.outputs();
    let reason = CloseReason::ProtocolVersion;
    it.server(0, &ServerFrame::Close { reason: reason.code(), message: "reload the page", retry_ms: 0 });
    let outputs = it.outputs();
    assert!(outputs.contains(&ClientOutput::State { session: 1, state: LinkState::Failed }));
    assert!(outputs.contains(&ClientOutput::State { session: 2, state: LinkState::Failed }));
    assert_eq!(it.client.next_timeout(), None);
}

#[test]
fn a_session_that_has_ended_stays_ended() {
    let mut it = Bench::attached();
    it.server(
        1,
        &ServerFrame::Close { reason: CloseReason::ForgedPlace.code(), message: "forged", retry_ms: 0 },
    );
    assert!(it.outputs().contains(&ClientOutput::State { session: 1, state: LinkState::Failed }));
    it.server(1, &ServerFrame::Joined { ack: 0, token: "next" });
    it.server(1, &ServerFrame::Snapshot { ack: 0, version: 1, program: Raw::new(&[0x90]) });
    it.server(
        1,
        &ServerFrame::Close { reason: CloseReason::SessionGone.code(), message: "gone", retry_ms: 0 },
    );
    assert_eq!(it.outputs(), []);
    assert_eq!(it.client.handle_event(it.now, 1, 1, 1, Payload::None), None);
}

#[test]
fn a_server_that_talks_nonsense_is_left() {
    for bytes in [&b"HTTP"[..], &[0x92, 0x05, 0x04], &[], &[0x93, 0x09, 0x01, 0x00]] {
        let mut it = Bench::attached();
        it.client.handle_message(it.now, bytes, &mut it.document);
        assert!(it.outputs().contains(&ClientOutput::Disconnect), "{bytes:?}");
    }
}

/// Refuses the token of the first session as none.
fn refuse_token(it: &mut Bench) {
    let reason = CloseReason::BadToken;
    it.server(1, &ServerFrame::Close { reason: reason.code(), message: "sign in again", retry_ms: 0 });
}

/// Waits until the page is to be fetched; how long that was, or `None` where the client has given up before
/// `within_ms`.
fn refresh(it: &mut Bench, within_ms: u64) -> Option<u64> {
    let began = it.now;
    while it.now.0 < began.0 + within_ms {
        let outputs = it.outputs();
        if outputs.contains(&ClientOutput::Refresh) {
            return Some(it.now.0 - began.0);
        }
        if outputs.contains(&ClientOutput::Connect) {
            it.client.handle_open(it.now);
            let welcome = ServerFrame::Welcome {
                protocol: PROTOCOL_VERSION,
                build: "s",
                heartbeat_ms: 15_000,
                event_bytes_max: 1_048_576,
            };
            it.server(0, &welcome);
            continue;
        }
        it.wait();
        it.server(0, &ServerFrame::Pong {});
    }
    None
}

#[test]
fn a_page_whose_tokens_are_none_again_and_again_ends_and_says_why() {
    let mut it = Bench::attached();
    refuse_token(&mut it);
    let mut fetches = 0;
    while refresh(&mut it, 600_000).is_some() {
        fetches += 1;
        it.client.handle_tokens(it.now, &[Some("no better"), Some("token-4")]);
        refuse_token(&mut it);
        let failed = ClientOutput::Failed {
            session: 1,
            reason: CloseReason::BadToken.code(),
            message: String::from("sign in again"),
        };
        let outputs = it.outputs();
        if outputs.contains(&failed) {
            assert!(outputs.contains(&ClientOutput::State { session: 1, state: LinkState::Failed }));
            break;
        }
    }
    assert_eq!(fetches, RENEWALS_MAX);
    assert_eq!(refresh(&mut it, 600_000), None, "nothing is fetched for it any more");
}

#[test]
fn a_token_that_is_taken_makes_good_for_those_that_were_not() {
    let mut it = Bench::attached();
    for _ in 0..3 * RENEWALS_MAX {
        refuse_token(&mut it);
        assert!(refresh(&mut it, 120_000).is_some());
        it.client.handle_tokens(it.now, &[Some("better"), Some("token-4")]);
        it.server(1, &ServerFrame::Joined { ack: 0, token: "next" });
    }
    assert!(!it.outputs().iter().any(|output| matches!(output, ClientOutput::Failed { .. })));
}

#[test]
fn a_page_that_is_asked_to_wait_is_not_fetched_before() {
    let mut it = Bench::attached();
    refuse_token(&mut it);
    assert_eq!(refresh(&mut it, 1_000), Some(0));
    for wait_ms in [60_000, 5_000, 3_600_000] {
        it.client.handle_refresh_put_off(it.now, wait_ms);
        let waited = refresh(&mut it, wait_ms + 70_000).unwrap();
        assert!(waited >= wait_ms && waited <= wait_ms + limits::RETRY_MS_MAX, "{waited} of {wait_ms} ms");
    }
    // However long: it is somebody else's number.
    it.client.handle_refresh_put_off(it.now, u64::MAX);
    assert_eq!(refresh(&mut it, 600_000), None);
}

#[test]
fn a_page_that_cannot_be_fetched_is_asked_for_ever_more_seldom() {
    let mut it = Bench::attached();
    refuse_token(&mut it);
    let (began, mut fetches) = (it.now, 0);
    while it.now.0 < began.0 + 3_600_000 {
        assert!(refresh(&mut it, 120_000).is_some());
        fetches += 1;
        it.client.handle_refresh_failed(it.now);
    }
    assert!((60..200).contains(&fetches), "{fetches} within an hour");
}

#[test]
fn a_part_that_the_page_no_longer_has_ends_as_somebody_elses() {
    let mut it = Bench::attached();
    refuse_token(&mut it);
    assert!(refresh(&mut it, 1_000).is_some());
    it.client.handle_tokens(it.now, &[]);
    let reason = CloseReason::BadToken.code();
    let ends = |output: &ClientOutput| matches!(output, ClientOutput::Failed { session: 1, reason: code, .. } if *code == reason);
    assert!(it.outputs().iter().any(ends));
}
