//! An open socket, from its hello to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocket;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;
use tokio::time::{sleep, timeout};

use super::fault::End;
use super::reader::{Reader, read_hello};
use super::sockets::Sockets;
use super::status::SocketStatus;
use super::writer::{Sink, feed, say_goodbye, write};
use crate::limits;
use crate::operations::telemetry;
use crate::session::outbox::{Outbox, OutboxReader};

/// An open socket. Its task is made of this whole value: the future of a task keeps room for each argument.
pub(super) struct Socket<K> {
    pub(super) sink: Sink,
    pub(super) stream: SplitStream<WebSocket>,
    pub(super) waiting: OutboxReader,
    pub(super) reader: Reader,
    pub(super) sockets: Arc<Sockets>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) status: Arc<SocketStatus>,
    pub(super) is_inflating: bool,
    /// What others wait for, or count, as long as the socket is there.
    pub(super) _kept: K,
}

impl<K> Socket<K> {
    #[expect(clippy::manual_async_fn, reason = "an `async fn` keeps room for its argument twice")]
    pub(super) fn serve(mut self) -> impl Future<Output = ()> {
        async move {
            let Self { sink, stream, sockets, reader, waiting, status, is_inflating, .. } = &mut self;
            let end = tokio::select! {
                biased;
                () = status.evicted() => CloseReason::Unavailable.into(),
                end = run(sink, stream, sockets, reader, waiting, *is_inflating) => end,
            };
            // Boxed, so that an open socket has no room for the future of its end.
            Box::pin(self.finish(end)).await;
        }
    }
}

/// From the hello until the socket is to end.
async fn run(
    sink: &mut Sink,
    stream: &mut SplitStream<WebSocket>,
    sockets: &Sockets,
    reader: &mut Reader,
    waiting: &mut OutboxReader,
    is_inflating: bool,
) -> End {
    // The sessions have told the client by then, and our client closes the socket when all its sessions have ended.
    let drained = async {
        sockets.joins.drain.over().await;
        sleep(limits::CLOSE_WITHIN / 4).await;
    };
    let mut drained = std::pin::pin!(drained);
    let hello = tokio::select! {
        biased;
        () = &mut drained => return CloseReason::ShuttingDown.into(),
        // The bound holds whatever else the client sends, and however often.
        hello = timeout(limits::HELLO_WITHIN, Box::pin(read_hello(stream, reader.progress()))) => {
            hello.unwrap_or_else(|_| Err(CloseReason::Silent.into()))
        }
    };
    let known = match hello {
        Ok(known) => known,
        Err(end) => return end,
    };
    let outbox = reader.outbox().clone();
    welcome(sockets, &outbox);
    waiting.open(known);
    tokio::select! {
        biased;
        () = &mut drained => CloseReason::ShuttingDown.into(),
        () = outbox.overflowed() => CloseReason::TooSlow.into(),
        end = write(sink, waiting, is_inflating.then_some(&sockets.deflaters)) => end,
        end = reader.read(stream) => end,
    }
}

impl<K> Socket<K> {
    /// Sends what still waits, says why the socket ends, and lets the other side close first.
    async fn finish(self, end: End) {
        let Self { mut sink, mut stream, mut waiting, reader, sockets, peer, status: _status, .. } = self;
        // The sessions learn first that the socket is gone, so that they stop filling its outbox.
        drop(reader);
        if let End::Close(fault) = &end
            && fault.reason != CloseReason::TooSlow
        {
            let rest = async {
                while let Some(outgoing) = waiting.next_waiting() {
                    feed(&mut sink, outgoing, waiting.sent_templates()).await?;
                }
                Ok::<(), axum::Error>(())
            };
            let _ = timeout(limits::CLOSE_WITHIN, rest).await;
        }
        // Closes the outbox, so that nobody fills it any more.
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
                    if say_goodbye(&mut sink, &fault, sockets.joins.retry.after_ms(fault.reason))
                        .await
                        .is_err()
                    {
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

fn welcome(sockets: &Sockets, outbox: &Outbox) {
    outbox.send_frame(
        0,
        &ServerFrame::Welcome {
            protocol: PROTOCOL_VERSION,
            build: &sockets.build,
            heartbeat_ms: limits::HEARTBEAT_MS,
            event_bytes_max: u64::try_from(sockets.config.event_bytes_max).unwrap_or(u64::MAX),
        },
    );
}
