//! What a socket counts as: one of its address's, which makes room for others as long as no session has joined on it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::admission::bytes::Account;
use crate::http::admission::{Admitted, Full};
use crate::http::serve::connection::Connection;
use crate::http::serve::door::Arrival;
use crate::runtime::Inner;

/// A socket's place among those of its address, and its connection's.
#[derive(Debug)]
pub(crate) struct Standing {
    socket: Admitted,
    /// Not there when the application is served otherwise than by [`Server`](crate::Server).
    connection: Option<Arc<Connection>>,
}

/// Why there is no room for a socket.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    Server,
    Address,
    Bytes,
}

impl Standing {
    pub(crate) fn take(
        inner: &Inner,
        parts: &Parts,
        address: IpAddr,
        account: &Arc<Account>,
    ) -> Result<Self, Refused> {
        if !account.has_room() {
            return Err(Refused::Bytes);
        }
        let socket = inner.sockets.admit(Some(address)).map_err(|full| match full {
            Full::Server => Refused::Server,
            Full::Address => Refused::Address,
        })?;
        let connection = Arrival::connection(&parts.extensions);
        Ok(Self { socket, connection })
    }

    /// A session has joined, or the last one that had is gone.
    pub(crate) fn set_seated(&self, is_seated: bool) {
        if is_seated {
            self.socket.set_busy();
            self.connection.iter().for_each(|connection| connection.set_busy());
        } else {
            self.socket.set_idle();
            self.connection.iter().for_each(|connection| connection.set_idle());
        }
    }

    /// A whole message has come.
    pub(crate) fn note_message(&self) {
        self.connection.iter().for_each(|connection| connection.note_message());
    }

    /// Returns when it has to make room for another.
    pub(crate) async fn evicted(&self) {
        let of_connection = async {
            match &self.connection {
                Some(connection) => connection.evicted().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.socket.evicted() => {}
            () = of_connection => {}
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "sockets_max is reached",
            Self::Address => "sockets_per_ip_max is reached. If the peer is a proxy, name it with `Config::with_trusted_proxies`",
            Self::Bytes => "waiting_bytes_max or that of its address is reached",
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Server => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many sockets. Please try again in a minute.")
            }
            Self::Address => (StatusCode::TOO_MANY_REQUESTS, "Too many pages are open at your address."),
            Self::Bytes => (StatusCode::TOO_MANY_REQUESTS, "Too much waits for your address to be read."),
        };
        (status, [(header::RETRY_AFTER, "60")], text).into_response()
    }
}
