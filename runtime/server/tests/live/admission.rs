//! What a stranger can hold, over raw connections: each ends by itself, and leaves room for others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use lightspeed::limits::{
    HELLO_WITHIN, JOIN_WITHIN, MAKES_ROOM_AFTER, REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_WITHIN, STALL_MAX,
};
use lightspeed::{Config, Listener, Runtime, Server};
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::common::{Log, TestServer, click, eventually, hello, pages};
use crate::raw::{BINARY, FIN, PING, Raw, frame, request};

const SECOND: Duration = Duration::from_secs(1);

/// Says something each second until the server ends the connection; what it has heard, and when that was.
async fn until_cut(stream: &mut TcpStream, said: &[u8], within: Duration) -> (Vec<u8>, Duration) {
    let started = Instant::now();
    let mut heard = Vec::new();
    while started.elapsed() < within {
        match timeout(SECOND, stream.read_buf(&mut heard)).await {
            Ok(Ok(0) | Err(_)) => return (heard, started.elapsed()),
            Err(_) if stream.write_all(said).await.is_err() => return (heard, started.elapsed()),
            Ok(Ok(_)) | Err(_) => {}
        }
    }
    panic!("it is open after {within:?}");
}

/// A connection from one of the addresses of this machine.
async fn connect_from(server: &TestServer, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, last], 0).into()).unwrap();
    socket.connect(server.addr).await.unwrap()
}

/// The status of the answer to one request, and nothing else of it; `None` without one.
async fn status(mut stream: TcpStream, head: &str) -> Option<u16> {
    let request = format!("GET {head}connection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    let text = String::from_utf8_lossy(&heard);
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

const PAGE: &str = "/ HTTP/1.1\r\nhost: a\r\n";

#[tokio::test(start_paused = true)]
async fn a_socket_that_says_much_and_no_hello_is_cut_all_the_same() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    for said in [frame(FIN | PING, b"x"), frame(FIN | 0xa, b""), vec![FIN | BINARY]] {
        let mut raw = Raw::upgraded(&server).await;
        let started = Instant::now();
        let (writer, ear) = (&mut raw.writer, &mut raw.ear);
        let talk = async {
            // Nothing but whole pings and pongs, or a frame that never comes whole.
            let mut bytes = said.iter().cycle();
            loop {
                let next: Vec<u8> =
                    if said.len() > 1 { said.clone() } else { bytes.by_ref().take(1).copied().collect() };
                if writer.write_all(&next).await.is_err() {
                    std::future::pending::<()>().await;
                }
                sleep(SECOND).await;
                if said.len() == 1 {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            _ = ear.ended(CloseReason::Silent) => {}
            () = talk => {}
        }
        assert!(started.elapsed() <= HELLO_WITHIN + SECOND, "{:?}", started.elapsed());
    }
    assert_eq!(log.lines("reason=\"silent\"").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_socket_without_a_session_is_cut_whatever_it_says() {
    let server = TestServer::start().await;
    let ping = ClientFrame::Ping {}.encode(0);
    let join = ClientFrame::Join { token: "forged", mode: 0, applied: 0, settled: 0 }.encode(1);
    for said in [ping, join] {
        let mut raw = Raw::upgraded(&server).await;
        raw.send(0, &hello(PROTOCOL_VERSION)).await;
        let started = Instant::now();
        let (writer, ear) = (&mut raw.writer, &mut raw.ear);
        let talk = async {
            while writer.write_all(&frame(FIN | BINARY, &said)).await.is_ok() {
                sleep(SECOND).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = ear.ended(CloseReason::Silent) => {}
            () = talk => {}
        }
        assert!(started.elapsed() <= JOIN_WITHIN + 2 * SECOND, "{:?}", started.elapsed());
    }
    // Nor is one whose session has left; one with a session stays.
    let mut left = Raw::joined(&server).await;
    let mut stays = server.joined("/").await;
    left.send(1, &ClientFrame::Leave {}).await;
    let started = Instant::now();
    let (writer, ear) = (&mut left.writer, &mut left.ear);
    let talk = async {
        loop {
            let _ = writer.write_all(&frame(FIN | BINARY, &ClientFrame::Ping {}.encode(0))).await;
            stays.send(0, &ClientFrame::Ping {}).await;
            sleep(10 * SECOND).await;
        }
    };
    tokio::select! {
        _ = ear.ended(CloseReason::Silent) => {}
        () = talk => {}
    }
    assert!(started.elapsed() <= JOIN_WITHIN + 2 * SECOND, "{:?}", started.elapsed());
    while stays.frame().await.kind == "pong" {}
}

/// An answer without end; with the last of them, `guard` is let go of.
fn endless(guard: &Arc<()>) -> Router {
    let guard = Arc::downgrade(guard);
    let answer = async move || {
        let guard = guard.upgrade();
        Body::from_stream(futures_util::stream::repeat_with(move || {
            // Has the closure hold it.
            std::hint::black_box(&guard);
            Ok::<_, std::io::Error>("x".repeat(1 << 16))
        }))
    };
    Router::new().route("/", get(answer))
}

/// Requests behind each other, and none of their answers is read.
#[tokio::test(start_paused = true)]
async fn a_connection_that_reads_no_answers_is_cut() {
    let guard = Arc::new(());
    let server = TestServer::serve(Runtime::default(), endless(&guard)).await;
    for count in [1, 100] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(format!("GET {PAGE}\r\n").repeat(count).as_bytes()).await.unwrap();
        let started = Instant::now();
        eventually(|| Arc::strong_count(&guard) == 2).await;
        while Arc::strong_count(&guard) > 1 {
            sleep(SECOND).await;
            assert!(started.elapsed() <= STALL_MAX + 3 * SECOND, "it is open after {:?}", started.elapsed());
        }
        drop(stream);
    }
}

/// A client that reads slowly gets all of it.
#[tokio::test(start_paused = true)]
async fn a_connection_that_reads_slowly_gets_its_answer() {
    const SIZE: usize = 1 << 20;
    let app = Router::new().route("/", get(async || "x".repeat(SIZE)));
    let server = TestServer::serve(Runtime::default(), app).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(server.addr).await.unwrap();
    stream.write_all(format!("GET {PAGE}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut heard = 0;
    let mut part = vec![0; 32 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut part).await {
        heard += count;
        sleep(2 * SECOND).await;
    }
    assert!(heard > SIZE, "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_cut() {
    let app = Router::new().route("/", post(async |body: String| body.len().to_string()));
    let server = TestServer::serve(Runtime::default(), app).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n").await.unwrap();
    let (heard, after) = until_cut(&mut stream, b"x", 60 * SECOND).await;
    assert!(after <= STALL_MAX + 5 * SECOND, "{after:?}");
    assert!(!heard.starts_with(b"HTTP/1.1 200"));
    // A slow one arrives.
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 40000\r\n\r\n")
        .await
        .unwrap();
    for _ in 0..20 {
        sleep(SECOND).await;
        stream.write_all(&[b'x'; 2_000]).await.unwrap();
    }
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("40000"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_for_nothing_is_cut() {
    let server = TestServer::start().await;
    for asked in ["", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(asked.as_bytes()).await.unwrap();
        let (_, after) = until_cut(&mut stream, b"", 60 * SECOND).await;
        assert!(after <= REQUEST_HEAD_WITHIN + 2 * SECOND, "{asked:?}: {after:?}");
    }
}

#[tokio::test]
async fn half_a_connection_is_none() {
    let server = TestServer::with(Config::default().with_sockets_max(1)).await;
    let mut raw = Raw::joined(&server).await;
    raw.writer.shutdown().await.unwrap();
    while raw.ear.next().await.is_some() {}
    eventually(|| server.runtime.stats().parked == 1).await;
    while server.try_connect(None).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_head_has_a_bound() {
    let server = TestServer::start().await;
    let head = |bytes: usize| format!("{PAGE}x-much: {}\r\n", "x".repeat(bytes));
    let fits = status(connect_from(&server, 1).await, &head(REQUEST_HEAD_BYTES_MAX / 2)).await;
    assert_eq!(fits, Some(200));
    // The server may close before all is sent, and then its answer may be lost.
    for bytes in [2 * REQUEST_HEAD_BYTES_MAX, 360_000] {
        let refused = status(connect_from(&server, 1).await, &head(bytes)).await;
        assert!(matches!(refused, Some(431) | None), "{refused:?}");
        let upgrade = format!("{}x-much: {}\r\n\r\n", request(&server), "x".repeat(bytes));
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        let _ = stream.write_all(upgrade.as_bytes()).await;
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        assert!(!heard.starts_with(b"HTTP/1.1 101"));
    }
}

#[tokio::test]
async fn connections_of_an_address_are_capped_and_others_come_in() {
    let (log, _guard) = Log::start();
    let server = TestServer::with(Config::default().with_connections_per_ip_max(3)).await;
    // The first request tells the server of the bound.
    assert_eq!(status(connect_from(&server, 9).await, PAGE).await, Some(200));
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect_from(&server, 1).await);
    }
    assert_eq!(status(connect_from(&server, 1).await, PAGE).await, Some(429));
    assert_eq!(status(connect_from(&server, 2).await, PAGE).await, Some(200));
    assert_eq!(log.lines("connections refused").len(), 1, "a flood is no flood of lines");
    tokio::time::pause();
    tokio::time::advance(MAKES_ROOM_AFTER).await;
    assert_eq!(status(connect_from(&server, 1).await, PAGE).await, Some(200), "the oldest makes room");
    assert_eq!(held[0].read(&mut [0; 1]).await.unwrap(), 0);
}

/// The system has no more descriptors, though fewer connections are there than may be: another part of the
/// process has them.
struct Exhausted {
    listener: TcpListener,
    is_exhausted: Arc<AtomicBool>,
}

impl Listener for Exhausted {
    type Io = TcpStream;

    async fn accept(&mut self) -> std::io::Result<(TcpStream, SocketAddr)> {
        let accepted = self.listener.accept().await?;
        if self.is_exhausted.swap(false, Ordering::Relaxed) {
            return Err(std::io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error()));
        }
        Ok(accepted)
    }
}

#[tokio::test(start_paused = true)]
async fn without_descriptors_idle_connections_are_closed_and_others_are_accepted_soon() {
    let (log, _guard) = Log::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let is_exhausted = Arc::new(AtomicBool::new(false));
    let listener = Exhausted { listener, is_exhausted: Arc::clone(&is_exhausted) };
    let app = Router::new().route("/", get(async || "hello"));
    let task = tokio::spawn(Server::new(listener, app).with_shutdown(std::future::pending()).run());
    let mut idle = TcpStream::connect(addr).await.unwrap();
    assert_eq!(status(TcpStream::connect(addr).await.unwrap(), PAGE).await, Some(200));
    is_exhausted.store(true, Ordering::Relaxed);
    let started = Instant::now();
    let _lost = TcpStream::connect(addr).await.unwrap();
    assert_eq!(status(TcpStream::connect(addr).await.unwrap(), PAGE).await, Some(200));
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(started.elapsed() < SECOND / 2, "{:?}", started.elapsed());
    assert_eq!(log.lines("idle ones are closed").len(), 1);
    task.abort();
}

/// A server that may have few connections, most of which ping and say nothing.
#[tokio::test(start_paused = true)]
async fn sockets_that_say_nothing_leave_pages_for_others() {
    let runtime = Runtime::default();
    let app: Router = pages(lightspeed::router().runtime(&runtime)).into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::new(listener, app).with_connections_max(20).with_shutdown(async {
        let _ = stopped.await;
    });
    let task = tokio::spawn(server.run());
    let upgrade = "GET /lightspeed/socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let mut held = Vec::new();
    for last in 0..30 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1 + last / 15], 0).into()).unwrap();
        let mut stream = socket.connect(addr).await.unwrap();
        let _ = stream.write_all(upgrade.as_bytes()).await;
        let mut head = [0; 12];
        if stream.read_exact(&mut head).await.is_ok() && head == *b"HTTP/1.1 101" {
            held.push(stream);
        }
    }
    assert_eq!(held.len(), 20, "each address has half");
    for _ in 0..4 {
        tokio::time::advance(MAKES_ROOM_AFTER).await;
        for stream in &mut held {
            let _ = stream.write_all(&frame(FIN | PING, b"x")).await;
        }
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        assert_eq!(status(socket.connect(addr).await.unwrap(), PAGE).await, Some(200));
    }
    drop((stop, held));
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn sockets_of_an_address_are_capped_where_the_proxy_says_whose_they_are() {
    let config = Config::default().with_trusted_proxies(["127.0.0.1"]).with_sockets_per_ip_max(2);
    let server = TestServer::with(config).await;
    let from = async |ip: &str| server.connect_with(Some(("x-forwarded-for", ip))).await;
    let mut first = from("192.0.2.1").await.unwrap();
    let second = from("203.0.113.1, 192.0.2.1").await.unwrap();
    let Err(tokio_tungstenite::tungstenite::Error::Http(response)) = from("192.0.2.1").await else {
        panic!("it got in")
    };
    assert_eq!(response.status(), 429);
    assert!(from("192.0.2.2").await.is_ok());
    // A session that has joined doesn't make room.
    let token = server.token("/").await;
    first.send(0, &hello(PROTOCOL_VERSION)).await;
    assert_eq!(first.frame().await.kind, "welcome");
    first.adopt(1, &token).await;
    tokio::time::pause();
    tokio::time::advance(MAKES_ROOM_AFTER).await;
    let _third = from("192.0.2.1").await.unwrap();
    let mut second = second;
    second.ended(CloseReason::Unavailable).await;
    first.increments(1, 0).await;
}

#[tokio::test]
async fn what_a_stranger_writes_into_a_header_changes_nothing() {
    let read =
        |parts: &axum::http::request::Parts| parts.headers.get("x-real-ip")?.to_str().ok()?.parse().ok();
    for config in [
        Config::default(),
        Config::default().with_trusted_proxies(["192.0.2.0/24"]),
        Config::default().with_trusted_proxies(["192.0.2.0/24"]).with_client_ip(read),
    ] {
        let server = TestServer::with(config.with_sessions_per_ip_max(1)).await;
        let _held = server.joined("/").await;
        for forged in ["192.0.2.1", "198.51.100.1", "garbage", ""] {
            let headers =
                format!("x-forwarded-for: {forged}\r\nx-real-ip: {forged}\r\nforwarded: for={forged}\r\n");
            assert_eq!(server.request("GET", "/", &headers).await.status(), 429, "{forged}");
        }
    }
    // A function of the operator's that finds nothing.
    let server = TestServer::with(Config::default().with_client_ip(read).with_sessions_per_ip_max(1)).await;
    let _held = server.joined("/").await;
    for headers in ["", "x-real-ip: garbage\r\n"] {
        assert_eq!(server.request("GET", "/", headers).await.status(), 429);
    }
}

/// An application that is served by something else, which doesn't tell whose a connection is.
#[tokio::test]
async fn whose_address_is_not_known_is_capped_with_all_such() {
    let runtime = Runtime::new(Config::default().with_sessions_per_ip_max(3));
    let app: Router = pages(lightspeed::router().runtime(&runtime)).into();
    let app = app.layer(axum::Extension(crate::common::Mounts::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let task = tokio::spawn(async { axum::serve(listener, app).await });
    for _ in 0..10 {
        assert_eq!(status(TcpStream::connect(addr).await.unwrap(), PAGE).await, Some(200));
    }
    assert_eq!(runtime.stats().sessions, 3);
    task.abort();
}

/// Asks for much and acknowledges none of it; when its address has no room left, it loses its socket and what
/// waits, and has the document when it comes back. Who asks for little doesn't notice.
#[tokio::test]
async fn what_is_kept_for_an_address_has_a_bound() {
    let (log, _guard) = Log::start();
    let server = TestServer::with(Config::default().with_waiting_bytes_per_ip_max(2 << 20)).await;
    let mut bystander = server.joined("/").await;
    let mut greedy = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::joined_to(&server, "/huge").await;
        for seq in 1..=3 {
            raw.send(1, &click(0, seq, 1, 0)).await;
        }
        greedy.push(raw);
    }
    let mut is_closed = false;
    for raw in &mut greedy {
        while let Ok(Some((opcode, payload))) = timeout(SECOND / 2, raw.ear.next()).await {
            let said = lightspeed_protocol::frame::ServerFrame::decode(&payload);
            is_closed |= opcode == BINARY && said.is_ok_and(|(_, said)| said.name() == "close");
        }
    }
    assert!(is_closed, "one of them was told");
    assert!(!log.lines("lets go of what its client hasn't acknowledged").is_empty());
    bystander.increments(1, 0).await;
    drop(greedy);
    eventually(|| server.runtime.stats().parked == 4).await;
    // There is room again for whoever comes.
    let mut next = server.joined("/huge").await;
    next.click(1, 0, 1, 0).await;
    assert_eq!(next.frame().await.kind, "patch");
}
