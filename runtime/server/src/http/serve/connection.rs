//! A connection that may not be held for nothing: what is waited for has to move, and what is kept for it is counted.

use std::error::Error;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::door::Door;
use super::patience::Patience;
use crate::http::admission::Admitted;
use crate::http::admission::bytes::{Account, Charge};
use crate::limits;

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    door: Arc<Door>,
    pub(super) peer: SocketAddr,
    admitted: Admitted,
    /// An answer's body has ended; what is left of it is in buffers.
    is_answered: AtomicBool,
    /// It isn't HTTP any more.
    is_upgraded: AtomicBool,
    /// What of an answer isn't written yet.
    unwritten: Mutex<Option<Charge>>,
    /// What has been read of a message that isn't whole yet.
    unread: AtomicUsize,
    /// The same of a large one.
    inbound: Mutex<Option<Charge>>,
}

impl Connection {
    pub(super) fn new(door: Arc<Door>, peer: SocketAddr, admitted: Admitted) -> Self {
        let (is_answered, is_upgraded, unwritten, unread, inbound) = Default::default();
        Self { door, peer, admitted, is_answered, is_upgraded, unwritten, unread, inbound }
    }

    pub(super) fn door(&self) -> &Arc<Door> {
        &self.door
    }

    fn unwritten(&self) -> MutexGuard<'_, Option<Charge>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is served on it.
    pub(crate) fn set_busy(&self) {
        self.admitted.set_busy();
    }

    /// Nobody is.
    pub(crate) fn set_idle(&self) {
        self.admitted.set_idle();
    }

    /// Returns when it has to make room for another.
    pub(crate) async fn evicted(&self) {
        self.admitted.evicted().await;
    }

    /// Takes an answer on, or one in its place that says that there is no room for it.
    pub(super) fn answer(
        self: &Arc<Self>,
        response: Response,
        account: Option<Arc<Account>>,
    ) -> Response<Answer> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            *self.inbound.lock().unwrap_or_else(PoisonError::into_inner) =
                account.as_ref().map(Account::charge_inbound);
            self.is_upgraded.store(true, Ordering::Relaxed);
        }
        let mut response = response;
        if let Some(account) = account {
            let byte_count = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
            let mut unwritten = self.unwritten();
            if unwritten.as_ref().is_some_and(|charge| charge.bytes() == 0) {
                *unwritten = None;
            }
            let charge = unwritten.get_or_insert_with(|| account.charge());
            if !charge.add(byte_count) {
                charge.take(byte_count);
                tracing::warn!(peer = %self.peer, "an answer was refused: waiting_bytes_max or that of its address is reached");
                response = no_room();
            }
        }
        let answer = |body| Answer { body, connection: Arc::clone(self) };
        response.map(answer)
    }

    fn note_written(&self, byte_count: usize) {
        if let Some(charge) = &mut *self.unwritten() {
            charge.take(byte_count);
        }
    }

    /// Bytes of a message have come; false when there is no room for it.
    fn note_read(&self, byte_count: usize) -> bool {
        if !self.is_upgraded.load(Ordering::Relaxed) {
            return true;
        }
        let unread = self.unread.fetch_add(byte_count, Ordering::Relaxed) + byte_count;
        if unread <= limits::INBOUND_BYTES_FREE {
            return true;
        }
        let mut inbound = self.inbound.lock().unwrap_or_else(PoisonError::into_inner);
        // Pings and pongs are none of a message, and are counted until the next one.
        inbound.as_mut().is_none_or(|charge| charge.set(unread.min(limits::UNREAD_BYTES_MAX)))
    }

    /// A message has come, and is charged as what it is from here on.
    pub(crate) fn note_message(&self) {
        if self.unread.swap(0, Ordering::Relaxed) > limits::INBOUND_BYTES_FREE
            && let Some(charge) = &mut *self.inbound.lock().unwrap_or_else(PoisonError::into_inner)
        {
            charge.lower(0);
        }
    }

    /// All that was to be written is.
    fn note_flushed(&self) {
        if self.is_answered.swap(false, Ordering::Relaxed) {
            *self.unwritten() = None;
            if !self.is_upgraded.load(Ordering::Relaxed) {
                self.set_idle();
            }
        }
    }
}

fn no_room() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    connection: Arc<Connection>,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.is_answered.store(true, Ordering::Relaxed);
    }
}

/// The body of a request that has to come on.
pub(super) struct Question {
    body: Incoming,
    patience: Patience,
}

impl Question {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, patience: Patience::default() }
    }
}

impl hyper::body::Body for Question {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { body, patience } = &mut *self;
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            ready!(patience.poll_over(cx));
            let error = io::Error::new(io::ErrorKind::TimedOut, "the request's body comes too slowly");
            return Poll::Ready(Some(Err(error.into())));
        };
        let byte_count =
            frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        patience.moved(byte_count);
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The bytes of a connection. A write that waits for a client that doesn't read fails in the end.
#[derive(Debug)]
pub(super) struct Stream<Io> {
    io: Io,
    connection: Arc<Connection>,
    patience: Patience,
}

impl<Io> Stream<Io> {
    pub(super) fn new(io: Io, connection: Arc<Connection>) -> Self {
        Self { io, connection, patience: Patience::default() }
    }

    fn written(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(byte_count)) => {
                self.patience.moved(byte_count);
                self.connection.note_written(byte_count);
                Poll::Ready(Ok(byte_count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.patience.poll_over(cx));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly"))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Stream<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        if self.connection.note_read(buf.filled().len() - before) {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "there is no room for what the client sends",
        )))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Stream<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.patience.moved(0);
                self.connection.note_flushed();
                Poll::Ready(flushed)
            }
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_shutdown(cx) {
            Poll::Ready(shut) => Poll::Ready(shut),
            Poll::Pending => self.poll_stalled(cx).map(Err),
        }
    }
}
