//! Bytes of a connection, counted below the WebSocket: what a slow client sends is a sign of life long before it is
//! a whole message.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use lightspeed_protocol::limits::{INBOUND_BYTES_PER_SECOND_MIN, SILENCE_MS_MAX};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How many bytes have come on a connection, and how many may. A server that isn't
/// [`Server`](crate::Server) counts none.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    read: AtomicU64,
    /// Nothing is read beyond this one.
    read_max: AtomicU64,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Counts { read: AtomicU64::new(0), read_max: AtomicU64::new(u64::MAX) }))
    }

    fn read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    /// Takes so many bytes more and then none; any number for `None`.
    pub(crate) fn admit(&self, bytes_max: Option<usize>) {
        let bytes_max = bytes_max.and_then(|bytes| u64::try_from(bytes).ok());
        let read_max = bytes_max.map_or(u64::MAX, |bytes| self.read().saturating_add(bytes));
        self.0.read_max.store(read_max, Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.read() >= self.0.read_max.load(Ordering::Relaxed)
    }
}

/// A connection whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Counted<Io> {
    io: Io,
    progress: Progress,
}

impl<Io> Counted<Io> {
    pub(crate) const fn new(io: Io, progress: Progress) -> Self {
        Self { io, progress }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Counted<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.progress.is_full() {
            // Whoever has set the bound looks at it when there is nothing to be had, and ends the socket.
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buf);
        let count = u64::try_from(buf.filled().len() - before).unwrap_or(u64::MAX);
        self.progress.0.read.fetch_add(count, Ordering::Relaxed);
        result
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Counted<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

/// What a wait for a message finds when the message isn't whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// Nothing new.
    Nothing,
    /// More of it.
    More,
    /// More than may come.
    TooMuch,
}

/// A message that is awaited: how long, by what has come of it.
#[derive(Debug)]
pub(crate) struct Awaited<'p> {
    progress: Option<&'p Progress>,
    /// Bytes that had come when it was last looked at, and when the first of this message did.
    read: u64,
    first: Option<(u64, Instant)>,
    within: Duration,
}

impl<'p> Awaited<'p> {
    /// Nothing has come of it.
    pub(crate) fn new(progress: Option<&'p Progress>, within: Duration) -> Self {
        Self { progress, read: progress.map_or(0, Progress::read), first: None, within }
    }

    /// Looks at what has come.
    pub(crate) fn look(&mut self, now: Instant) -> Arrived {
        let Some(progress) = self.progress else { return Arrived::Nothing };
        let read = progress.read();
        if read == self.read {
            return if progress.is_full() { Arrived::TooMuch } else { Arrived::Nothing };
        }
        self.first.get_or_insert((self.read, now));
        self.read = read;
        if progress.is_full() { Arrived::TooMuch } else { Arrived::More }
    }

    /// Until when the rest is waited for: as long as something comes, and enough of it, whatever the time
    /// between two bytes.
    pub(crate) fn until(&self, now: Instant) -> Instant {
        let until = now + self.within;
        let Some((before, first)) = self.first else { return until };
        let seconds = (self.read - before) / INBOUND_BYTES_PER_SECOND_MIN;
        until.min(first + Duration::from_millis(SILENCE_MS_MAX) + Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests;
