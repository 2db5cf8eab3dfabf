//! A client as small as can be: it keeps no document, and between two frames nothing but its stream.

use std::io;

use futures_util::FutureExt as _;
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::{Payload, Raw};
use lightspeed_testing::native::inflate::inflated;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// One end of a WebSocket.
#[derive(Debug)]
pub struct Peer<S> {
    stream: S,
    seq: u64,
    version: u64,
}

const BINARY: u8 = 2;
const PONG: u8 = 10;

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Asks for the WebSocket at `path`.
    ///
    /// # Errors
    ///
    /// When the connection is lost or the server refuses.
    pub async fn open(mut stream: S, path: &str) -> io::Result<Self> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(256);
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
        }
        Ok(Self { stream, seq: 0, version: 0 })
    }

    /// Joins the session of a page that has its HTML.
    ///
    /// # Errors
    ///
    /// When the connection is lost or the server refuses.
    pub async fn join(&mut self, token: &str) -> io::Result<()> {
        let hello =
            ClientFrame::Hello { protocol: PROTOCOL_VERSION, build: "", templates: Raw::new(&[0x90]) };
        self.send(BINARY, &hello.encode(0)).await?;
        let join = ClientFrame::Join { token, mode: JoinMode::Adopt.code(), applied: 0, settled: 0 };
        self.send(BINARY, &join.encode(1)).await?;
        self.take_version().await
    }

    /// Clicks at a slot of the root, and waits for what comes of it.
    ///
    /// # Errors
    ///
    /// When the connection is lost or the session ends.
    pub async fn click(&mut self, slot: u32) -> io::Result<()> {
        self.seq += 1;
        let (ack, seq, payload) = (self.version, self.seq, Payload::None);
        let event = ClientFrame::Event { ack, seq, behind: 0, instance: 1, slot, payload };
        self.send(BINARY, &event.encode(1)).await?;
        self.take_version().await
    }

    /// Says that it is there, and reads what has come meanwhile.
    ///
    /// # Errors
    ///
    /// When the connection is lost.
    pub async fn beat(&mut self, is_joined: bool) -> io::Result<()> {
        if is_joined {
            self.send(BINARY, &ClientFrame::Ping {}.encode(0)).await?;
        } else {
            self.send(PONG, &[]).await?;
        }
        let mut unread = [0; 4096];
        while let Some(count) = self.stream.read(&mut unread).now_or_never() {
            if count? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Reads up to the next version and acknowledges it.
    async fn take_version(&mut self) -> io::Result<()> {
        loop {
            let message = self.next_message().await?;
            let frame = inflated(&message).map_err(io::Error::other)?;
            match ServerFrame::decode(&frame) {
                Ok((_, ServerFrame::Patch { version, .. } | ServerFrame::Snapshot { version, .. })) => {
                    self.version = version;
                    return self.send(BINARY, &ClientFrame::Ack { ack: version, behind: 0 }.encode(1)).await;
                }
                Ok((_, frame @ (ServerFrame::Close { .. } | ServerFrame::Refused { .. }))) => {
                    return Err(io::Error::other(frame.to_string()));
                }
                Ok(_) => {}
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
    }

    /// The next binary message; see [RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
    async fn next_message(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let head = self.stream.read_u16().await?;
            let length = match head & 0x7f {
                126 => u64::from(self.stream.read_u16().await?),
                127 => self.stream.read_u64().await?,
                length => u64::from(length),
            };
            let mut message = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            self.stream.read_exact(&mut message).await?;
            if head >> 8 & 0x0f == u16::from(BINARY) {
                return Ok(message);
            }
        }
    }

    /// Sends a message of fewer than 126 or 65,536 bytes, masked by 0: that leaves it as it is.
    async fn send(&mut self, opcode: u8, message: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | opcode];
        if let Ok(length @ 0..126) = u8::try_from(message.len()) {
            frame.push(0x80 | length);
        } else {
            // The length follows, in two bytes.
            frame.push(0xfe);
            frame.extend(u16::try_from(message.len()).map_err(io::Error::other)?.to_be_bytes());
        }
        frame.extend([0; 4]);
        frame.extend(message);
        self.stream.write_all(&frame).await
    }
}

/// Fetches a page; its first session's token.
///
/// # Errors
///
/// When the connection is lost or the answer has no session.
pub async fn fetch_token(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    token_of(&page).map(str::to_owned).ok_or_else(|| io::Error::other(page))
}

/// The token in a page's HTML.
pub fn token_of(page: &str) -> Option<&str> {
    page.split_once("data-session=\"")?.1.split('"').next()
}
