//! The thread that writes recordings, and the queue before it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use lightspeed_protocol::Timestamp;

use super::tape::Tape;
use super::{Moment, Recording, Start};
use crate::limits;
use crate::operations::telemetry::one_line;
use crate::session::actor::panic_text;

/// Where a recording is written.
pub(super) enum Sink {
    /// A file that the thread makes.
    File(PathBuf),
    Writer(Box<dyn Write + Send>),
}

/// What the thread is to do.
pub(super) enum Job {
    Start { id: u64, start: Box<Start>, started: String, sink: Sink },
    Moment { id: u64, at: Timestamp, moment: Moment },
    End { id: u64 },
    Quit,
}

/// The way into the queue. Never waits.
#[derive(Clone)]
pub(super) struct Sender {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    bytes_waiting: AtomicUsize,
    ids: AtomicU64,
}

impl Sender {
    pub(super) fn next_id(&self) -> u64 {
        self.shared.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts a job into the queue; false when there is no room for it.
    pub(super) fn send(&self, job: Job) -> bool {
        let byte_count = job.byte_count();
        let before = self.shared.bytes_waiting.fetch_add(byte_count, Ordering::Relaxed);
        if before + byte_count > limits::RECORDER_QUEUE_BYTES_MAX {
            self.shared.bytes_waiting.fetch_sub(byte_count, Ordering::Relaxed);
            return false;
        }
        self.jobs.send(job).is_ok()
    }

    /// Puts a job into the queue that comes once for each recording, so that their number is its bound.
    pub(super) fn send_always(&self, job: Job) {
        self.shared.bytes_waiting.fetch_add(job.byte_count(), Ordering::Relaxed);
        // Fails only when the runtime is gone.
        let _ = self.jobs.send(job);
    }
}

impl Job {
    fn byte_count(&self) -> usize {
        match self {
            Self::Moment { moment, .. } => moment.byte_count(),
            Self::Start { start, .. } => start.byte_count(),
            Self::End { .. } | Self::Quit => 0,
        }
    }
}

/// The thread, as the runtime holds it.
pub(super) struct Desk {
    sender: Sender,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    pub(super) fn new(settings: Recording) -> Self {
        let (jobs, receiver) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let run = move || run(&settings, &receiver, &for_thread);
        let thread = thread::Builder::new().name("lightspeed-recorder".to_owned()).spawn(run);
        let thread = thread.expect("a system that serves pages has a thread to give");
        Self { sender: Sender { jobs, shared }, thread: Some(thread) }
    }

    pub(super) fn sender(&self) -> Sender {
        self.sender.clone()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Sessions may hold their recorders for longer than the runtime lives.
        self.sender.send_always(Job::Quit);
        if let Some(thread) = self.thread.take() {
            // It catches what panics, so there is nothing to hand on.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

fn run(settings: &Recording, receiver: &mpsc::Receiver<Job>, shared: &Shared) {
    let mut tapes = BTreeMap::new();
    while let Ok(job) = receiver.recv() {
        let byte_count = job.byte_count();
        match job {
            Job::Start { id, start, started, sink } => {
                let tape = guard(|| {
                    let writer = open(sink)?;
                    Tape::new(writer, settings, *start, &started)
                });
                tapes.extend(tape.map(|tape| (id, tape)));
            }
            Job::Moment { id, at, moment } => {
                let is_written = tapes.get_mut(&id).and_then(|tape| guard(|| tape.take(at, moment)));
                if is_written != Some(true) {
                    tapes.remove(&id);
                }
            }
            Job::End { id } => {
                tapes.remove(&id);
            }
            Job::Quit => return,
        }
        shared.bytes_waiting.fetch_sub(byte_count, Ordering::Relaxed);
    }
}

/// Does one thing for one recording; what fails ends that recording and no other.
fn guard<T>(run: impl FnOnce() -> io::Result<T>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::error!(error = %one_line(&error), "a recording could not be written: look at its directory's permissions and free space");
            None
        }
        Err(panic) => {
            tracing::error!(
                panic = panic_text(&*panic),
                "a recording has ended: its document could not be followed"
            );
            None
        }
    }
}

fn open(sink: Sink) -> io::Result<Box<dyn Write + Send>> {
    match sink {
        Sink::File(path) => Ok(Box::new(create(&path)?)),
        Sink::Writer(writer) => Ok(writer),
    }
}

/// Makes a file that only its owner reads: a recording holds what people have typed.
fn create(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
