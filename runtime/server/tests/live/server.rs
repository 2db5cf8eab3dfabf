//! The server around the sessions: who may open a socket, who is waited for, how it ends.

use std::time::Duration;

use futures_util::SinkExt;
use lightspeed::Config;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ClientFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::common::{Log, TestServer, eventually};

#[tokio::test]
async fn pages_of_other_origins_open_no_socket() {
    let (log, _guard) = Log::start();
    let server = TestServer::with(Config::default().with_allowed_origin("https://shop.example")).await;
    let own = format!("http://{}", server.addr);
    for origin in [None, Some(own.as_str()), Some("https://shop.example")] {
        assert!(server.try_connect(origin).await.is_ok(), "{origin:?}");
    }
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "https://shop.example.evil.example"]
    {
        let Err(Error::Http(response)) = server.try_connect(Some(origin)).await else {
            panic!("{origin} got in")
        };
        assert_eq!(response.status(), 403);
        let text = String::from_utf8(response.into_body().unwrap()).unwrap();
        assert!(text.contains(origin) && text.contains("with_allowed_origin"), "{text}");
    }
    assert_eq!(log.lines("socket refused").len(), 4);
}

#[tokio::test]
async fn sockets_are_capped() {
    let server = TestServer::with(Config::default().with_sockets_max(1)).await;
    let client = server.connect().await;
    let Err(Error::Http(response)) = server.try_connect(None).await else { panic!("it got in") };
    assert_eq!(response.status(), 503);
    drop(client);
    while server.try_connect(None).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_plain_request_for_the_socket_is_told_so() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/lightspeed/socket").await.status(), 400);
}

#[tokio::test]
async fn a_shutdown_tells_every_socket_and_waits_for_it() {
    let server = TestServer::start().await;
    let mut joined = server.joined("/").await;
    let mut greeted = server.hello().await;
    let mut silent = server.connect().await;
    joined.increments(1, 0).await;
    let addr = server.addr;
    let ended = server.stop();
    // The session says when to come back, which is all that a client needs to know.
    joined.closed(1, CloseReason::ShuttingDown).await;
    for client in [&mut joined, &mut greeted, &mut silent] {
        client.ended(CloseReason::ShuttingDown).await;
    }
    drop((joined, greeted, silent));
    tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .expect("well before the deadline")
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(addr).await.is_err(), "nobody new is let in");
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_shuts_down() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(lightspeed::serve(listener, lightspeed::router()));
    // An answer shows that it runs, and so listens to signals.
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(stream.read(&mut [0; 8]).await.unwrap() > 0);
    let kill = std::process::Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status();
    assert!(kill.unwrap().success());
    tokio::time::timeout(Duration::from_secs(5), server).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_ever() {
    let server = TestServer::start().await;
    // Says nothing, reads nothing, closes nothing.
    let mut stuck = TcpStream::connect(server.addr).await.unwrap();
    stuck.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ").await.unwrap();
    let ended = server.stop();
    tokio::time::timeout(Duration::from_secs(11), ended).await.expect("the deadline").unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_cut_off() {
    let server = TestServer::start().await;
    let mut slow = TcpStream::connect(server.addr).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await.unwrap();
    let started = tokio::time::Instant::now();
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer).await;
    assert!(started.elapsed() < Duration::from_secs(12), "after {:?}", started.elapsed());
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_loses_its_socket() {
    let (log, _guard) = Log::start();
    let server = TestServer::start().await;
    let mut bystander = server.joined("/").await;
    let mut client = server.joined("/huge").await;
    // Ten patches of 700 kB fill the window, which is more than a loopback socket holds.
    for seq in 1..=10 {
        client.click(1, 0, seq, 0).await;
    }
    // It is heard all the time, so it isn't closed for silence.
    let mut is_heard = true;
    for _ in 0..60 {
        if !log.lines("reason=").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        if is_heard {
            let ping = ClientFrame::Ping {}.encode(0);
            is_heard = client.socket.send(Message::Binary(ping.into())).await.is_ok();
        }
        bystander.send(0, &ClientFrame::Ping {}).await;
        assert_eq!(bystander.frame().await.kind, "pong");
    }
    let lines = log.lines("reason=");
    assert!(lines.len() == 1 && lines[0].contains("too-slow"), "{lines:?}");
    eventually(|| server.runtime.stats().parked == 1).await;
    bystander.increments(1, 0).await;
}
