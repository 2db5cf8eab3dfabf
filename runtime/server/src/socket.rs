//! A page's socket: from the upgrade to its end.
//!
//! One task reads and writes. The reader routes frames to sessions ([`reader`]), which put
//! theirs into the socket's [`outbox`]; the writer empties it, and compresses what is large ([`deflate`]).
//!
//! Where several things may be ready, they are looked at in a fixed order and not in tokio's random one, so that
//! a simulation's seed decides everything. The reader comes last and cannot starve: sessions have
//! no more to write until the acknowledgements come that it reads.

pub(crate) mod deflate;
pub(crate) mod fault;
pub(crate) mod head;
pub(crate) mod origin;
pub(crate) mod reader;
pub(crate) mod standing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use lightspeed_core::ledger::TemplateLedger;
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::message::DEFLATE_QUERY;
use tokio::time::{interval, sleep, timeout};

use crate::http::admission::address;
use crate::limits;
use crate::operations::shutdown::ServerShutdown;
use crate::operations::telemetry;
use crate::runtime::Inner;
use crate::session::outbox::{Outbox, OutboxReader, Outgoing, outbox};
use crate::session::token::Identity;
use deflate::Deflaters;
use fault::{End, Fault, end_of};
use reader::{Reader, read_hello};
use standing::Standing;

/// axum's defaults cost 134 kB per connection. What is read at a time: most frames are a few bytes, and this
/// much is held for each socket however idle it is.
const READ_BYTES: usize = 256;

/// What is gathered before it is written: the room is taken when there is something.
const WRITE_BYTES: usize = 4096;

/// Answers the request for a socket.
pub(crate) async fn upgrade(inner: Arc<Inner>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if let Err(refused) = origin::check_origin(&parts, &inner.config.allowed_origins) {
        tracing::warn!(peer = peer.map(tracing::field::display), "socket refused: {refused}");
        return (StatusCode::FORBIDDEN, refused.to_string()).into_response();
    }
    match tuned_upgrade(&mut parts, inner.config.event_bytes_max).await {
        Ok(upgrade) => {
            let address = address::of(&inner.config, &parts);
            let account = inner.accounts.of(Some(address));
            let standing = match Standing::take(&inner, &parts, address, &account) {
                Ok(standing) => Arc::new(standing),
                Err(refused) => {
                    tracing::warn!(peer = peer.map(tracing::field::display), "socket refused: {refused}");
                    return refused.into_response();
                }
            };
            inner.drain_with_server(&parts.extensions);
            let identity = Identity::of(&inner.config, &parts);
            // As long as the socket is there, whoever ends the server waits for it.
            let watches = (inner.shutdown.watch(), ServerShutdown::watch(&parts.extensions));
            upgrade.on_upgrade(move |socket| {
                let (sink, stream) = socket.split();
                let is_inflating = can_inflate(&parts);
                let (outbox, waiting) = outbox(peer, &account);
                let held = Arc::clone(&standing);
                let reader = Reader::new(Arc::clone(&inner), outbox, parts, identity, &account, held);
                let kept = watches;
                let socket = Socket {
                    sink,
                    stream,
                    waiting,
                    reader,
                    inner,
                    peer,
                    standing,
                    is_inflating,
                    _kept: kept,
                };
                // A task of its own: axum's has had room for the handshake, and would keep it.
                tokio::spawn(socket.serve());
                std::future::ready(())
            })
        }
        Err(_) => not_upgraded(&inner, &parts, peer),
    }
}

/// A request that asks for no WebSocket. A page whose socket doesn't open asks so for the reason: a browser doesn't tell
/// what the answer to a WebSocket was.
fn not_upgraded(inner: &Inner, parts: &Parts, peer: Option<SocketAddr>) -> Response {
    const NOT_UPGRADED: &str = "A proxy between the page and its server drops the headers that ask for a \
        WebSocket. Have the proxy pass `Upgrade` and `Connection` on, over HTTP/1.1, as nginx does by \
        `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";`.";
    let address = address::of(&inner.config, parts);
    if let Err(refused) = Standing::take(inner, parts, address, &inner.accounts.of(Some(address))) {
        return refused.into_response();
    }
    // What a browser sends with the request for a WebSocket, and a proxy that drops `Upgrade` passes on.
    if parts.headers.contains_key(header::SEC_WEBSOCKET_KEY) {
        tracing::warn!(peer = peer.map(tracing::field::display), "socket refused: {NOT_UPGRADED}");
    }
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], NOT_UPGRADED).into_response()
}

/// Whether the client says so, in the socket's address.
fn can_inflate(parts: &Parts) -> bool {
    parts.uri.query().is_some_and(|query| query.split('&').any(|part| part == &DEFLATE_QUERY[1..]))
}

async fn tuned_upgrade(parts: &mut Parts, event_bytes_max: usize) -> Result<WebSocketUpgrade, Response> {
    // Before there is a session it is less: `Progress::admit`.
    let message_bytes_max =
        limits::INBOUND_FRAME_BYTES_MAX.max(event_bytes_max + limits::FRAME_HEAD_BYTES_MAX);
    let upgrade =
        WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(IntoResponse::into_response)?;
    Ok(upgrade
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        // The writer flushes each frame before the next, so one of the largest and a close fit.
        .max_write_buffer_size(limits::OUTBOUND_FRAME_BYTES_MAX + 16 * WRITE_BYTES)
        .max_message_size(message_bytes_max)
        .max_frame_size(message_bytes_max))
}

/// An open socket. Made before its task is, which would keep room for what it is made of.
struct Socket<K> {
    sink: Sink,
    stream: SplitStream<WebSocket>,
    waiting: OutboxReader,
    reader: Reader,
    inner: Arc<Inner>,
    peer: Option<SocketAddr>,
    standing: Arc<Standing>,
    is_inflating: bool,
    /// What others wait for, or count, as long as the socket is there.
    _kept: K,
}

impl<K> Socket<K> {
    #[expect(clippy::manual_async_fn, reason = "an `async fn` keeps room for its argument twice")]
    fn serve(mut self) -> impl Future<Output = ()> {
        async move {
            let Self { sink, stream, inner, reader, waiting, standing, is_inflating, .. } = &mut self;
            let end = tokio::select! {
                biased;
                () = standing.evicted() => CloseReason::Unavailable.into(),
                end = run(sink, stream, inner, reader, waiting, *is_inflating) => end,
            };
            // Boxed, as every socket would have the room for its end from the beginning.
            Box::pin(self.finish(end)).await;
        }
    }
}

/// From the hello until the socket is to end.
async fn run(
    sink: &mut Sink,
    stream: &mut SplitStream<WebSocket>,
    inner: &Inner,
    reader: &mut Reader,
    waiting: &mut OutboxReader,
    is_inflating: bool,
) -> End {
    // Its sessions have told the client by then, and it has left if it is one of ours.
    let drained = async {
        inner.drain.over().await;
        sleep(limits::CLOSE_WITHIN / 4).await;
    };
    let mut drained = std::pin::pin!(drained);
    let hello = tokio::select! {
        biased;
        () = &mut drained => return CloseReason::ShuttingDown.into(),
        // Whatever else it says, and however often.
        hello = timeout(limits::HELLO_WITHIN, Box::pin(read_hello(stream, reader.progress()))) => {
            hello.unwrap_or_else(|_| Err(CloseReason::Silent.into()))
        }
    };
    let known = match hello {
        Ok(known) => known,
        Err(end) => return end,
    };
    let outbox = reader.outbox().clone();
    welcome(inner, &outbox);
    waiting.open(known);
    tokio::select! {
        biased;
        () = &mut drained => CloseReason::ShuttingDown.into(),
        () = outbox.overflowed() => CloseReason::TooSlow.into(),
        end = write(sink, waiting, is_inflating.then_some(&inner.deflaters)) => end,
        end = reader.read(stream) => end,
    }
}

impl<K> Socket<K> {
    /// Sends what still waits, says why the socket ends, and lets the other side close first.
    async fn finish(self, end: End) {
        let Self { mut sink, mut stream, mut waiting, reader, inner, peer, standing: _standing, .. } = self;
        // The sessions learn first that the socket is gone, so that they stop filling its outbox.
        drop(reader);
        if let End::Close(fault) = &end
            && fault.reason != CloseReason::TooSlow
        {
            let rest = async {
                while let Some(outgoing) = waiting.next_waiting() {
                    feed(&mut sink, outgoing, waiting.ledger()).await?;
                }
                Ok::<(), axum::Error>(())
            };
            let _ = timeout(limits::CLOSE_WITHIN, rest).await;
        }
        // Nobody fills it any more.
        drop(waiting);
        let peer = peer.map(tracing::field::display);
        match end {
            End::Gone => tracing::debug!(peer, "socket gone"),
            End::Close(fault) => {
                let reason = fault.reason.name();
                if fault.reason == CloseReason::ShuttingDown {
                    tracing::info!(reason, peer, "socket closed");
                } else {
                    let message = telemetry::one_line(&fault.message);
                    tracing::warn!(reason, offset = fault.offset, peer, "socket closed: {message}");
                }
                let is_readable = fault.reason != CloseReason::FrameTooLarge;
                let _ = timeout(limits::CLOSE_WITHIN, async {
                    if say_goodbye(&mut sink, &fault, inner.retry_ms(fault.reason)).await.is_err() {
                        return;
                    }
                    // A connection that is dropped with bytes unread is reset, and the reset may overtake the close.
                    if is_readable {
                        while let Some(Ok(_)) = stream.next().await {}
                    } else {
                        sleep(limits::CLOSE_WITHIN / 4).await;
                    }
                })
                .await;
            }
        }
    }
}

fn welcome(inner: &Inner, outbox: &Outbox) {
    outbox.send_frame(
        0,
        &ServerFrame::Welcome {
            protocol: PROTOCOL_VERSION,
            build: &inner.assets.hash,
            heartbeat_ms: limits::HEARTBEAT_MS,
            event_bytes_max: u64::try_from(inner.config.event_bytes_max).unwrap_or(u64::MAX),
        },
    );
}

type Sink = SplitSink<WebSocket, Message>;

/// Writes what waits until the connection is lost or the client reads too slowly.
///
/// Pings of the WebSocket itself go out between: a browser answers them even when the page
/// is hidden and its timers, and with them the client's own pings, are held back for a minute.
async fn write(sink: &mut Sink, waiting: &mut OutboxReader, deflaters: Option<&Deflaters>) -> End {
    let mut pings = interval(Duration::from_millis(limits::HEARTBEAT_MS));
    pings.tick().await;
    loop {
        let outgoing = tokio::select! {
            biased;
            _ = pings.tick() => None,
            outgoing = waiting.next() => Some(outgoing),
        };
        let outgoing = match outgoing {
            Some(outgoing) => Some(compress(outgoing, waiting, deflaters).await),
            None => None,
        };
        let within = limits::STALL_MAX + outgoing.as_ref().map_or(Duration::ZERO, drain_time);
        let written = timeout(within, async {
            match outgoing {
                Some(outgoing) => feed(sink, outgoing, waiting.ledger()).await?,
                None => sink.feed(Message::Ping(Bytes::new())).await?,
            }
            sink.flush().await
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return end_of(error),
            Err(_) => return CloseReason::TooSlow.into(),
        }
    }
}

/// Compresses what is large. When the socket ends meanwhile, it goes out as it is, before what still waits.
async fn compress(outgoing: Outgoing, waiting: &mut OutboxReader, deflaters: Option<&Deflaters>) -> Outgoing {
    let Outgoing::Transmission { mut transmission, is_compressible } = outgoing else { return outgoing };
    let deflaters = deflaters.filter(|deflaters| is_compressible && deflaters.takes(&transmission.frame));
    let Some(deflaters) = deflaters else {
        return Outgoing::Transmission { transmission, is_compressible };
    };
    waiting.put_back(transmission.clone());
    // Boxed: most sockets never come here.
    transmission.frame = Box::pin(deflaters.message(std::mem::take(&mut transmission.frame))).await;
    waiting.take_back();
    Outgoing::Transmission { transmission, is_compressible }
}

/// How long the slowest client that is waited for takes to read a frame.
fn drain_time(outgoing: &Outgoing) -> Duration {
    let seconds = outgoing.byte_count() / limits::DRAIN_BYTES_PER_SECOND_MIN;
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
}

/// Hands a frame to the WebSocket, the templates that it needs before it.
async fn feed(sink: &mut Sink, outgoing: Outgoing, ledger: &mut TemplateLedger) -> Result<(), axum::Error> {
    let frame = match outgoing {
        Outgoing::Frame(frame) => frame,
        Outgoing::Transmission { transmission, .. } => {
            for template in ledger.announce(&transmission.templates) {
                sink.feed(Message::Binary(template.into())).await?;
            }
            transmission.frame
        }
    };
    sink.feed(Message::Binary(frame.into())).await
}

/// Tells why: once in a frame for the client's machine, once in the WebSocket's own close.
async fn say_goodbye(sink: &mut Sink, fault: &Fault, retry_ms: u64) -> Result<(), axum::Error> {
    sink.feed(Message::Binary(fault.close_frame(retry_ms).into())).await?;
    let close = CloseFrame {
        code: fault.reason.websocket_code(),
        reason: Utf8Bytes::from_static(fault.reason.name()),
    };
    sink.send(Message::Close(Some(close))).await
}

#[cfg(test)]
mod tests;
