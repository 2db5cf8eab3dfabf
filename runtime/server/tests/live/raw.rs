//! Bytes that no WebSocket library sends: each case ends in its named reason, or leaves the
//! server as it was, and a bystander is served all the while.

use std::time::Duration;

use lightspeed::Config;
use lightspeed::limits::{
    EVENT_BYTES_MAX, FRAME_HEAD_BYTES_MAX, HELLO_WITHIN, INBOUND_FRAME_BYTES_MAX, INBOX_EVENTS_MAX,
    OUTBOUND_FRAME_BYTES_MAX, OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX, REQUEST_HEAD_WITHIN,
    SESSIONS_PER_SOCKET_MAX,
};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::{PROTOCOL_VERSION, limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::common::{INCREMENT, TestServer, click, eventually, hello};
use crate::hostile::Bystander;

pub(crate) const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// The largest message that a session is sent.
const MESSAGE_BYTES_MAX: usize = EVENT_BYTES_MAX + FRAME_HEAD_BYTES_MAX;

/// A request for the socket without the line that ends it.
pub(crate) fn request(server: &TestServer) -> String {
    format!(
        "GET /lightspeed/socket HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        server.addr
    )
}

/// A frame of RFC 6455, 5.2: masked, with a mask that changes nothing.
pub(crate) fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![head];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..=125) => bytes.push(MASKED | u8::try_from(length).unwrap()),
        Ok(length) => {
            bytes.push(MASKED | 0x7e);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(MASKED | 0x7f);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// A connection, byte by byte.
pub(crate) struct Raw {
    pub(crate) writer: OwnedWriteHalf,
    pub(crate) ear: Ear,
}

/// What comes of a connection.
pub(crate) struct Ear {
    reader: OwnedReadHalf,
    /// What has come and is not taken apart yet.
    buffer: Vec<u8>,
}

impl Raw {
    /// A connection that has become a WebSocket. What it doesn't read piles up soon: its buffer is small,
    /// though not so small that the kernel drops what comes and waits for seconds before it comes again.
    pub(crate) async fn upgraded(server: &TestServer) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut stream = socket.connect(server.addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(format!("{}\r\n", request(server)).as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        let (reader, writer) = stream.into_split();
        Self { writer, ear: Ear { reader, buffer: Vec::new() } }
    }

    /// With a session of a counter joined as 1.
    pub(crate) async fn joined(server: &TestServer) -> Self {
        Self::joined_to(server, "/").await
    }

    /// With a session of the page at `path` joined as 1.
    pub(crate) async fn joined_to(server: &TestServer, path: &str) -> Self {
        let token = server.token(path).await;
        let mut raw = Self::upgraded(server).await;
        raw.send(0, &hello(PROTOCOL_VERSION)).await;
        raw.send(1, &ClientFrame::Join { token: &token, mode: 0, applied: 0, settled: 0 }).await;
        raw.ear.until(1, "snapshot").await;
        raw
    }

    pub(crate) async fn send(&mut self, session: u32, said: &ClientFrame<'_>) {
        self.write(&frame(FIN | BINARY, &said.encode(session))).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
    }
}

impl Ear {
    /// The server's next frame: opcode and payload; `None` when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((head, payload, rest)) = taken(&self.buffer) {
                let found = (head & 0xf, payload.to_vec());
                self.buffer = rest.to_vec();
                return Some(found);
            }
            match self.reader.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Reads until a frame of this kind comes for `session`.
    pub(crate) async fn until(&mut self, session: u32, kind: &str) -> Vec<u8> {
        loop {
            let (opcode, payload) = self.next().await.expect("the connection stays");
            let said = ServerFrame::decode(&payload);
            if opcode == BINARY
                && said.is_ok_and(|(for_session, said)| (for_session, said.name()) == (session, kind))
            {
                return payload;
            }
        }
    }

    /// Expects the end of the socket: the frame, and then the WebSocket's own close.
    pub(crate) async fn ended(&mut self, reason: CloseReason) -> String {
        let payload = timeout(Duration::from_mins(5), self.until(0, "close")).await.expect("an end");
        let Ok((0, ServerFrame::Close { reason: code, message, .. })) = ServerFrame::decode(&payload) else {
            unreachable!()
        };
        assert_eq!(CloseReason::from_code(code), Some(reason), "{message}");
        let (opcode, close) = self.next().await.expect("a close is expected");
        assert_eq!((opcode, &close[..2]), (CLOSE, &reason.websocket_code().to_be_bytes()[..]));
        message.to_owned()
    }
}

/// Takes a server's frame, which is unmasked, off `bytes`: its first byte, its payload, the rest.
fn taken(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[head, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        126 => rest
            .split_first_chunk::<2>()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        127 => rest.split_first_chunk::<8>().map(|(length, rest)| (usize::from_be_bytes(*length), rest))?,
        length => (usize::from(length), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((head, payload, rest))
}

/// Waits for `hostile` to end while the bystander asks for an answer now and then, and gets it.
async fn meanwhile<T>(bystander: &mut Bystander, hostile: impl Future<Output = T>) -> T {
    let mut hostile = std::pin::pin!(hostile);
    loop {
        tokio::select! {
            ended = &mut hostile => return ended,
            () = tokio::time::sleep(Duration::from_millis(limits::HEARTBEAT_MS / 3)) => {}
        }
        bystander.client.send(0, &ClientFrame::Ping {}).await;
        assert_eq!(bystander.client.frame().await.kind, "pong");
    }
}

/// What `bytes` lead to on a connection that a session has joined.
async fn later(bytes: Vec<u8>, reason: CloseReason) -> String {
    let mut bystander = Bystander::start().await;
    let mut raw = Raw::joined(&bystander.server).await;
    raw.write(&bytes).await;
    let message = meanwhile(&mut bystander, raw.ear.ended(reason)).await;
    let server = &bystander.server;
    eventually(|| server.runtime.stats().parked == 1).await;
    bystander.unharmed(reason).await;
    message
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_never_finished_takes_no_socket() {
    let server = TestServer::with(Config::default().with_sockets_max(1)).await;
    let started = Instant::now();
    let mut slow = TcpStream::connect(server.addr).await.unwrap();
    slow.write_all(request(&server).as_bytes()).await.unwrap();
    let mut bystander = server.joined("/").await;
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer).await;
    assert!(started.elapsed() <= REQUEST_HEAD_WITHIN + Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(!answer.starts_with(b"HTTP/1.1 101"));
    bystander.increments(1, 0).await;
}

/// A byte now and then is no sign of life: a message has to come at some rate.
#[tokio::test(start_paused = true)]
async fn a_frame_that_comes_byte_by_byte_ends_in_silence() {
    let silence = Duration::from_millis(limits::SILENCE_MS_MAX);
    for (is_joined, within) in [(false, HELLO_WITHIN), (true, silence)] {
        let mut bystander = Bystander::start().await;
        let server = &bystander.server;
        let mut raw = if is_joined { Raw::joined(server).await } else { Raw::upgraded(server).await };
        let started = Instant::now();
        // A byte a second: never silent for long, and never whole.
        let writer = &mut raw.writer;
        let dribble = async {
            for byte in frame(FIN | BINARY, &[0x92; 125]) {
                if writer.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let ended = async {
            tokio::select! {
                _ = raw.ear.ended(CloseReason::Silent) => {}
                () = dribble => panic!("the server listens still"),
            }
        };
        meanwhile(&mut bystander, ended).await;
        assert!(started.elapsed() <= within + Duration::from_secs(1), "{:?}", started.elapsed());
        bystander.unharmed(CloseReason::Silent).await;
    }
}

/// A header that promises the largest payload there may be, and then nothing.
#[tokio::test(start_paused = true)]
async fn a_payload_that_is_promised_and_never_sent_ends_in_silence() {
    let mut bytes = frame(FIN | BINARY, &vec![0; INBOUND_FRAME_BYTES_MAX]);
    bytes.truncate(20);
    later(bytes, CloseReason::Silent).await;
}

#[tokio::test]
async fn a_payload_that_no_machine_could_hold_is_refused_by_its_header() {
    for length in [1 << 63, u64::MAX, u64::from(u32::MAX), MESSAGE_BYTES_MAX as u64 + 1] {
        let mut bytes = vec![FIN | BINARY, MASKED | 0x7f];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 4]);
        later(bytes, CloseReason::FrameTooLarge).await;
    }
}

/// Fragments of `size` bytes until one byte more than a message may have is sent.
fn fragments(size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sent = 0;
    while sent <= MESSAGE_BYTES_MAX {
        bytes.extend(frame(if sent == 0 { BINARY } else { CONTINUATION }, &vec![0; size]));
        sent += size;
    }
    bytes
}

#[tokio::test]
async fn fragments_are_counted_together() {
    for size in [7, 1024, INBOUND_FRAME_BYTES_MAX, MESSAGE_BYTES_MAX] {
        later(fragments(size), CloseReason::FrameTooLarge).await;
    }
    // As many of one byte as a message may have, and the end: a message like any other.
    let mut whole = frame(BINARY, &[0xc1]);
    for _ in 2..INBOUND_FRAME_BYTES_MAX {
        whole.extend(frame(CONTINUATION, &[0]));
    }
    whole.extend(frame(FIN | CONTINUATION, &[0]));
    later(whole, CloseReason::MalformedFrame).await;
}

/// An event of 60 kB at 1.5 kB a second: it takes longer than a silence may, and arrives. Meanwhile the
/// client hears that it is heard, for its pings wait behind the event.
#[tokio::test(start_paused = true)]
async fn a_large_event_that_comes_slowly_arrives() {
    let mut bystander = Bystander::start().await;
    let mut raw = Raw::joined(&bystander.server).await;
    let text = "x".repeat(60_000);
    let payload = Payload::Text(&text);
    let event = ClientFrame::Event { ack: 0, seq: 1, behind: 0, instance: 1, slot: INCREMENT, payload };
    let bytes = frame(FIN | BINARY, &event.encode(1));
    let writer = &mut raw.writer;
    let ear = &mut raw.ear;
    let started = Instant::now();
    let slowly = async {
        for part in bytes.chunks(1_500) {
            writer.write_all(part).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let heard = async {
        let mut pongs = 0;
        let mut heard_at = Instant::now();
        loop {
            let (opcode, payload) = ear.next().await.expect("the connection stays");
            let Ok((_, said)) = ServerFrame::decode(&payload) else { continue };
            if opcode != BINARY {
                continue;
            }
            assert!(
                heard_at.elapsed() < Duration::from_secs(5),
                "a client that probes gives up after so long"
            );
            heard_at = Instant::now();
            match said.name() {
                "pong" => pongs += 1,
                "patch" => return pongs,
                name => panic!("{name}"),
            }
        }
    };
    let both = async {
        tokio::select! {
            () = slowly => unreachable!(),
            pongs = heard => pongs,
        }
    };
    let pongs = meanwhile(&mut bystander, both).await;
    assert!(started.elapsed() > Duration::from_millis(limits::SILENCE_MS_MAX), "{:?}", started.elapsed());
    assert!(pongs >= 10, "{pongs}");
}

/// What comes before a hello is not one, however much there is of it.
#[tokio::test(start_paused = true)]
async fn pings_give_no_time_to_a_hello() {
    let mut bystander = Bystander::start().await;
    let mut raw = Raw::upgraded(&bystander.server).await;
    let started = Instant::now();
    let (writer, ear) = (&mut raw.writer, &mut raw.ear);
    let pings = async {
        while writer.write_all(&frame(FIN | PING, b"here")).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let ended = async {
        tokio::select! {
            _ = ear.ended(CloseReason::Silent) => {}
            () = pings => unreachable!(),
        }
    };
    meanwhile(&mut bystander, ended).await;
    assert!(started.elapsed() <= HELLO_WITHIN + Duration::from_secs(1), "{:?}", started.elapsed());
    bystander.unharmed(CloseReason::Silent).await;
}

/// Before a session has joined, no more is taken than a hello and a join need, however much is promised.
#[tokio::test]
async fn a_large_message_is_for_a_session() {
    let event = click(0, 1, 1, INCREMENT);
    let ClientFrame::Event { ack, seq, behind, instance, slot, .. } = event else { unreachable!() };
    let text = "x".repeat(200_000);
    let payload = Payload::Text(&text);
    let event = ClientFrame::Event { ack, seq, behind, instance, slot, payload }.encode(1);
    for is_greeted in [false, true] {
        let bystander = Bystander::start().await;
        let mut raw = Raw::upgraded(&bystander.server).await;
        if is_greeted {
            raw.send(0, &hello(PROTOCOL_VERSION)).await;
            raw.ear.until(0, "welcome").await;
        }
        raw.write(&frame(FIN | BINARY, &event)[..100_000]).await;
        raw.ear.ended(CloseReason::FrameTooLarge).await;
        bystander.unharmed(CloseReason::FrameTooLarge).await;
    }
}

/// They add up to nothing, so no bound of bytes ends them; that of patience does.
#[tokio::test(start_paused = true)]
async fn empty_fragments_end_in_silence() {
    let mut bytes = frame(BINARY, &[]);
    for _ in 0..50_000 {
        bytes.extend(frame(CONTINUATION, &[]));
    }
    later(bytes, CloseReason::Silent).await;
}

#[tokio::test]
async fn bad_utf8() {
    for payload in [&b"\xff\xfe"[..], b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"] {
        later(frame(FIN | TEXT, payload), CloseReason::MalformedFrame).await;
        // In two fragments, of which only the second tells.
        let parts = [frame(TEXT, b"good"), frame(FIN | CONTINUATION, payload)].concat();
        later(parts, CloseReason::MalformedFrame).await;
        // In the reason of a close frame.
        let close = [&1000u16.to_be_bytes()[..], payload].concat();
        later(frame(FIN | CLOSE, &close), CloseReason::MalformedFrame).await;
    }
}

#[tokio::test]
async fn frames_that_rfc_6455_forbids() {
    let ping = ClientFrame::Ping {}.encode(0);
    let mut unmasked = vec![FIN | BINARY, u8::try_from(ping.len()).unwrap()];
    unmasked.extend(&ping);
    let cases = [
        ("unmasked, 5.1", unmasked),
        ("a reserved bit, 5.2", frame(FIN | 0x40 | BINARY, &ping)),
        ("another reserved bit, 5.2", frame(FIN | 0x20 | BINARY, &ping)),
        ("the third reserved bit, 5.2", frame(FIN | 0x10 | BINARY, &ping)),
        ("a reserved opcode, 5.2", frame(FIN | 0x3, &ping)),
        ("a reserved control opcode, 5.2", frame(FIN | 0xb, &ping)),
        ("a continuation of nothing, 5.4", frame(FIN | CONTINUATION, &ping)),
        ("a message within a message, 5.4", [frame(BINARY, &ping), frame(FIN | BINARY, &ping)].concat()),
        ("a control frame in parts, 5.5", frame(PING, b"")),
        ("a large control frame, 5.5", frame(FIN | PING, &[0; 126])),
        ("half a close code, 5.5.1", frame(FIN | CLOSE, &[3])),
    ];
    for (what, bytes) in cases {
        let message = later(bytes, CloseReason::MalformedFrame).await;
        assert_eq!(message, "not WebSocket framing", "{what}");
    }
}

/// Sends `bytes` again and again and reads nothing, until the server gives the connection up;
/// the bystander is served meanwhile. How many times they were sent.
async fn flood(
    bystander: &mut Bystander,
    raw: &mut Raw,
    mut next: impl FnMut(usize) -> Vec<u8>,
    max: usize,
) -> usize {
    for sent in 0..max {
        if raw.writer.write_all(&next(sent)).await.is_err() {
            return sent;
        }
        if sent % 16 == 0 {
            bystander.client.send(0, &ClientFrame::Ping {}).await;
            assert_eq!(bystander.client.frame().await.kind, "pong");
            if !bystander.log.lines("reason=").is_empty() {
                return sent;
            }
        }
    }
    max
}

/// What the kernel holds of one loopback connection, with a margin.
const KERNEL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Ten patches of 700 kB fill the window. From there on nothing is shown and so nothing acknowledged, and of events that
/// nothing has shown an honest client keeps no more than a few hundred.
#[tokio::test]
async fn a_flood_of_events_from_a_client_that_does_not_read() {
    let mut bystander = Bystander::start().await;
    let mut raw = Raw::joined_to(&bystander.server, "/huge").await;
    let event = |sent: usize| frame(FIN | BINARY, &click(0, sent as u64 + 1, 1, 0).encode(1));
    let sent = flood(&mut bystander, &mut raw, event, EVENTS_MAX).await;
    assert!(sent < EVENTS_MAX, "{sent} events were taken from one who reads none of their answers");
    let server = &bystander.server;
    eventually(|| server.runtime.stats().parked == 1).await;
    assert_eq!(server.runtime.stats().sessions, 2);
    bystander.unharmed(CloseReason::TooSlow).await;
}

/// More than the outbox and the inbox hold, for what is under way in the kernel counts too.
const EVENTS_MAX: usize = 4 * (OUTBOX_FRAMES_MAX + INBOX_EVENTS_MAX);

/// Each join is answered with a snapshot, here of 700 kB.
#[tokio::test]
async fn a_flood_of_joins_from_a_client_that_does_not_read() {
    let mut bystander = Bystander::start().await;
    let token = bystander.server.token("/huge").await;
    let mut raw = Raw::joined(&bystander.server).await;
    raw.send(2, &ClientFrame::Join { token: &token, mode: 2, applied: 0, settled: 0 }).await;
    let joined = raw.ear.until(2, "joined").await;
    raw.ear.until(2, "snapshot").await;
    raw.send(2, &click(1, 1, 2, 0)).await;
    raw.ear.until(2, "patch").await;
    let Ok((_, ServerFrame::Joined { token, .. })) = ServerFrame::decode(&joined) else { unreachable!() };
    // The tokens that come from here on are not used, so that this one still counts.
    let join = ClientFrame::Join { token, mode: 2, applied: 0, settled: 0 }.encode(2);
    let sent = flood(&mut bystander, &mut raw, |_| frame(FIN | BINARY, &join), JOINS_MAX).await;
    assert!(sent < JOINS_MAX, "{sent} joins were answered to one who reads no answers");
    let server = &bystander.server;
    eventually(|| server.runtime.stats().parked == 2).await;
    assert_eq!(server.runtime.stats().sessions, 3);
    bystander.unharmed(CloseReason::TooSlow).await;
}

/// As many as the inbox holds, the answers that the outbox and the kernel hold, and as many again.
const JOINS_MAX: usize = 2 * (INBOX_EVENTS_MAX + (OUTBOX_BYTES_MAX + KERNEL_BYTES_MAX) / 700_000);

#[tokio::test]
async fn a_flood_of_joins_with_bad_tokens_holds_nothing() {
    let bystander = Bystander::start().await;
    let mut raw = Raw::joined(&bystander.server).await;
    let count = 4 * u32::try_from(SESSIONS_PER_SOCKET_MAX).unwrap();
    for session in 2..2 + count {
        raw.send(session, &ClientFrame::Join { token: "forged", mode: 0, applied: 0, settled: 0 }).await;
        let payload = raw.ear.until(session, "close").await;
        let Ok((_, ServerFrame::Close { reason, .. })) = ServerFrame::decode(&payload) else {
            unreachable!()
        };
        assert_eq!(CloseReason::from_code(reason), Some(CloseReason::BadToken));
    }
    assert_eq!(bystander.server.runtime.stats().sessions, 2);
    // Those that were refused have made room, and the session that was there goes on.
    raw.send(1, &click(0, 1, 1, INCREMENT)).await;
    raw.ear.until(1, "patch").await;
    assert_eq!(bystander.log.lines("bad-token").len(), count as usize);
}

/// Pings of the WebSocket itself. Their answers wait in the WebSocket's own buffer, which has a bound;
/// beyond it only the last ping is answered, as RFC 6455, 5.5.3 has it.
#[tokio::test]
async fn a_flood_of_pings_is_answered_as_far_as_a_buffer_reaches() {
    let mut bystander = Bystander::start().await;
    let mut raw = Raw::joined(&bystander.server).await;
    // Many at once: what isn't read for 10 seconds ends the socket.
    let ping = frame(FIN | PING, &[7; 125]).repeat(500);
    let count = 140;
    assert_eq!(
        flood(&mut bystander, &mut raw, |_| ping.clone(), count).await,
        count,
        "nobody is too slow yet"
    );
    raw.send(1, &click(0, 1, 1, INCREMENT)).await;
    let mut pongs = 0;
    loop {
        let (opcode, payload) = raw.ear.next().await.expect("the connection stays");
        pongs += usize::from(opcode == PONG);
        if matches!(ServerFrame::decode(&payload), Ok((1, ServerFrame::Patch { .. }))) {
            break;
        }
    }
    let waiting = pongs * 127;
    assert!(waiting > OUTBOUND_FRAME_BYTES_MAX / 2, "the flood reached the bound: {waiting} bytes");
    assert!(waiting < OUTBOUND_FRAME_BYTES_MAX + KERNEL_BYTES_MAX, "{waiting} bytes of answers waited");
    bystander.client.increments(1, 1).await;
}

#[tokio::test]
async fn a_flood_of_pings_from_a_client_that_never_reads() {
    let mut bystander = Bystander::start().await;
    let mut raw = Raw::joined(&bystander.server).await;
    let ping = frame(FIN | PING, &[7; 125]).repeat(100);
    flood(&mut bystander, &mut raw, |_| ping.clone(), 1_500).await;
    // The socket's own heartbeat finds that nothing is read.
    tokio::time::pause();
    let log = bystander.log.clone();
    let told = async {
        while log.lines("reason=").is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    meanwhile(&mut bystander, told).await;
    bystander.unharmed(CloseReason::TooSlow).await;
}
