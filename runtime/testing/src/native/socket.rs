//! A page's one socket.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker, ready};

use futures_util::{Sink, SinkExt as _, StreamExt as _};
use hyper::Uri;
use hyper::header::ORIGIN;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::errors::OpenError;
use super::http::{authority, connect};
use super::network::{Connection, Network, cut};

/// The default is 128 KiB for each direction, which a process with thousands of visitors feels.
const BUFFER_BYTES: usize = 4096;

#[derive(Debug)]
pub(super) struct Socket {
    stream: WebSocketStream<Box<dyn Connection>>,
    /// What is to be sent.
    waiting: VecDeque<Message>,
}

impl Socket {
    /// Opens the socket at `path` of the server that `page` is from.
    pub(super) async fn open(network: &dyn Network, page: &Uri, path: &str) -> Result<Self, OpenError> {
        let authority = authority(page)?;
        let mut request =
            format!("ws://{authority}{path}").into_client_request().map_err(|_| OpenError::Url)?;
        let origin = format!("http://{authority}").parse().map_err(|_| OpenError::Url)?;
        request.headers_mut().insert(ORIGIN, origin);
        let config =
            WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
        let stream = connect(network, page).await?;
        let (stream, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config))
            .await
            .map_err(Box::new)?;
        Ok(Self { stream, waiting: VecDeque::new() })
    }

    /// Sends a frame as soon as [`Socket::poll_message`] can.
    pub(super) fn send(&mut self, frame: Vec<u8>) {
        self.waiting.push_back(Message::Binary(frame.into()));
    }

    /// Writes what waits, and gives the next message; `None` when the socket has closed.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Poll::Ready(Err(_)) = self.poll_write(cx) {
            return Poll::Ready(None);
        }
        loop {
            match ready!(self.stream.poll_next_unpin(cx)) {
                Some(Ok(Message::Binary(bytes))) => return Poll::Ready(Some(bytes)),
                // Pings are answered by the library; the frame before a close has told why.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Poll::Ready(None),
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.waiting.is_empty() {
            ready!(self.stream.poll_ready_unpin(cx))?;
            if let Some(message) = self.waiting.pop_front() {
                self.stream.start_send_unpin(message)?;
            }
        }
        Sink::poll_flush(std::pin::Pin::new(&mut self.stream), cx)
    }

    /// Says goodbye, if that can be said at once, and lets the socket go.
    pub(super) fn close(mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.waiting.push_back(Message::Close(None));
        // Nobody waits for the outcome: the socket is given up.
        let _ = self.poll_write(&mut cx);
    }

    /// Cuts the connection: what is under way in either direction is lost.
    pub(super) fn cut(self) {
        cut(&**self.stream.get_ref());
    }
}
