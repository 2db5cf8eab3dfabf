//! Records sessions into files that `lightspeed replay` reads; the format is `specs/recording.md`.
//!
//! A session's actor has a [`Recorder`] and tells it what it takes and gives, in that order. That only
//! puts it into a queue: one thread redacts, encodes and writes, for all sessions. A session never
//! waits; what doesn't fit the queue ends its recording.
//!
//! ```text
//! actor -> Recorder -> queue -> thread: redaction -> tape -> file
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

mod desk;
mod redaction;
mod tape;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use lightspeed_core::ledger::TemplateUse;
use lightspeed_core::session::Transmission;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::JoinMode;

use crate::limits;
use crate::operations::clock;
use desk::{Desk, Job, Sender, Sink};

/// Which sessions are recorded, where to, and what of them is replaced. Nothing is recorded without one.
///
/// ```
/// use lightspeed::{Config, Recording};
///
/// let recording = Recording::new("/var/lib/shop/recordings")
///     .with_sessions(|component, random| component.ends_with("::Checkout") && random % 100 == 0)
///     .with_redacted_field("card-number");
/// let config = Config::default().with_recording(recording);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Recording {
    /// The directory that the files are written to; it is made if it isn't there.
    pub directory: PathBuf,
    /// Bytes of one file: 16 MiB.
    pub bytes_max: usize,
    /// Records of one file: 100,000.
    pub records_max: usize,
    /// Sessions that are recorded at a time: 100.
    pub sessions_max: usize,
    /// The names of fields whose values are replaced, besides password fields.
    pub redacted_fields: Vec<String>,
    is_chosen: Arc<Choice>,
    is_redacted: Arc<Redacts>,
}

type Choice = dyn Fn(&str, u64) -> bool + Send + Sync;
type Redacts = dyn Fn(&FieldName<'_>) -> bool + Send + Sync;

/// A field, for the decision whether its values are replaced.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FieldName<'a> {
    /// The component's name, as its type's.
    pub component: &'a str,
    /// The field's `name` attribute.
    pub name: &'a str,
    /// The field's `type` attribute; `textarea` and `select` for those.
    pub kind: &'a str,
}

impl Recording {
    /// Records sessions that ask for it by [`Context::record`](crate::Context::record), into `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            bytes_max: 16 * 1024 * 1024,
            records_max: 100_000,
            sessions_max: 100,
            redacted_fields: Vec::new(),
            is_chosen: Arc::new(|_, _| false),
            is_redacted: Arc::new(|_| false),
        }
    }

    /// Records the sessions that `is_chosen` is true for, given the component's name and a random
    /// number, unless the component says otherwise by [`Context::record`](crate::Context::record).
    pub fn with_sessions(mut self, is_chosen: impl Fn(&str, u64) -> bool + Send + Sync + 'static) -> Self {
        self.is_chosen = Arc::new(is_chosen);
        self
    }

    /// Sets how many bytes a file may have.
    pub fn with_bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Sets how many records a file may have.
    pub fn with_records_max(mut self, records_max: usize) -> Self {
        self.records_max = records_max;
        self
    }

    /// Sets how many sessions are recorded at a time.
    pub fn with_sessions_max(mut self, sessions_max: usize) -> Self {
        self.sessions_max = sessions_max;
        self
    }

    /// Replaces the values of the fields with this `name`, besides those of password fields.
    pub fn with_redacted_field(mut self, name: impl Into<String>) -> Self {
        self.redacted_fields.push(name.into());
        self
    }

    /// Replaces the values of the fields that `is_redacted` is true for, besides those of password fields.
    ///
    /// It is asked again whenever a page changes: it should be quick, and always say the same of a field.
    pub fn with_redaction(
        mut self,
        is_redacted: impl Fn(&FieldName<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.is_redacted = Arc::new(is_redacted);
        self
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("directory", &self.directory)
            .field("bytes_max", &self.bytes_max)
            .field("records_max", &self.records_max)
            .field("sessions_max", &self.sessions_max)
            .field("redacted_fields", &self.redacted_fields)
            .finish_non_exhaustive()
    }
}

/// What a recording starts with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The component's name: its type's, which `lightspeed replay --verify` knows it by.
    pub component: &'static str,
    /// The build that runs it.
    pub build: String,
    /// What the session's randomness grows from; 0 when it has none.
    pub seed: u64,
    /// The HTML of the first page.
    pub html: String,
    /// The component's state after its mount, when it can be saved.
    pub state: Option<Vec<u8>>,
    /// Whether the session has a store.
    pub is_stored: bool,
}

impl Start {
    /// About how many bytes it holds.
    fn byte_count(&self) -> usize {
        self.html.len() + self.state.as_ref().map_or(0, Vec::len) + limits::RECORD_HEAD_BYTES
    }
}

/// The recordings of a runtime, and the thread that writes them.
///
/// When it is dropped, it waits until what was recorded is written.
#[derive(Debug)]
pub struct Recordings {
    settings: Recording,
    desk: Desk,
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
        let desk = Desk::new(settings.clone());
        Self { settings, desk, recorder_count: Arc::default() }
    }

    /// Records a session into a new file, if it is chosen. `wish` is what the component has said.
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
        let sender = self.desk.sender();
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

/// Takes down one session. Dropped without [`Recorder::closed`], its file just ends.
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

    /// A message of a task is handled, after which the component saves `state`.
    pub fn message(&mut self, now: Timestamp, state: Option<Vec<u8>>) {
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

/// What happened, as it is handed to the thread.
#[derive(Debug)]
enum Moment {
    Joined { session: u32, mode: JoinMode, applied: u64, settled: u64 },
    FrameIn(Bytes),
    FrameOut { frame: Vec<u8>, templates: Vec<TemplateUse> },
    Message(Option<Vec<u8>>),
    Detached,
    Restarted(Option<Vec<u8>>),
    TimedOut,
    Stored(u64),
    Closed(CloseReason),
    Truncated,
}

impl Moment {
    /// About how many bytes it holds.
    fn byte_count(&self) -> usize {
        let held = match self {
            Self::FrameIn(bytes) => bytes.len(),
            Self::FrameOut { frame, .. } => frame.len(),
            Self::Message(state) | Self::Restarted(state) => state.as_ref().map_or(0, Vec::len),
            _ => 0,
        };
        held + limits::RECORD_HEAD_BYTES
    }
}
