//! A page's socket: from the upgrade to its end.
//!
//! One task reads and writes. The reader routes frames to sessions ([`reader`]), which put
//! theirs into the socket's [`outbox`]; the writer empties it.
//!
//! Where several things may be ready, they are looked at in a fixed order and not in tokio's random one, so that
//! a simulation's seed decides everything. The reader comes last and cannot starve: sessions have
//! no more to write until the acknowledgements come that it reads.

pub(crate) mod fault;
pub(crate) mod origin;
pub(crate) mod outbox;
pub(crate) mod reader;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use lightspeed_core::ledger::TemplateLedger;
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;
use tokio::time::{interval, sleep, timeout};

use crate::limits;
use crate::runtime::Inner;
use crate::shutdown::ServerShutdown;
use fault::{End, Fault};
use outbox::{Outbox, OutboxReader, Outgoing, outbox};
use reader::{Reader, read_hello};

/// axum's defaults cost 134 kB per connection; these 8 kB suffice for frames of a few bytes.
const BUFFER_BYTES: usize = 4096;

/// Answers the request for a socket.
pub(crate) async fn upgrade(inner: Arc<Inner>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if let Err(refused) = origin::check_origin(&parts, &inner.config.allowed_origins) {
        tracing::warn!(peer = peer.map(tracing::field::display), "socket refused: {refused}");
        return (StatusCode::FORBIDDEN, refused.to_string()).into_response();
    }
    match tuned_upgrade(&mut parts).await {
        Ok(upgrade) => {
            let Ok(permit) = Arc::clone(&inner.sockets).try_acquire_owned() else {
                tracing::warn!(
                    peer = peer.map(tracing::field::display),
                    "socket refused: sockets_max is reached"
                );
                return (StatusCode::SERVICE_UNAVAILABLE, "Too many sockets. Please try again in a minute.")
                    .into_response();
            };
            inner.drain_with_server(&parts.extensions);
            // As long as the socket is there, whoever ends the server waits for it.
            let watches = (inner.shutdown.watch(), ServerShutdown::watch(&parts.extensions));
            upgrade.on_upgrade(move |socket| async move {
                serve(socket, inner, peer, parts).await;
                drop(watches);
                drop(permit);
            })
        }
        Err(rejection) => rejection,
    }
}

async fn tuned_upgrade(parts: &mut Parts) -> Result<WebSocketUpgrade, Response> {
    let upgrade =
        WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(IntoResponse::into_response)?;
    Ok(upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        // The writer flushes each frame before the next, so one of the largest and a close fit.
        .max_write_buffer_size(limits::OUTBOUND_FRAME_BYTES_MAX + 16 * BUFFER_BYTES)
        .max_message_size(limits::INBOUND_FRAME_BYTES_MAX)
        .max_frame_size(limits::INBOUND_FRAME_BYTES_MAX))
}

async fn serve(socket: WebSocket, inner: Arc<Inner>, peer: Option<SocketAddr>, head: Parts) {
    let (mut sink, mut stream) = socket.split();
    let (outbox, mut waiting) = outbox(peer);
    // Its sessions have told the client by then, and it has left if it is one of ours.
    let runtime = Arc::clone(&inner);
    let drained = async {
        runtime.drain.over().await;
        sleep(limits::CLOSE_WITHIN / 4).await;
    };
    let mut drained = std::pin::pin!(drained);
    let end = tokio::select! {
        biased;
        () = &mut drained => CloseReason::ShuttingDown.into(),
        hello = read_hello(&mut stream) => match hello {
            Ok(known) => {
                welcome(&inner, &outbox);
                let mut ledger = TemplateLedger::new(known);
                let mut reader = Reader::new(inner, outbox.clone(), head);
                let end = tokio::select! {
                    biased;
                    () = &mut drained => CloseReason::ShuttingDown.into(),
                    () = outbox.overflowed() => CloseReason::TooSlow.into(),
                    end = write(&mut sink, &mut waiting, &mut ledger) => end,
                    end = reader.read(&mut stream) => end,
                };
                // The sessions learn first that the socket is gone, so that they stop filling its outbox.
                drop(reader);
                if let End::Close(fault) = &end && fault.reason != CloseReason::TooSlow {
                    let rest = async {
                        while let Some(outgoing) = waiting.next_waiting() {
                            feed(&mut sink, outgoing, &mut ledger).await?;
                        }
                        Ok::<(), axum::Error>(())
                    };
                    let _ = timeout(limits::CLOSE_WITHIN, rest).await;
                }
                end
            }
            Err(end) => end,
        },
    };
    let peer = peer.map(tracing::field::display);
    match end {
        End::Gone => tracing::debug!(peer, "socket gone"),
        End::Close(fault) => {
            let reason = fault.reason.name();
            if fault.reason == CloseReason::ShuttingDown {
                tracing::info!(reason, peer, "socket closed");
            } else {
                tracing::warn!(reason, offset = fault.offset, peer, "socket closed: {}", fault.message);
            }
            let is_readable = fault.reason != CloseReason::FrameTooLarge;
            let _ = timeout(limits::CLOSE_WITHIN, async {
                if say_goodbye(&mut sink, &fault, runtime.retry_ms(fault.reason)).await.is_err() {
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

fn welcome(inner: &Inner, outbox: &Outbox) {
    outbox.send_frame(
        0,
        &ServerFrame::Welcome {
            protocol: PROTOCOL_VERSION,
            build: &inner.assets.hash,
            heartbeat_ms: limits::HEARTBEAT_MS,
        },
    );
}

type Sink = SplitSink<WebSocket, Message>;

/// Writes what waits until the connection is lost or the client reads too slowly.
///
/// Pings of the WebSocket itself go out between: a browser answers them even when the page
/// is hidden and its timers, and with them the client's own pings, are held back for a minute.
async fn write(sink: &mut Sink, waiting: &mut OutboxReader, ledger: &mut TemplateLedger) -> End {
    let mut pings = interval(Duration::from_millis(limits::HEARTBEAT_MS));
    pings.tick().await;
    loop {
        let outgoing = tokio::select! {
            biased;
            _ = pings.tick() => None,
            outgoing = waiting.next() => match outgoing {
                Some(outgoing) => Some(outgoing),
                None => return End::Gone,
            },
        };
        let within = limits::STALL_MAX + outgoing.as_ref().map_or(Duration::ZERO, drain_time);
        let written = timeout(within, async {
            match outgoing {
                Some(outgoing) => feed(sink, outgoing, ledger).await?,
                None => sink.feed(Message::Ping(Bytes::new())).await?,
            }
            sink.flush().await
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Gone,
            Err(_) => return CloseReason::TooSlow.into(),
        }
    }
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
        Outgoing::Transmission(transmission) => {
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
