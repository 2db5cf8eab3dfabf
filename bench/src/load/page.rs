//! Pages that click and wait for the answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::{Payload, Raw, Writer};
use lightspeed_testing::native::{Visitor, VisitorConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::joined::{INCREMENT, Place};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// The socket's buffers on this side.
const BUFFER_BYTES: usize = 4096;

/// The number that a page gives its session.
const SESSION: u32 = 1;

/// What a page is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lightspeed's client as it ships, with a document.
    Native,
    /// Its frames and nothing else: costs this side what [`Kind::Echo`] costs.
    Frames,
    /// A frame of the same size as an event's, to a server that sends it back.
    Echo,
}

impl Kind {
    /// For a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "Lightspeed, native client",
            Self::Frames => "Lightspeed, frames only",
            Self::Echo => "axum echo",
        }
    }
}

/// A page whose socket is open.
#[derive(Debug)]
pub enum Page {
    /// [`Kind::Native`].
    Native(Box<Visitor>),
    /// [`Kind::Frames`].
    Frames(Box<Frames>),
    /// [`Kind::Echo`].
    Echo(Box<WebSocketStream<TcpStream>>),
}

impl Page {
    /// Opens a page of a server, from an address of this machine.
    ///
    /// # Errors
    ///
    /// When it doesn't open; for a person.
    pub async fn open(kind: Kind, server: SocketAddr, source: IpAddr) -> Result<Self, String> {
        let opened = timeout(ANSWER_WITHIN, Self::open_at_last(kind, server, source)).await;
        opened.map_err(|_| "a page took more than a minute to open".to_owned())?
    }

    async fn open_at_last(kind: Kind, server: SocketAddr, source: IpAddr) -> Result<Self, String> {
        match kind {
            Kind::Native => {
                let config = VisitorConfig::default().with_source(source);
                let url = format!("http://{server}/counter");
                let visitor = Visitor::open_with(&url, config).await.map_err(|error| error.to_string())?;
                visitor.wait_connected(ANSWER_WITHIN).await.map_err(|error| error.to_string())?;
                Ok(Self::Native(Box::new(visitor)))
            }
            Kind::Frames => Frames::open(server, source).await.map(|frames| Self::Frames(Box::new(frames))),
            Kind::Echo => {
                let socket = open_socket(server, source, "/socket").await?;
                Ok(Self::Echo(Box::new(socket)))
            }
        }
    }

    /// An event and its answer.
    ///
    /// # Errors
    ///
    /// When there is none; for a person.
    pub async fn round_trip(&mut self) -> Result<(), String> {
        let answered = async {
            match self {
                Self::Native(visitor) => {
                    visitor.click("inc").map_err(|error| error.to_string())?;
                    visitor.wait_settled(ANSWER_WITHIN).await.map_err(|error| error.to_string())
                }
                Self::Frames(frames) => frames.round_trip().await,
                Self::Echo(socket) => {
                    // As long as an event's frame.
                    let frame = Bytes::from_static(&[0x98, 1, 2, 0xcd, 1, 0, 0xcd, 1, 0, 0, 1, 2, 0xc0]);
                    socket.send(Message::Binary(frame)).await.map_err(|error| error.to_string())?;
                    receive(socket).await.map(|_| ())
                }
            }
        };
        timeout(ANSWER_WITHIN, answered).await.map_err(|_| "an answer took more than a minute".to_owned())?
    }
}

/// A page that knows the frames and shows nothing.
#[derive(Debug)]
pub struct Frames {
    socket: WebSocketStream<TcpStream>,
    /// It has been told what its page holds.
    is_adopted: bool,
    version: u64,
    seq: u64,
}

impl Frames {
    async fn open(server: SocketAddr, source: IpAddr) -> Result<Self, String> {
        let page = get(server, source, "/counter").await?;
        let between = |start: &str, end: &str| Some(page.split_once(start)?.1.split_once(end)?.0);
        let token = between("<lightspeed-view data-session=\"", "\"").ok_or("the page has no live part")?;
        let mut socket = open_socket(server, source, "/lightspeed/socket").await?;
        let mut known = Writer::new();
        known.array(0);
        let templates = Raw::new(known.as_bytes());
        let hello = ClientFrame::Hello { protocol: PROTOCOL_VERSION, build: "load", templates };
        let join = ClientFrame::Join { token, mode: JoinMode::Adopt.code(), applied: 0, settled: 0 };
        for frame in [hello.encode(0), join.encode(SESSION)] {
            socket.feed(Message::Binary(frame.into())).await.map_err(|error| error.to_string())?;
        }
        socket.flush().await.map_err(|error| error.to_string())?;
        let mut frames = Self { socket, is_adopted: false, version: 0, seq: 0 };
        while !frames.is_adopted {
            frames.take().await?;
        }
        Ok(frames)
    }

    async fn round_trip(&mut self) -> Result<(), String> {
        self.seq += 1;
        let (ack, seq, Place(instance, slot)) = (self.version, self.seq, INCREMENT);
        let event = ClientFrame::Event { ack, seq, behind: 0, instance, slot, payload: Payload::None };
        let frame = Message::Binary(event.encode(SESSION).into());
        self.socket.send(frame).await.map_err(|error| error.to_string())?;
        while self.take().await? < self.seq {}
        Ok(())
    }

    /// Takes a frame; the last event that it says to be handled.
    async fn take(&mut self) -> Result<u64, String> {
        let bytes = receive(&mut self.socket).await?;
        match ServerFrame::decode(&bytes) {
            Ok((_, ServerFrame::Patch { ack, version, .. } | ServerFrame::Snapshot { ack, version, .. })) => {
                self.is_adopted = true;
                self.version = version;
                Ok(ack)
            }
            Ok((_, ServerFrame::Close { message, .. })) => Err(format!("the session was closed: {message}")),
            Ok(_) => Ok(0),
            Err(error) => Err(format!("the server sent no frame: {error:?}")),
        }
    }
}

async fn receive(socket: &mut WebSocketStream<TcpStream>) -> Result<Bytes, String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
            Some(Ok(Message::Close(_))) | None => return Err("the socket was closed".to_owned()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.to_string()),
        }
    }
}

async fn connect(server: SocketAddr, source: IpAddr) -> Result<TcpStream, String> {
    let told = |error: std::io::Error| error.to_string();
    let socket = TcpSocket::new_v4().map_err(told)?;
    socket.bind(SocketAddr::new(source, 0)).map_err(told)?;
    let stream = socket.connect(server).await.map_err(told)?;
    stream.set_nodelay(true).map_err(told)?;
    Ok(stream)
}

async fn open_socket(
    server: SocketAddr,
    source: IpAddr,
    path: &str,
) -> Result<WebSocketStream<TcpStream>, String> {
    let mut request =
        format!("ws://{server}{path}").into_client_request().map_err(|error| error.to_string())?;
    let origin = format!("http://{server}").parse().map_err(|_| "an address is an origin".to_owned())?;
    request.headers_mut().insert("origin", origin);
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
    let stream = connect(server, source).await?;
    let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
    opened.map(|(socket, _)| socket).map_err(|error| error.to_string())
}

/// A page's HTML.
async fn get(server: SocketAddr, source: IpAddr, path: &str) -> Result<String, String> {
    let told = |error: std::io::Error| error.to_string();
    let mut stream = connect(server, source).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {server}\r\naccept: text/html\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(told)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(told)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
