//! The request for a socket becomes an open one, or is told why not.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use lightspeed_protocol::message::DEFLATE_QUERY;

use super::open::Socket;
use super::origin;
use super::reader::Reader;
use super::sockets::Sockets;
use super::status::SocketStatus;
use crate::http::admission::address;
use crate::http::identity::Identity;
use crate::limits;
use crate::operations::shutdown::ServerShutdown;
use crate::session::outbox::outbox;

/// The bytes that are read at a time, which each socket holds however idle it is: most frames are smaller. axum's
/// defaults cost 134 kB per connection.
const READ_BYTES: usize = 256;

/// The bytes that are gathered before they are written; allocated when there is something to write.
const WRITE_BYTES: usize = 4096;

/// Answers the request for a socket.
pub(crate) async fn upgrade(sockets: Arc<Sockets>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if let Err(refused) = origin::check_origin(&parts, &sockets.config.allowed_origins) {
        tracing::warn!(peer = peer.map(tracing::field::display), "socket refused: {refused}");
        return (StatusCode::FORBIDDEN, refused.to_string()).into_response();
    }
    match tuned_upgrade(&mut parts, sockets.config.event_bytes_max).await {
        Ok(upgrade) => {
            let address = address::of(&sockets.config, &parts);
            let account = sockets.accounts.of(Some(address));
            let status = match SocketStatus::take(&sockets.admissions, &parts, address, &account) {
                Ok(status) => Arc::new(status),
                Err(refused) => {
                    tracing::warn!(peer = peer.map(tracing::field::display), "socket refused: {refused}");
                    return refused.into_response();
                }
            };
            sockets.terms.tell(&parts.extensions);
            sockets.joins.drain.run_with_server(&parts.extensions);
            let identity = Identity::of(&sockets.config, &parts);
            // Held by the socket, so that the end of the server waits for it.
            let watches = (sockets.shutdown.watch(), ServerShutdown::watch(&parts.extensions));
            upgrade.on_upgrade(move |socket| {
                let (sink, stream) = socket.split();
                let is_inflating = can_inflate(&parts);
                let (outbox, waiting) = outbox(peer, &account);
                let held = Arc::clone(&status);
                let reader = Reader::new(
                    Arc::clone(&sockets.joins),
                    Arc::clone(&sockets.config),
                    outbox,
                    parts,
                    identity,
                    &account,
                    held,
                );
                let kept = watches;
                let socket = Socket {
                    sink,
                    stream,
                    waiting,
                    reader,
                    sockets,
                    peer,
                    status,
                    is_inflating,
                    _kept: kept,
                };
                // A task of its own: axum's task would keep its room for the handshake.
                tokio::spawn(socket.serve());
                std::future::ready(())
            })
        }
        Err(_) => not_upgraded(&sockets, &parts, peer),
    }
}

/// A request that asks for no WebSocket. A page whose socket doesn't open asks so for the reason: a browser
/// doesn't tell what the answer to a WebSocket was.
fn not_upgraded(sockets: &Sockets, parts: &Parts, peer: Option<SocketAddr>) -> Response {
    const NOT_UPGRADED: &str = "A proxy between the page and its server drops the headers that ask for a \
        WebSocket. Have the proxy pass `Upgrade` and `Connection` on, over HTTP/1.1, as nginx does by \
        `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";`.";
    let address = address::of(&sockets.config, parts);
    let account = sockets.accounts.of(Some(address));
    if let Err(refused) = SocketStatus::take(&sockets.admissions, parts, address, &account) {
        return refused.into_response();
    }
    // What a browser sends with the request for a WebSocket, and a proxy that drops `Upgrade` passes on.
    if parts.headers.contains_key(header::SEC_WEBSOCKET_KEY) {
        tracing::warn!(peer = peer.map(tracing::field::display), "socket refused: {NOT_UPGRADED}");
    }
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], NOT_UPGRADED).into_response()
}

/// Whether the client says, in the socket's address, that it can inflate messages.
fn can_inflate(parts: &Parts) -> bool {
    parts.uri.query().is_some_and(|query| query.split('&').any(|part| part == &DEFLATE_QUERY[1..]))
}

async fn tuned_upgrade(parts: &mut Parts, event_bytes_max: usize) -> Result<WebSocketUpgrade, Response> {
    // Before a session has joined, `Progress::admit` sets a lower bound.
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
