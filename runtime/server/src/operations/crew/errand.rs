//! A future that the crew polls.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::watch::undisturbed;
use super::{Crew, Job, Label, Lane, Weight};

/// A future that is polled beside whoever holds this; ends when it is dropped. Awaited, it gives what the future does.
pub(crate) struct Errand<T> {
    /// With when it ended.
    result: oneshot::Receiver<(thread::Result<T>, Instant)>,
    stop: Stop,
}

enum Stop {
    /// It runs in the crew.
    Run(Arc<Run>),
    /// It is a task of tokio.
    Task(AbortHandle),
    /// It runs to its end, and nobody stops it.
    Never,
}

impl<T: Send + 'static> Errand<T> {
    pub(super) fn start(
        crew: &Crew,
        lane: Lane,
        label: Label,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        let (sender, result) = oneshot::channel();
        let future = async move {
            let outcome = AssertUnwindSafe(future).catch_unwind().await;
            // Nobody waits for it, maybe.
            let _ = sender.send((outcome, Instant::now()));
        };
        let stop = if crew.is_inline() {
            let crew = crew.clone();
            Stop::Task(tokio::spawn(async move { crew.watched(label, future).await }).abort_handle())
        } else {
            let run = Arc::new(Run {
                crew: crew.clone(),
                label,
                lane,
                weight: crew.weight(lane, &label),
                future: Mutex::new(Some(future.boxed())),
                phase: AtomicU8::new(IDLE),
                is_stopped: AtomicBool::new(false),
            });
            run.schedule();
            Stop::Run(run)
        };
        Self { result, stop }
    }

    /// Has it go on to its end, whoever waits.
    pub(crate) fn detach(mut self) {
        self.stop = Stop::Never;
    }
}

impl<T> Errand<T> {
    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        match &self.stop {
            Stop::Run(run) => run.phase.load(Ordering::Acquire) == DONE,
            Stop::Task(task) => task.is_finished(),
            Stop::Never => false,
        }
    }
}

impl<T> Future for Errand<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.result.poll_unpin(cx) {
            Poll::Ready(Ok((outcome, ended))) => {
                if let Stop::Run(run) = &self.stop {
                    run.crew.note_heard(ended);
                }
                Poll::Ready(outcome.unwrap_or_else(|panic| resume_unwind(panic)))
            }
            // The runtime of tokio is ending, and whoever awaits this with it.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Drop for Errand<T> {
    fn drop(&mut self) {
        match &self.stop {
            Stop::Run(run) => {
                // Read, changed and written at once, here and by the runner: one of the two sees what the other did.
                run.is_stopped.swap(true, Ordering::AcqRel);
                run.schedule();
            }
            Stop::Task(task) => task.abort(),
            Stop::Never => {}
        }
    }
}

/// It waits for something.
const IDLE: u8 = 0;
/// It waits for a thread.
const QUEUED: u8 = 1;
/// A thread is at it.
const RUNNING: u8 = 2;
/// The same, and what it waits for has happened meanwhile.
const AGAIN: u8 = 3;
/// It has ended.
const DONE: u8 = 4;

struct Run {
    crew: Crew,
    label: Label,
    lane: Lane,
    weight: Weight,
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    phase: AtomicU8,
    is_stopped: AtomicBool,
}

impl Run {
    fn schedule(self: &Arc<Self>) {
        let next = |phase| match phase {
            IDLE => Some(QUEUED),
            RUNNING => Some(AGAIN),
            // Written all the same, so that the runner sees what happened before.
            QUEUED | AGAIN => Some(phase),
            _ => None,
        };
        if self.phase.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) == Ok(IDLE) {
            self.crew.enqueue(Arc::<Self>::clone(self));
        }
    }
}

impl Wake for Run {
    fn wake(self: Arc<Self>) {
        self.schedule();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.schedule();
    }
}

impl Job for Run {
    fn label(&self) -> Label {
        self.label
    }

    fn lane(&self) -> Lane {
        self.crew.lane_of(&self.weight, self.lane)
    }

    fn run(self: Arc<Self>) {
        self.phase.swap(RUNNING, Ordering::AcqRel);
        let mut slot = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = match slot.as_mut() {
            Some(future) if !self.is_stopped.load(Ordering::Acquire) => {
                let waker = Waker::from(Arc::clone(&self));
                future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
            }
            _ => true,
        };
        if is_over {
            self.phase.store(DONE, Ordering::Release);
            let future = slot.take();
            drop(slot);
            // What is left of it is the author's as well.
            if catch_unwind(AssertUnwindSafe(|| drop(future))).is_err() {
                undisturbed(|| {
                    tracing::error!(
                        component = self.label.component,
                        "work of a component panicked while it was dropped"
                    );
                });
            }
            return;
        }
        drop(slot);
        self.crew.note_end(&self.weight);
        let waits = self.phase.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire);
        if waits.is_err() {
            self.phase.store(QUEUED, Ordering::Release);
            self.crew.enqueue(Arc::<Self>::clone(&self));
        }
    }
}
