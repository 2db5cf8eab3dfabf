//! Strangers who hold what they can: raw connections from many addresses of loopback.
//!
//! Each kind does one thing, over and over, until it is told to stop. What the server does with it is counted.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lightspeed_protocol::frame::ClientFrame;
use lightspeed_protocol::msgpack::{Payload, Raw};
use lightspeed_protocol::{PROTOCOL_VERSION, frame::ServerFrame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::joined::Place;

/// What a stranger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Opens a socket, pings, and never says hello.
    Mute,
    /// Sends the head of a request byte by byte.
    Drip,
    /// Asks for many pages behind each other and reads none.
    Deaf,
    /// Creates 10,000 rows again and again, and acknowledges nothing.
    Greedy,
    /// Opens a page and its socket, and leaves both, at once and again.
    Storm,
    /// Asks for pages, and joins none of them.
    Crawl,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Mute, Self::Drip, Self::Deaf, Self::Greedy, Self::Storm, Self::Crawl];

    /// How many strangers of it there are for a siege of `size`.
    pub const fn count(self, size: usize) -> usize {
        match self {
            Self::Mute => size,
            Self::Drip | Self::Deaf => size / 2,
            Self::Greedy => size / 20,
            Self::Storm | Self::Crawl => size / 100,
        }
    }
}

/// What became of them.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections that were opened.
    pub opened: AtomicU64,
    /// Those that were refused, at once or by an answer.
    pub refused: AtomicU64,
    /// Those that the server ended.
    pub cut: AtomicU64,
}

/// A stranger, at `addr` from `source`.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// The server.
    pub addr: SocketAddr,
    /// The stranger's own address.
    pub source: Ipv4Addr,
    /// The place of the button that creates 10,000 rows.
    pub lots: Place,
    /// What became of all strangers.
    pub counts: Arc<Counts>,
}

/// How long a stranger waits before it comes back.
const PAUSE: Duration = Duration::from_millis(200);

/// How long it waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

impl Stranger {
    /// Does what its kind does until it is told to stop; whatever it holds is let go of then.
    pub async fn run(self, kind: Kind, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stop.wait_for(|is_stopped| *is_stopped) => return,
                _ = self.once(kind) => {}
            }
            tokio::select! {
                _ = stop.wait_for(|is_stopped| *is_stopped) => return,
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// One connection, or a few; an error is that it was let go of.
    async fn once(&self, kind: Kind) -> std::io::Result<()> {
        match kind {
            Kind::Mute => {
                let mut stream = self.upgraded().await?;
                self.talk(&mut stream, &frame(0x9, b"x")).await
            }
            Kind::Drip => {
                let mut stream = self.connect().await?;
                stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await?;
                self.talk(&mut stream, b"x").await
            }
            Kind::Deaf => {
                let mut stream = self.connect().await?;
                stream.write_all(&b"GET /rows HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100)).await?;
                // It notices that it was cut without reading.
                while stream.take_error()?.is_none() {
                    sleep(PAUSE).await;
                    if stream.write_all(b"GET /rows HTTP/1.1\r\nhost: a\r\n\r\n").await.is_err() {
                        break;
                    }
                }
                self.counts.cut.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Kind::Greedy => {
                let token = self.page("/rows").await?;
                let mut stream = self.joined(&token).await?;
                for seq in 1..=12 {
                    let Place(instance, slot) = self.lots;
                    let payload = Payload::None;
                    let event = ClientFrame::Event { ack: 0, seq, behind: 0, instance, slot, payload };
                    stream.write_all(&frame(0x2, &event.encode(1))).await?;
                    sleep(PAUSE).await;
                }
                self.talk(&mut stream, &frame(0x2, &ClientFrame::Ping {}.encode(0))).await
            }
            Kind::Storm => {
                let token = self.page("/counter").await?;
                self.joined(&token).await.map(drop)
            }
            Kind::Crawl => self.page("/counter").await.map(drop),
        }
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.source, 0).into())?;
        let stream = socket.connect(self.addr).await?;
        stream.set_nodelay(true)?;
        self.counts.opened.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    /// Says the same each second, and reads, until the server ends it.
    async fn talk(&self, stream: &mut TcpStream, said: &[u8]) -> std::io::Result<()> {
        let mut heard = vec![0; 4096];
        loop {
            match timeout(Duration::from_secs(1), stream.read(&mut heard)).await {
                Ok(Ok(0) | Err(_)) => break,
                Err(_) if stream.write_all(said).await.is_err() => break,
                Ok(Ok(_)) | Err(_) => {}
            }
        }
        self.counts.cut.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn refused(&self) -> std::io::Error {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        std::io::Error::other("refused")
    }

    async fn upgraded(&self) -> std::io::Result<TcpStream> {
        let mut stream = self.connect().await?;
        let request = format!(
            "GET /lightspeed/socket HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            self.addr
        );
        stream.write_all(request.as_bytes()).await.map_err(|_| self.refused())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(answer(stream.read_u8()).await.map_err(|_| self.refused())?);
        }
        if head.starts_with(b"HTTP/1.1 101") { Ok(stream) } else { Err(self.refused()) }
    }

    /// The token of a page.
    async fn page(&self, path: &str) -> std::io::Result<String> {
        let mut stream = self.connect().await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.addr);
        stream.write_all(request.as_bytes()).await.map_err(|_| self.refused())?;
        let mut page = String::new();
        answer(stream.read_to_string(&mut page)).await.map_err(|_| self.refused())?;
        let token = page.split_once("data-session=\"").and_then(|(_, rest)| rest.split('"').next());
        token.map(str::to_owned).ok_or_else(|| self.refused())
    }

    /// A socket that a session has joined as 1.
    async fn joined(&self, token: &str) -> std::io::Result<TcpStream> {
        let mut stream = self.upgraded().await?;
        let hello =
            ClientFrame::Hello { protocol: PROTOCOL_VERSION, build: "", templates: Raw::new(&[0x90]) };
        stream.write_all(&frame(0x2, &hello.encode(0))).await?;
        let join = ClientFrame::Join { token, mode: 0, applied: 0, settled: 0 };
        stream.write_all(&frame(0x2, &join.encode(1))).await?;
        loop {
            let payload = answer(next(&mut stream)).await?;
            match ServerFrame::decode(&payload) {
                Ok((1, ServerFrame::Joined { .. })) => return Ok(stream),
                Ok((_, ServerFrame::Close { .. })) => return Err(self.refused()),
                _ => {}
            }
        }
    }
}

async fn answer<T>(awaited: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    timeout(ANSWER_WITHIN, awaited).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

/// The payload of the server's next message.
async fn next(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let _ = stream.read_u8().await?;
    let length = match stream.read_u8().await? {
        126 => u64::from(stream.read_u16().await?),
        127 => stream.read_u64().await?,
        length => u64::from(length),
    };
    let mut payload = Vec::new();
    (&mut *stream).take(length).read_to_end(&mut payload).await?;
    Ok(payload)
}

/// A frame of RFC 6455, 5.2 that is whole: masked, with a mask that changes nothing.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    if let Ok(length @ 0..=125) = u8::try_from(payload.len()) {
        bytes.push(0x80 | length);
    } else {
        bytes.push(0x80 | 0x7e);
        bytes.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}
