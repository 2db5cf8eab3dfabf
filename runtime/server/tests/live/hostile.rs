//! Bad input: each case ends in its named reason and a log line, and nobody else notices.

use std::time::Duration;

use lightspeed::limits::{EVENT_BYTES_MAX, INBOUND_FRAME_BYTES_MAX, SESSIONS_PER_SOCKET_MAX};
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use lightspeed_protocol::limits;
use lightspeed_protocol::msgpack::{Payload, Raw, Writer};
use tokio_tungstenite::tungstenite::Message;

use crate::common::{COUNT, Client, DECREMENT, INCREMENT, Log, TestServer, click, hello};

/// A session on another socket of the server that must not notice anything.
pub(crate) struct Bystander {
    pub(crate) server: TestServer,
    pub(crate) client: Client,
    pub(crate) log: Log,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Bystander {
    pub(crate) async fn start() -> Self {
        let (log, guard) = Log::start();
        let server = TestServer::start().await;
        let mut client = server.joined("/").await;
        client.increments(1, 0).await;
        Self { server, client, log, _guard: guard }
    }

    /// Nothing has happened to it, and one line tells what happened to the other.
    pub(crate) async fn unharmed(mut self, reason: CloseReason) -> String {
        self.client.increments(1, 1).await;
        let lines = self.log.lines(&format!("reason=\"{}\"", reason.name()));
        assert_eq!(lines.len(), 1, "one log line for {reason}: {lines:?}");
        assert!(lines[0].contains("peer=127.0.0.1:"), "{lines:?}");
        assert!(self.log.lines("panicked").is_empty());
        lines.into_iter().next().unwrap()
    }
}

/// What `bytes` lead to, sent as the first frame of a socket.
async fn first(bytes: &[u8], reason: CloseReason) -> (String, String) {
    let bystander = Bystander::start().await;
    let mut client = bystander.server.connect().await;
    client.send_bytes(bytes.to_vec()).await;
    let message = client.ended(reason).await;
    (message, bystander.unharmed(reason).await)
}

/// What `bytes` lead to on a socket that a session has joined.
async fn later(bytes: &[u8], reason: CloseReason) -> (String, String) {
    let bystander = Bystander::start().await;
    let mut client = bystander.server.joined("/").await;
    client.send_bytes(bytes.to_vec()).await;
    let message = client.ended(reason).await;
    // The session itself has only lost its socket.
    let server = &bystander.server;
    crate::common::eventually(|| server.runtime.stats().parked == 1).await;
    (message, bystander.unharmed(reason).await)
}

#[tokio::test]
async fn truncated() {
    let whole = click(0, 1, 1, INCREMENT).encode(1);
    let (message, line) = later(&whole[..5], CloseReason::MalformedFrame).await;
    assert_eq!(message, "expected more bytes at byte 0");
    assert!(line.contains("offset=0"), "{line}");
    let mut string_cut = ClientFrame::Join { token: "token", mode: 0, applied: 0, settled: 0 }.encode(1);
    string_cut.truncate(6);
    string_cut[0] = 0x93;
    let (message, line) = later(&string_cut, CloseReason::MalformedFrame).await;
    assert_eq!(message, "expected more bytes at byte 6");
    assert!(line.contains("offset=6"), "{line}");
    first(&hello(PROTOCOL_VERSION).encode(0)[..3], CloseReason::MalformedFrame).await;
    first(&[], CloseReason::MalformedFrame).await;
}

#[tokio::test]
async fn every_truncation_of_every_frame_ends_the_socket_and_nothing_else() {
    let mut bystander = Bystander::start().await;
    let frames = [
        click(0, 1, 1, INCREMENT).encode(1),
        ClientFrame::Event { ack: 0, seq: 1, behind: 0, instance: 1, slot: 0, payload: Payload::Text("a=b") }
            .encode(1),
        ClientFrame::Join { token: "t", mode: 0, applied: 0, settled: 0 }.encode(1),
        ClientFrame::Ack { ack: 300, behind: 0 }.encode(1),
        ClientFrame::Leave {}.encode(1),
        ClientFrame::Ping {}.encode(0),
    ];
    for frame in frames {
        for length in 0..frame.len() {
            let mut client = bystander.server.hello().await;
            client.send_bytes(frame[..length].to_vec()).await;
            client.ended(CloseReason::MalformedFrame).await;
        }
    }
    bystander.client.increments(1, 1).await;
    assert!(bystander.log.lines("panicked").is_empty());
}

#[tokio::test]
async fn oversized() {
    later(&vec![0xc0; INBOUND_FRAME_BYTES_MAX + 1], CloseReason::FrameTooLarge).await;
    later(&vec![0xc0; 4 * INBOUND_FRAME_BYTES_MAX], CloseReason::FrameTooLarge).await;
    first(&vec![0xc0; INBOUND_FRAME_BYTES_MAX + 1], CloseReason::FrameTooLarge).await;
}

#[tokio::test]
async fn oversized_in_parts() {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    let bystander = Bystander::start().await;
    let mut client = bystander.server.joined("/").await;
    for part in 0..2 {
        let code = if part == 0 { Data::Binary } else { Data::Continue };
        let frame = Frame::message(vec![0; EVENT_BYTES_MAX - 10], OpCode::Data(code), false);
        client.socket.send(Message::Frame(frame)).await.unwrap();
    }
    client.ended(CloseReason::FrameTooLarge).await;
    bystander.unharmed(CloseReason::FrameTooLarge).await;
}

#[tokio::test]
async fn wrong_version() {
    first(&hello(PROTOCOL_VERSION + 1).encode(0), CloseReason::ProtocolVersion).await;
    // A version whose hello has other fields is told apart from a malformed one all the same.
    first(&[0x94, 0, 0, 99, 0xc3], CloseReason::ProtocolVersion).await;
}

#[tokio::test]
async fn an_older_version_is_told_in_its_own_words() {
    use lightspeed_protocol::msgpack::Reader;

    for version in [0, 1] {
        let bystander = Bystander::start().await;
        let mut client = bystander.server.connect().await;
        client.send_bytes(hello(version).encode(0)).await;
        let Some(Message::Binary(frame)) = client.message().await else { panic!("a frame is expected") };
        // Before version 2 a close was `[session, kind, reason, message]`.
        let mut reader = Reader::new(&frame);
        assert_eq!(reader.array(), Ok(4));
        let numbers: Result<Vec<_>, _> = (0..3).map(|_| reader.uint32()).collect();
        assert_eq!(numbers, Ok(vec![0, 7, CloseReason::ProtocolVersion.code()]));
        let message = "This page is of another version than its server. Please load it again.";
        assert_eq!(reader.str(), Ok(message));
        assert_eq!(reader.end(), Ok(()));
        bystander.unharmed(CloseReason::ProtocolVersion).await;
    }
}

#[tokio::test]
async fn not_message_pack() {
    let (message, line) = later(&[0xc1], CloseReason::MalformedFrame).await;
    assert_eq!(message, "expected an array at byte 0");
    assert!(line.contains("offset=0"), "{line}");
    later(b"{\"session\": 1}", CloseReason::MalformedFrame).await;
    // A map, a float and a negative number are MessagePack that the wire has no use for.
    later(&[0x80], CloseReason::MalformedFrame).await;
    later(&[0x93, 1, 3, 0xca, 0, 0, 0, 0], CloseReason::MalformedFrame).await;
    later(&[0x93, 1, 3, 0xff], CloseReason::MalformedFrame).await;
    // A head that promises four billion values.
    later(&[0xdd, 0xff, 0xff, 0xff, 0xff], CloseReason::MalformedFrame).await;
    let trailed = [ClientFrame::Ack { ack: 0, behind: 0 }.encode(1), vec![0]].concat();
    later(&trailed, CloseReason::MalformedFrame).await;
    first(&[0xc1], CloseReason::MalformedFrame).await;
}

#[tokio::test]
async fn text_messages() {
    use futures_util::SinkExt;
    let bystander = Bystander::start().await;
    let mut client = bystander.server.joined("/").await;
    client.socket.send(Message::Text("[1, 3, 0]".into())).await.unwrap();
    assert_eq!(client.ended(CloseReason::MalformedFrame).await, "a text message: frames are binary");
    bystander.unharmed(CloseReason::MalformedFrame).await;
}

#[tokio::test]
async fn unknown_kind() {
    let (message, line) = later(&[0x92, 1, 99], CloseReason::UnknownKind).await;
    assert_eq!(message, "expected a kind of frame at byte 2");
    assert!(line.contains("offset=2"), "{line}");
    first(&[0x92, 0, 99], CloseReason::UnknownKind).await;
}

#[tokio::test]
async fn hello_comes_first_and_once() {
    first(&ClientFrame::Ping {}.encode(0), CloseReason::HelloExpected).await;
    first(&ClientFrame::Ack { ack: 0, behind: 0 }.encode(1), CloseReason::HelloExpected).await;
    later(&hello(PROTOCOL_VERSION).encode(0), CloseReason::HelloExpected).await;
    first(&hello(PROTOCOL_VERSION).encode(1), CloseReason::MalformedFrame).await;
    let mut templates = Writer::new();
    templates.array(1);
    templates.str("no fingerprint");
    let templates = Raw::new(templates.as_bytes());
    first(
        &ClientFrame::Hello { protocol: PROTOCOL_VERSION, build: "", templates }.encode(0),
        CloseReason::MalformedFrame,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_socket() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let mut mute = server.connect().await;
    mute.ended(CloseReason::Silent).await;
    let mut once = server.joined("/").await;
    // It doesn't read, so it doesn't answer the pings of the WebSocket either.
    tokio::time::sleep(Duration::from_millis(limits::SILENCE_MS_MAX + 1_000)).await;
    once.ended(CloseReason::Silent).await;
    assert_eq!(log.lines("reason=\"silent\"").len(), 2);
    assert_eq!(server.runtime.stats().parked, 1);
}

/// A page in the background: the browser answers pings, the client's own timers are held back.
#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_is_not_silent() {
    let server = TestServer::start().await;
    let mut client = server.joined("/").await;
    client.send(1, &ClientFrame::Ack { ack: 0, behind: 0 }).await;
    let hidden = Duration::from_millis(4 * limits::SILENCE_MS_MAX);
    assert!(tokio::time::timeout(hidden, client.message()).await.is_err(), "nothing but pings");
    client.increments(1, 0).await;
}

#[tokio::test]
async fn wrong_session() {
    let (message, line) = later(&click(0, 1, 1, INCREMENT).encode(2), CloseReason::UnknownSession).await;
    assert_eq!(message, CloseReason::UnknownSession.meaning().trim());
    assert!(line.contains("offset=1"), "{line}");
    later(&ClientFrame::Leave {}.encode(7), CloseReason::UnknownSession).await;
    later(&click(0, 1, 1, INCREMENT).encode(0), CloseReason::UnknownSession).await;
    later(
        &ClientFrame::Join { token: "", mode: 0, applied: 0, settled: 0 }.encode(0),
        CloseReason::MalformedFrame,
    )
    .await;
    later(
        &ClientFrame::Join { token: "", mode: 3, applied: 0, settled: 0 }.encode(2),
        CloseReason::MalformedFrame,
    )
    .await;
    later(&ClientFrame::Ping {}.encode(1), CloseReason::MalformedFrame).await;
}

#[tokio::test]
async fn a_session_that_was_left_is_unknown() {
    let bystander = Bystander::start().await;
    let mut client = bystander.server.joined("/").await;
    client.send(1, &ClientFrame::Leave {}).await;
    client.send(1, &ClientFrame::Ack { ack: 0, behind: 0 }).await;
    client.ended(CloseReason::UnknownSession).await;
    bystander.unharmed(CloseReason::UnknownSession).await;
}

#[tokio::test]
async fn a_bad_token_ends_its_session_only() {
    let bystander = Bystander::start().await;
    let mut client = bystander.server.joined("/").await;
    let mut token = bystander.server.token("/").await.into_bytes();
    token[40] = if token[40] == b'A' { b'B' } else { b'A' };
    client.join(2, std::str::from_utf8(&token).unwrap()).await;
    // Sent before the refusal was read: ignored, not a frame of an unknown session.
    client.click(2, 0, 1, INCREMENT).await;
    client.closed(2, CloseReason::BadToken).await;
    client.increments(1, 0).await;
    bystander.unharmed(CloseReason::BadToken).await;
}

/// What an event of a joined session leads to; another session on the same socket goes on.
async fn event(frame: ClientFrame<'_>, reason: CloseReason) {
    let bystander = Bystander::start().await;
    let mut client = bystander.server.joined("/").await;
    let other = bystander.server.token("/").await;
    client.adopt(2, &other).await;
    client.send(1, &frame).await;
    client.closed(1, reason).await;
    // Whatever else it says is ignored: it has been told.
    client.click(1, 0, 2, INCREMENT).await;
    client.increments(2, 0).await;
    let server = &bystander.server;
    crate::common::eventually(|| server.runtime.stats().sessions == 2).await;
    let line = bystander.unharmed(reason).await;
    assert!(line.contains("Counter") && line.contains("transition=\"closed\""), "{line}");
}

#[tokio::test]
async fn forged_places() {
    event(click(0, 1, 1, COUNT), CloseReason::ForgedPlace).await;
    event(click(0, 1, 1, 99), CloseReason::ForgedPlace).await;
    event(click(0, 1, u32::MAX, DECREMENT), CloseReason::ForgedPlace).await;
}

#[tokio::test]
async fn forged_numbers() {
    event(click(9, 1, 1, INCREMENT), CloseReason::BadAck).await;
    event(ClientFrame::Ack { ack: 9, behind: 0 }, CloseReason::BadAck).await;
    event(click(0, 3, 1, INCREMENT), CloseReason::SequenceGap).await;
}

#[tokio::test]
async fn too_many_sessions_on_one_socket() {
    let bystander = Bystander::start().await;
    let mut client = bystander.server.hello().await;
    let bound = u32::try_from(SESSIONS_PER_SOCKET_MAX).unwrap();
    for session in 1..=bound {
        let token = bystander.server.token("/").await;
        client.adopt(session, &token).await;
    }
    let token = bystander.server.token("/").await;
    client.join(bound + 1, &token).await;
    client.closed(bound + 1, CloseReason::TooManySessions).await;
    client.increments(3, 0).await;
    // One that has left makes room.
    client.send(5, &ClientFrame::Leave {}).await;
    client.adopt(bound + 1, &token).await;
    client.increments(bound + 1, 0).await;
    bystander.unharmed(CloseReason::TooManySessions).await;
}
