//! The threads that run what authors wrote, so that whatever it does nobody else waits for it.
//!
//! ```text
//! a worker of tokio           a thread of the crew            the watch
//!   actor ── Job ──▶ queue ──▶ run it
//!   awaits                       │  longer than a few milliseconds?
//!                                │◀──────────────────────────────── another thread has its place
//!     ◀──────── wake ────────────┘                                  longer still: tells of it
//! ```
//!
//! A worker of tokio that runs code which sleeps or computes holds up more than its own tasks: it may be the one
//! that all others rely on to hear from sockets and timers. So no worker runs any. The crew has as many threads at
//! work as the runtime has workers. One that is at a job for longer than [`limits::TURN_HANDED_ON_AFTER`] no longer counts as one of them,
//! another is started in its place, and it ends with its job. How many such there may be is bounded.
//!
//! What is waited for within an author's future is no such job: the future is polled by the crew ([`errand`]),
//! and between polls it takes no thread.
//!
//! On a runtime of tokio that has one thread only, as tests and simulations have, there is no crew unless an
//! operator asks for one: whoever comes to an author's code runs it. The watch tells of what is long there too.

mod errand;
mod watch;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use futures_util::FutureExt;
use tokio::runtime::{Handle, RuntimeFlavor};

pub(crate) use errand::Errand;
use watch::{Bell, Stand};
pub(crate) use watch::{Kind, Label, note};

use crate::limits;

/// Runs what authors wrote. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Crew(Arc<Shared>);

/// Something of an author's that is run in one go.
pub(crate) trait Job: Send + Sync {
    /// Whose it is.
    fn label(&self) -> Label;

    /// Runs it. A panic in it is its own matter to catch.
    fn run(self: Arc<Self>);
}

struct Shared {
    /// Threads that are at work at a time; with none, whoever asks runs the job.
    threads_max: usize,
    /// Whose context the threads are in, so that authors' code finds its timers and sockets.
    runtime: Handle,
    state: Mutex<State>,
    /// There is a job for a thread that waits.
    work: Condvar,
    bell: Bell,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Arc<dyn Job>>,
    /// Threads that wait, those not counted that have been woken.
    idle: usize,
    /// How many of those that waited are to wake.
    woken: usize,
    /// Threads that run jobs or wait, without those whose job is long.
    working: usize,
    /// Threads whose job is long.
    long: usize,
    /// What each thread is at.
    stands: Vec<Weak<Stand>>,
    /// The runtime is gone: threads end when there is nothing to do.
    is_closed: bool,
    is_full_told: bool,
}

thread_local! {
    /// What this thread is at.
    static STAND: RefCell<Option<Arc<Stand>>> = const { RefCell::new(None) };
}

impl Crew {
    /// A crew for the runtime of tokio that this is called in: of as many threads, or one for each of its workers.
    pub(crate) fn new(threads: Option<usize>) -> Self {
        let runtime = Handle::current();
        let threads_max = threads.unwrap_or_else(|| match runtime.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 0,
            _ => runtime.metrics().num_workers(),
        });
        let (state, work, bell) = (Mutex::default(), Condvar::new(), Bell::default());
        Self(Arc::new(Shared { threads_max, runtime, state, work, bell }))
    }

    /// Whether whoever asks runs the job.
    pub(crate) fn is_inline(&self) -> bool {
        self.0.threads_max == 0
    }

    /// Has a thread run `job`, soon.
    pub(crate) fn enqueue(&self, job: Arc<dyn Job>) {
        let mut state = self.0.lock();
        state.queue.push_back(job);
        if state.idle > 0 {
            state.idle -= 1;
            state.woken += 1;
            drop(state);
            self.0.work.notify_one();
        } else if state.working < self.0.threads_max {
            self.0.start(&mut state);
        }
    }

    /// Runs `run` here, watched.
    pub(crate) fn run_here<T>(&self, label: Label, run: impl FnOnce() -> T) -> T {
        let _section = self.section(label);
        run()
    }

    /// Has `future` polled by the crew, and gives what it does. Abandoned, it is dropped there. A panic in it is one here.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        label: Label,
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let (crew, future) = (self.clone(), future.boxed());
        async move {
            // Whoever is polled by the crew has come to the right place.
            if crew.is_inline() || is_in_a_crew() {
                crew.watched(label, future).await
            } else {
                crew.spawn(label, future).await
            }
        }
    }

    /// Has `future` polled beside the caller, until what this gives is dropped.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        label: Label,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Errand<T> {
        Errand::start(self, label, future)
    }

    async fn watched<T>(&self, label: Label, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| self.run_here(label, || future.as_mut().poll(cx))).await
    }

    /// Has threads end when there is nothing to do any more.
    pub(crate) fn close(&self) {
        self.0.lock().is_closed = true;
        self.0.work.notify_all();
        self.0.bell.close();
    }

    fn section(&self, label: Label) -> Option<Section> {
        let stand = STAND.with_borrow_mut(|stand| match stand {
            Some(stand) if stand.is_of_a_crew || stand.is_running() => None,
            Some(stand) if stand.is_of(&self.0) => Some(Arc::clone(stand)),
            _ => {
                let new = Arc::new(Stand::new(&self.0, false));
                self.0.watch_over(&new);
                *stand = Some(Arc::clone(&new));
                Some(new)
            }
        })?;
        stand.begin(label);
        self.0.rouse();
        Some(Section { stand })
    }
}

/// Whether this thread belongs to a crew.
fn is_in_a_crew() -> bool {
    STAND.with_borrow(|stand| stand.as_ref().is_some_and(|stand| stand.is_of_a_crew))
}

/// An author's code that runs in a thread that is no crew's.
struct Section {
    stand: Arc<Stand>,
}

impl Drop for Section {
    fn drop(&mut self) {
        self.stand.end();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of an author's runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a new thread join those at work.
    fn start(self: &Arc<Self>, state: &mut State) {
        let stand = Arc::new(Stand::new(self, true));
        let (shared, for_thread) = (Arc::clone(self), Arc::clone(&stand));
        let run = move || shared.work(&for_thread);
        match thread::Builder::new().name("lightspeed-author".to_owned()).spawn(run) {
            Ok(_) => {
                state.working += 1;
                state.stands.push(Arc::downgrade(&stand));
            }
            // The watch tries again.
            Err(error) => tracing::error!(%error, "no thread could be started for the code of components"),
        }
        self.keep_watched();
    }

    /// Runs one job after the other.
    fn work(self: &Arc<Self>, stand: &Arc<Stand>) {
        let _context = self.runtime.enter();
        STAND.set(Some(Arc::clone(stand)));
        while let Some(job) = self.next() {
            stand.begin(job.label());
            self.rouse();
            let run = AssertUnwindSafe(|| job.run());
            if catch_unwind(run).is_err() {
                tracing::error!("a job of the crew has panicked");
            }
            if stand.end() && !self.come_back() {
                return;
            }
        }
    }

    /// The next job, waited for; `None` when there will be none.
    fn next(&self) -> Option<Arc<dyn Job>> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            if state.is_closed {
                state.working -= 1;
                return None;
            }
            state.idle += 1;
            while state.woken == 0 && !state.is_closed {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            // Whoever wakes a thread no longer counts it.
            match state.woken.checked_sub(1) {
                Some(woken) => state.woken = woken,
                None => state.idle -= 1,
            }
        }
    }

    /// A long job is done: whether its thread is at work again.
    fn come_back(&self) -> bool {
        let mut state = self.lock();
        state.long -= 1;
        let is_needed = state.working < self.threads_max && !state.is_closed;
        state.working += usize::from(is_needed);
        is_needed
    }

    /// Looks at what all are at. Whether there is anything to look at.
    fn look(self: &Arc<Self>) -> bool {
        let mut told = Vec::new();
        let mut state = self.lock();
        let mut is_busy = !state.queue.is_empty();
        let mut stands = std::mem::take(&mut state.stands);
        stands.retain(|stand| {
            let Some(stand) = stand.upgrade() else { return false };
            let has_room = stand.is_of_a_crew && state.long < limits::TURNS_LONG_MAX;
            let Some(seen) = stand.look(has_room) else { return true };
            is_busy = true;
            if seen.is_handed_on_now {
                state.working -= 1;
                state.long += 1;
            }
            told.extend(seen.told);
            true
        });
        state.stands = stands;
        // Threads that were lost to long jobs are replaced when there is something to do.
        let missing = self.threads_max.saturating_sub(state.working);
        let waiting = state.queue.len().saturating_sub(state.idle + state.woken);
        for _ in 0..missing.min(waiting) {
            self.start(&mut state);
        }
        let is_full = state.long >= limits::TURNS_LONG_MAX;
        let is_news = is_full && !std::mem::replace(&mut state.is_full_told, is_full);
        drop(state);
        for told in &told {
            told.tell(false);
        }
        if is_news {
            tracing::error!(
                turns = limits::TURNS_LONG_MAX,
                "so many components take long at the same time: one more of them holds up the others. \
                 Have long work done by `Context::perform`, without blocking"
            );
        }
        is_busy
    }
}
