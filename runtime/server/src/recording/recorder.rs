//! Records sessions into files that `lightspeed replay` reads; the format is `specs/recording.md`.
//!
//! A session's actor has a [`Recorder`], and tells it of each input and output of the session, in their order. The
//! recorder only puts them into a queue: one thread redacts, encodes and writes, for all sessions. A session never
//! waits. When the queue is full, the recording ends.
//!
//! ```text
//! actor -> Recorder -> queue -> writer thread: redaction -> writer -> file
//! ```
//!
//! # What an actor calls
//!
//! | when | what |
//! |---|---|
//! | it starts, with the mounted session | [`Recordings::start`] |
//! | a socket has attached, before the machine gets the join | [`Recorder::joined`] |
//! | a frame of the socket, before the machine gets it | [`Recorder::frame_in`] |
//! | the machine gives a transmission, whether a socket takes it or not | [`Recorder::frame_out`] |
//! | a task's message has been handled: its update has run, and nothing is rendered yet | [`Recorder::message`] |
//! | the machine gets a detach, or a timeout | [`Recorder::detached`], [`Recorder::timed_out`] |
//! | the component was started again | [`Recorder::restarted`] |
//! | the store has a checkpoint, before the machine is told | [`Recorder::stored`] |
//! | the session ends | [`Recorder::closed`] |

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use lightspeed_core::session::Transmission;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::JoinMode;

use crate::operations::clock;
use crate::recording::moment::Moment;
use crate::recording::writer_thread::{Job, Sender, Sink, WriterThread};

pub use crate::recording::moment::Start;
pub use crate::recording::settings::{FieldName, Recording};

/// The recordings of a runtime, and the thread that writes them.
///
/// When it is dropped, it waits until what was recorded is written.
#[derive(Debug)]
pub struct Recordings {
    settings: Recording,
    thread: WriterThread,
    /// How many sessions are recorded.
    recorder_count: Arc<AtomicUsize>,
}

impl Recordings {
    /// Begins to take recordings.
    ///
    /// # Panics
    ///
    /// When the system has no thread to give.
    pub fn new(settings: Recording) -> Self {
        let thread = WriterThread::new(settings.clone());
        Self { settings, thread, recorder_count: Arc::default() }
    }

    /// Records a session into a new file, if it is chosen. `wish` is what the component has asked for.
    pub fn start(&self, now: Timestamp, start: Start, wish: Option<bool>) -> Option<Recorder> {
        let random = getrandom::u64().ok()?;
        if !wish.unwrap_or_else(|| (self.settings.is_chosen)(start.component, random)) {
            return None;
        }
        if self.recorder_count.load(Ordering::Relaxed) >= self.settings.sessions_max {
            let component = start.component;
            tracing::warn!(component, "a session is not recorded: as many as may be recorded are");
            return None;
        }
        let started = clock::wall();
        let type_name = start.component.split('<').next().unwrap_or_default();
        let type_name = type_name.rsplit("::").next().unwrap_or_default();
        // A colon would name a stream of a file, or a host, elsewhere.
        let name = format!("{}-{type_name}-{random:016x}.lsr", started.replace(':', ""));
        Some(self.record(now, start, started, Sink::File(self.settings.directory.join(name))))
    }

    /// Records a session into `sink`, which the thread writes to.
    pub fn start_into(&self, now: Timestamp, start: Start, sink: Box<dyn Write + Send>) -> Recorder {
        self.record(now, start, clock::wall(), Sink::Writer(sink))
    }

    fn record(&self, now: Timestamp, start: Start, started: String, sink: Sink) -> Recorder {
        self.recorder_count.fetch_add(1, Ordering::Relaxed);
        let sender = self.thread.sender();
        let id = sender.next_id();
        let component = start.component;
        let is_begun = sender.send(Job::Start { id, start: Box::new(start), started, sink });
        if !is_begun {
            tracing::warn!(
                component,
                "a session is not recorded: what waits to be written is as much as may"
            );
        }
        Recorder { id, sender, origin: now, is_over: !is_begun, count: Arc::clone(&self.recorder_count) }
    }
}

/// Records one session. Dropped without [`Recorder::closed`], its file just ends.
pub struct Recorder {
    id: u64,
    sender: Sender,
    origin: Timestamp,
    /// Nothing is written any more.
    is_over: bool,
    count: Arc<AtomicUsize>,
}

impl Recorder {
    /// A socket attaches. `settled` is the last event that its client knows to be handled.
    pub fn joined(&mut self, now: Timestamp, session: u32, mode: JoinMode, applied: u64, settled: u64) {
        self.post(now, Moment::Joined { session, mode, applied, settled });
    }

    /// A frame comes from the client. A join, with its token, is not written.
    pub fn frame_in(&mut self, now: Timestamp, bytes: Bytes) {
        self.post(now, Moment::FrameIn(bytes));
    }

    /// A frame goes to the client.
    pub fn frame_out(&mut self, now: Timestamp, transmission: &Transmission) {
        if self.is_over {
            return;
        }
        let Transmission { frame, templates, .. } = transmission;
        self.post(now, Moment::FrameOut { frame: frame.clone(), templates: templates.clone() });
    }

    /// A message of a task is handled, after which the component saves `state`, and the page is to be asked for what
    /// [`Session::asked`](lightspeed_core::Session::asked) says.
    pub fn message(&mut self, now: Timestamp, state: Option<Vec<u8>>, asked: Option<Vec<u8>>) {
        if let Some(asked) = asked {
            self.post(now, Moment::Asked(asked));
        }
        self.post(now, Moment::Message(state));
    }

    /// The socket is lost.
    pub fn detached(&mut self, now: Timestamp) {
        self.post(now, Moment::Detached);
    }

    /// The component has panicked and goes on from `state`.
    pub fn restarted(&mut self, now: Timestamp, state: Option<Vec<u8>>) {
        self.post(now, Moment::Restarted(state));
    }

    /// The machine's timeout is due.
    pub fn timed_out(&mut self, now: Timestamp) {
        self.post(now, Moment::TimedOut);
    }

    /// The store has a checkpoint.
    pub fn stored(&mut self, now: Timestamp, generation: u64) {
        self.post(now, Moment::Stored(generation));
    }

    /// The session ends.
    pub fn closed(mut self, now: Timestamp, reason: CloseReason) {
        self.post(now, Moment::Closed(reason));
    }

    fn post(&mut self, now: Timestamp, moment: Moment) {
        if self.is_over {
            return;
        }
        let at = Timestamp(now.0.saturating_sub(self.origin.0));
        if !self.sender.send(Job::Moment { id: self.id, at, moment }) {
            self.is_over = true;
            self.sender.send_always(Job::Moment { id: self.id, at, moment: Moment::Truncated });
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.sender.send_always(Job::End { id: self.id });
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("id", &self.id)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
