//! The writing half of a socket: what waits in its outbox goes out, compressed where that is worth it.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_protocol::close::CloseReason;
use tokio::time::{interval, timeout};

use super::deflate::Deflaters;
use super::fault::{End, Fault, end_of};
use crate::limits;
use crate::session::outbox::{OutboxReader, Outgoing};

pub(super) type Sink = SplitSink<WebSocket, Message>;

/// Writes what waits until the connection is lost or the client reads too slowly.
///
/// Pings of the WebSocket itself go out between: a browser answers them even when the page
/// is hidden and its timers, and with them the client's own pings, are held back for a minute.
pub(super) async fn write(sink: &mut Sink, waiting: &mut OutboxReader, deflaters: Option<&Deflaters>) -> End {
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
                Some(outgoing) => feed(sink, outgoing, waiting.sent_templates()).await?,
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
pub(super) async fn compress(
    outgoing: Outgoing,
    waiting: &mut OutboxReader,
    deflaters: Option<&Deflaters>,
) -> Outgoing {
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
pub(super) async fn feed(
    sink: &mut Sink,
    outgoing: Outgoing,
    sent_templates: &mut SentTemplates,
) -> Result<(), axum::Error> {
    let frame = match outgoing {
        Outgoing::Frame(frame) => frame,
        Outgoing::Transmission { transmission, .. } => {
            for template in sent_templates.announce(&transmission.templates) {
                sink.feed(Message::Binary(template.into())).await?;
            }
            transmission.frame
        }
    };
    sink.feed(Message::Binary(frame.into())).await
}

/// Tells why: once in a frame for the client's machine, once in the WebSocket's own close.
pub(super) async fn say_goodbye(sink: &mut Sink, fault: &Fault, retry_ms: u64) -> Result<(), axum::Error> {
    sink.feed(Message::Binary(fault.close_frame(retry_ms).into())).await?;
    let close = CloseFrame {
        code: fault.reason.websocket_code(),
        reason: Utf8Bytes::from_static(fault.reason.name()),
    };
    sink.send(Message::Close(Some(close))).await
}

#[cfg(test)]
mod tests;
