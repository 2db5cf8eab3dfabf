//! What waits for a socket: bounded in frames and in bytes, filled by many sessions, emptied by one writer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lightspeed_core::session::Transmission;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;
use tokio::sync::{Notify, mpsc};

use crate::limits;

/// One thing to be sent.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A session's frame, with the templates that it needs.
    Transmission(Transmission),
    /// A frame that needs nothing.
    Frame(Vec<u8>),
}

impl Outgoing {
    pub(crate) fn byte_count(&self) -> usize {
        match self {
            Self::Transmission(transmission) => transmission.frame.len(),
            Self::Frame(frame) => frame.len(),
        }
    }
}

/// The side that is filled. Never waits: a client that reads too slowly loses its socket.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Outgoing>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    peer: Option<SocketAddr>,
    bytes_waiting: AtomicUsize,
    overflow: Notify,
}

/// The side that is emptied.
pub(crate) struct OutboxReader {
    receiver: mpsc::Receiver<Outgoing>,
    shared: Arc<Shared>,
}

/// An outbox for the socket of `peer`.
pub(crate) fn outbox(peer: Option<SocketAddr>) -> (Outbox, OutboxReader) {
    let (sender, receiver) = mpsc::channel(limits::OUTBOX_FRAMES_MAX);
    let shared = Arc::new(Shared { peer, bytes_waiting: AtomicUsize::new(0), overflow: Notify::new() });
    (Outbox { sender, shared: Arc::clone(&shared) }, OutboxReader { receiver, shared })
}

impl Outbox {
    pub(crate) fn send(&self, outgoing: Outgoing) {
        let byte_count = outgoing.byte_count();
        let before = self.shared.bytes_waiting.fetch_add(byte_count, Ordering::Relaxed);
        let is_over = before + byte_count > limits::OUTBOX_BYTES_MAX;
        // A closed channel means that the socket is gone, which its sessions are told by a detach.
        if is_over || matches!(self.sender.try_send(outgoing), Err(mpsc::error::TrySendError::Full(_))) {
            self.shared.overflow.notify_one();
        }
    }

    pub(crate) fn send_frame(&self, session: u32, frame: &ServerFrame<'_>) {
        self.send(Outgoing::Frame(frame.encode(session)));
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.shared.peer
    }

    /// Returns when more waits than may.
    pub(crate) async fn overflowed(&self) {
        self.shared.overflow.notified().await;
    }
}

impl OutboxReader {
    pub(crate) async fn next(&mut self) -> Option<Outgoing> {
        let outgoing = self.receiver.recv().await;
        self.count_off(outgoing)
    }

    pub(crate) fn next_waiting(&mut self) -> Option<Outgoing> {
        let outgoing = self.receiver.try_recv().ok();
        self.count_off(outgoing)
    }

    fn count_off(&self, outgoing: Option<Outgoing>) -> Option<Outgoing> {
        outgoing.inspect(|outgoing| {
            self.shared.bytes_waiting.fetch_sub(outgoing.byte_count(), Ordering::Relaxed);
        })
    }
}

/// A session's way to the socket that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    outbox: Outbox,
    /// The number that the client gave the session on this socket.
    pub(crate) session: u32,
    /// Which of the session's sockets it is, in the order in which they joined.
    pub(crate) epoch: u64,
}

impl Link {
    pub(crate) const fn new(outbox: Outbox, session: u32, epoch: u64) -> Self {
        Self { outbox, session, epoch }
    }

    pub(crate) fn transmit(&self, transmission: Transmission) {
        self.outbox.send(Outgoing::Transmission(transmission));
    }

    /// Tells the client that the session has ended here.
    pub(crate) fn close(&self, reason: CloseReason, retry_ms: u64) {
        self.outbox.send_frame(self.session, &close_frame(reason, reason.meaning().trim(), retry_ms));
    }

    /// Whether a client couldn't tell the two apart: the same socket and number.
    pub(crate) fn is_same_seat(&self, other: &Self) -> bool {
        self.session == other.session && Arc::ptr_eq(&self.outbox.shared, &other.outbox.shared)
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.outbox.peer()
    }
}

/// A close with a message cut to its bound.
pub(crate) fn close_frame(reason: CloseReason, message: &str, retry_ms: u64) -> ServerFrame<'_> {
    let end = message.floor_char_boundary(limits::CLOSE_MESSAGE_BYTES_MAX);
    ServerFrame::Close { reason: reason.code(), message: &message[..end], retry_ms }
}
