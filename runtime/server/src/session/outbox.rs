//! What waits for a socket: bounded in frames and in bytes, filled by many sessions, emptied by one writer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::Transmission;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;
use tokio::sync::Notify;

use crate::http::admission::bytes::{Account, Charge};
use crate::limits;

/// One thing to be sent.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A session's frame, with the templates that it needs.
    Transmission {
        transmission: Transmission,
        /// The component may be compressed ([`Live::IS_COMPRESSED`](crate::Live::IS_COMPRESSED)).
        is_compressible: bool,
    },
    /// A frame that needs no templates.
    Frame(Vec<u8>),
}

impl Outgoing {
    pub(crate) fn byte_count(&self) -> usize {
        match self {
            Self::Transmission { transmission, .. } => transmission.frame.len(),
            Self::Frame(frame) => frame.len(),
        }
    }
}

/// The side that is filled. Never waits: a client that reads too slowly loses its socket.
///
/// A queue of its own and no channel of tokio's: most sockets are idle, and a channel keeps 2 kB for its first 32
/// messages.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    peer: Option<SocketAddr>,
    queue: Mutex<Queue>,
    filled: Notify,
    overflow: Notify,
}

#[derive(Debug)]
struct Queue {
    waiting: VecDeque<Outgoing>,
    byte_count: usize,
    /// Counts the frames that wait, and the one that is being written.
    charge: Charge,
    /// The socket is gone; its sessions get a detach.
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No step below leaves the queue at odds when it panics.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side that is emptied.
pub(crate) struct OutboxReader {
    shared: Arc<Shared>,
    /// The templates that the page has.
    sent_templates: SentTemplates,
    /// A transmission that was taken, and that is the next again unless it is taken back.
    put_back: Option<Box<Transmission>>,
}

/// An outbox for the socket of `peer`, whose bytes go to `account`.
pub(crate) fn outbox(peer: Option<SocketAddr>, account: &Arc<Account>) -> (Outbox, OutboxReader) {
    let (filled, overflow) = Default::default();
    let queue = Queue { waiting: VecDeque::new(), byte_count: 0, charge: account.charge(), is_closed: false };
    let shared = Arc::new(Shared { peer, queue: Mutex::new(queue), filled, overflow });
    (
        Outbox { shared: Arc::clone(&shared) },
        OutboxReader { shared, sent_templates: SentTemplates::default(), put_back: None },
    )
}

impl Outbox {
    pub(crate) fn send(&self, outgoing: Outgoing) {
        let mut queue = self.shared.lock();
        if queue.is_closed {
            return;
        }
        let byte_count = queue.byte_count + outgoing.byte_count();
        if byte_count > limits::OUTBOX_BYTES_MAX || queue.waiting.len() >= limits::OUTBOX_FRAMES_MAX {
            return self.shared.overflow.notify_one();
        }
        if !queue.charge.add(outgoing.byte_count()) {
            queue.charge.take(outgoing.byte_count());
            return self.shared.overflow.notify_one();
        }
        queue.byte_count = byte_count;
        queue.waiting.push_back(outgoing);
        drop(queue);
        self.shared.filled.notify_one();
    }

    pub(crate) fn send_frame(&self, session: u32, frame: &ServerFrame<'_>) {
        self.send(Outgoing::Frame(frame.encode(session)));
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.shared.peer
    }

    /// Returns when more frames or bytes wait than may.
    pub(crate) async fn overflowed(&self) {
        self.shared.overflow.notified().await;
    }
}

impl OutboxReader {
    /// The page has the HTML of the templates `known`.
    pub(crate) fn open(&mut self, known: Vec<u32>) {
        self.sent_templates = SentTemplates::new(known);
    }

    pub(crate) fn sent_templates(&mut self) -> &mut SentTemplates {
        &mut self.sent_templates
    }

    pub(crate) async fn next(&mut self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.next_waiting() {
                return outgoing;
            }
            self.shared.filled.notified().await;
        }
    }

    /// It is the next again, unless [`OutboxReader::take_back`] comes first.
    pub(crate) fn put_back(&mut self, transmission: Transmission) {
        self.put_back = Some(Box::new(transmission));
    }

    pub(crate) fn take_back(&mut self) {
        self.put_back = None;
    }

    pub(crate) fn next_waiting(&mut self) -> Option<Outgoing> {
        if let Some(transmission) = self.put_back.take() {
            return Some(Outgoing::Transmission { transmission: *transmission, is_compressible: false });
        }
        let mut queue = self.shared.lock();
        // The frame that was taken before is written by now.
        let byte_count = queue.byte_count;
        queue.charge.lower(byte_count);
        let outgoing = queue.waiting.pop_front()?;
        queue.byte_count -= outgoing.byte_count();
        if queue.waiting.is_empty() {
            // An idle socket keeps no allocation.
            queue.waiting = VecDeque::new();
        }
        Some(outgoing)
    }
}

impl Drop for OutboxReader {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.is_closed = true;
        let waiting = std::mem::take(&mut queue.waiting);
        queue.charge.lower(0);
        drop(queue);
        drop(waiting);
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

    pub(crate) fn transmit(&self, transmission: Transmission, is_compressible: bool) {
        self.outbox.send(Outgoing::Transmission { transmission, is_compressible });
    }

    /// Tells the client that the session has ended here.
    pub(crate) fn close(&self, reason: CloseReason, retry_ms: u64) {
        self.outbox.send_frame(self.session, &close_frame(reason, reason.meaning().trim(), retry_ms));
    }

    /// Whether both are the same socket and session number, so that the client can't tell them apart.
    pub(crate) fn has_same_target(&self, other: &Self) -> bool {
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
