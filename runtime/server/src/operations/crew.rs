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
//! A worker of tokio that runs code which sleeps or computes holds up more than its own tasks: it may be the worker
//! that all others rely on to hear from sockets and timers. No worker runs an author's code, therefore; threads of the
//! crew do. They are in three groups, a [`Lane`] each, so that nobody's click waits for what others make the server
//! do: turns of sessions, new pages, and the turns of sessions that compute for long. The first two have as many
//! threads at work as the runtime has workers, the third half as many.
//!
//! A thread that is at a job for longer than [`limits::TURN_HANDED_ON_AFTER`] no longer counts as one of its lane:
//! another thread is started in its place, and the first one ends with its job. How many such long jobs there may be is
//! bounded, for each lane by itself. A long job that computes has a lower priority from
//! [`limits::TURN_MAKES_WAY_AFTER`] on, where the system has priorities.
//!
//! A future of an author's is polled by the crew ([`errand`]). It takes no thread while it waits.
//!
//! A subscriber of `tracing` is the application's as well: it may panic, or have a job enqueued. The crew logs without
//! holding a lock, and survives such a panic.
//!
//! A runtime of tokio that has only one thread, as in tests and simulations, has no crew unless an operator asks for
//! one: the caller runs the author's code itself. The watch tells of what takes long there too.

mod errand;
#[cfg(test)]
mod tests;
mod watch;
mod weight;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{io, thread};

use futures_util::FutureExt;
use tokio::runtime::{Handle, RuntimeFlavor};

pub(crate) use errand::Errand;
use watch::{Bell, Stand, undisturbed};
pub(crate) use watch::{Kind, Label, note};
use weight::Kinds;
pub(crate) use weight::Weight;

use crate::limits;

/// Runs what authors wrote. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Crew(Arc<Shared>);

/// Something of an author's that is run in one go.
pub(crate) trait Job: Send + Sync {
    /// Whose it is.
    fn label(&self) -> Label;

    /// Where it waits.
    fn lane(&self) -> Lane;

    /// Runs it. A panic in it is its own matter to catch.
    fn run(self: Arc<Self>);
}

/// Which of the crew's threads a job is for, so that one kind doesn't wait for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What sessions do, those that come back among them: people wait for it.
    Session,
    /// What new pages ask for, any number of which may come at once; and cleaning up, for which nobody waits.
    Page,
    /// What those ask for whose jobs have computed for long before.
    Heavy,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Session, Self::Page, Self::Heavy];

    /// At most 15 bytes, as Linux takes no more.
    const fn thread_name(self) -> &'static str {
        match self {
            Self::Session => "ls-session",
            Self::Page => "ls-page",
            Self::Heavy => "ls-heavy",
        }
    }

    /// How many of so many threads are at work in it at a time.
    const fn threads_max(self, threads: usize) -> usize {
        match self {
            Self::Session | Self::Page => threads,
            Self::Heavy => threads.div_ceil(2),
        }
    }

    /// How many long jobs may have a thread of their own.
    const fn long_max(self) -> usize {
        match self {
            Self::Session => limits::TURNS_LONG_MAX / 2,
            // Pages come from anybody, and must not take what clicks need.
            Self::Page | Self::Heavy => limits::TURNS_LONG_MAX / 4,
        }
    }

    /// How long a job may run until another thread has its thread's place. Busy is a job that computes or
    /// waits for a processor.
    ///
    /// A session's first turn that computes is handed on at once, since the next ones are in [`Lane::Heavy`].
    /// A page isn't: each of the pages that anybody asks for would get a thread that computes.
    const fn handed_on_after(self, is_busy: bool) -> Duration {
        match (self, is_busy) {
            (Self::Session, _) => limits::TURN_HANDED_ON_AFTER,
            (Self::Page | Self::Heavy, false) => limits::TURN_WAITS_AFTER,
            (Self::Page | Self::Heavy, true) => limits::TURN_COMPUTES_MAX,
        }
    }
}

struct Shared {
    /// Threads that are at work at a time; with none, whoever asks runs the job.
    threads_max: usize,
    /// Whose context the threads are in, so that authors' code finds its timers and sockets.
    runtime: Handle,
    /// By lane. Each has a lock of its own, since a thread that holds a lock may lose its processor to other threads.
    gangs: [Gang; 3],
    waits: Mutex<Waits>,
    /// By lane, threads whose job is long.
    long: [AtomicUsize; 3],
    /// The log has been told that no thread could be started, and none has been since.
    is_unstarted_told: AtomicBool,
    /// The runtime is gone: threads end when there is nothing to do.
    is_closed: AtomicBool,
    stands: Mutex<Stands>,
    bell: Bell,
    began: Instant,
    kinds: Mutex<Kinds>,
}

/// A lane's threads.
#[derive(Default)]
struct Gang {
    state: Mutex<GangState>,
    /// There is a job for a thread that waits.
    work: Condvar,
}

#[derive(Default)]
struct GangState {
    /// With when each came.
    queue: VecDeque<(Instant, Arc<dyn Job>)>,
    /// Threads that wait and haven't been woken.
    idle: usize,
    /// Threads that have been woken and don't run yet.
    woken: usize,
    /// Threads that run jobs or wait, without those whose job is long.
    working: usize,
}

/// How long the jobs of sessions wait for a thread, and their results for a worker of tokio.
#[derive(Default)]
struct Waits {
    /// The moving mean: the newest wait has an eighth of the weight.
    mean: Duration,
    /// When the newest wait ended.
    at: Option<Instant>,
}

impl Waits {
    fn note(&mut self, came: Instant) {
        let now = Instant::now();
        // One wait of seconds, of a machine that was stopped for example, is forgotten after a few more.
        let waited = now.saturating_duration_since(came).min(limits::PAGES_PAUSE_MAX * 4);
        self.mean = (self.mean * 7 + waited) / 8;
        self.at = Some(now);
    }

    /// How long a thread has to pause before it takes up a page: as long as turns wait, if they do.
    fn pause(&self) -> Option<Duration> {
        let is_of_late = self.at.is_some_and(|at| at.elapsed() < limits::PAGES_PAUSE_MAX * 4);
        let is_long = is_of_late && self.mean > limits::TURNS_WAIT_MAX;
        is_long.then(|| self.mean.min(limits::PAGES_PAUSE_MAX))
    }
}

#[derive(Default)]
struct Stands {
    /// What each thread is at.
    all: Vec<Weak<Stand>>,
    /// By lane, the log has been told that as many jobs are long as may be.
    is_full_told: [bool; 3],
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code of an application runs under a lock of the crew's.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        Self(Arc::new(Shared {
            threads_max,
            runtime,
            gangs: Default::default(),
            waits: Mutex::default(),
            long: Default::default(),
            is_unstarted_told: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            stands: Mutex::default(),
            bell: Bell::default(),
            began: Instant::now(),
            kinds: Mutex::default(),
        }))
    }

    /// Whether whoever asks runs the job.
    pub(crate) fn is_inline(&self) -> bool {
        self.0.threads_max == 0
    }

    /// Has a thread run `job`, soon.
    pub(crate) fn enqueue(&self, job: Arc<dyn Job>) {
        let lane = job.lane();
        let gang = &self.0.gangs[lane as usize];
        let mut state = lock(&gang.state);
        state.queue.push_back((Instant::now(), job));
        if state.idle > 0 {
            state.idle -= 1;
            state.woken += 1;
            drop(state);
            gang.work.notify_one();
        } else if state.working < lane.threads_max(self.0.threads_max) {
            let started = if makes_way() { Ok(()) } else { self.0.start(&mut state, lane) };
            drop(state);
            self.0.note_started(started);
            // The watch starts what is missing.
            self.0.rouse();
        }
    }

    /// A job is over since `ended`, and who waits for it hears of it just now, from a worker of tokio.
    pub(crate) fn note_heard(&self, ended: tokio::time::Instant) {
        lock(&self.0.waits).note(ended.into_std());
    }

    /// Of somebody who is there from now on, with jobs of this label in this lane.
    pub(crate) fn weight(&self, lane: Lane, label: &Label) -> Weight {
        // A new page that computes waits among pages: those who are there go before it anyway.
        let kind = (lane == Lane::Session).then(|| {
            let mut kinds = lock(&self.0.kinds);
            Arc::clone(kinds.entry((label.component, label.what)).or_default())
        });
        Weight::new(self.0.ms(Instant::now()), kind)
    }

    /// Where the next job of whoever has this weight waits: in `lane`, unless the job counts as heavy.
    pub(crate) fn lane_of(&self, weight: &Weight, lane: Lane) -> Lane {
        if weight.is_heavy(self.0.ms(Instant::now())) { Lane::Heavy } else { lane }
    }

    /// A job of whoever has this weight is about to end in this thread.
    pub(crate) fn note_end(&self, weight: &Weight) {
        if STAND.with_borrow(|stand| stand.as_ref().is_some_and(|stand| stand.has_computed())) {
            weight.note_computed(self.0.ms(Instant::now()));
        }
    }

    /// Runs `run` here, watched.
    pub(crate) fn run_here<T>(&self, label: Label, run: impl FnOnce() -> T) -> T {
        let _section = self.section(label);
        run()
    }

    /// Has `future` polled by the crew, and gives what it does. Abandoned, it is dropped there. A panic in it
    /// is one here.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        label: Label,
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let (crew, future) = (self.clone(), future.boxed());
        async move {
            // Whoever is polled by the crew has come to the right place.
            if crew.is_inline() || is_in_a_crew() {
                crew.watched(label, future).await
            } else {
                crew.spawn(lane, label, future).await
            }
        }
    }

    /// Has `future` polled beside the caller, until what this gives is dropped.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        lane: Lane,
        label: Label,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Errand<T> {
        Errand::start(self, lane, label, future)
    }

    async fn watched<T>(&self, label: Label, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| self.run_here(label, || future.as_mut().poll(cx))).await
    }

    /// Has threads end when there is nothing to do any more.
    pub(crate) fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
        for gang in &self.0.gangs {
            // Locked, so that a thread that is about to wait does before it is woken.
            drop(lock(&gang.state));
            gang.work.notify_all();
        }
        self.0.bell.close();
    }

    fn section(&self, label: Label) -> Option<Section> {
        let stand = STAND.with_borrow_mut(|stand| match stand {
            Some(stand) if stand.lane.is_some() || stand.is_running() => None,
            Some(stand) if stand.is_of(&self.0) => Some(Arc::clone(stand)),
            _ => {
                let new = Arc::new(Stand::new(&self.0, None));
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

/// Whether this thread's job is long. Its priority may be lower by now, and a thread that it starts would have the same
/// lower priority for good.
fn makes_way() -> bool {
    STAND.with_borrow(|stand| stand.as_ref().is_some_and(|stand| stand.is_handed_on()))
}

/// Whether this thread belongs to a crew.
fn is_in_a_crew() -> bool {
    STAND.with_borrow(|stand| stand.as_ref().is_some_and(|stand| stand.lane.is_some()))
}

/// An author's code that runs in a thread that is no crew's.
struct Section {
    stand: Arc<Stand>,
}

impl Drop for Section {
    fn drop(&mut self) {
        if let (_, Some(told)) = self.stand.end() {
            undisturbed(|| told.tell(true));
        }
    }
}

impl Shared {
    /// The time since the crew began, in milliseconds.
    fn ms(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Has a new thread join those at work in a lane.
    fn start(self: &Arc<Self>, state: &mut GangState, lane: Lane) -> io::Result<()> {
        let stand = Arc::new(Stand::new(self, Some(lane)));
        let (shared, for_thread) = (Arc::clone(self), Arc::clone(&stand));
        let run = move || shared.work(lane, &for_thread);
        thread::Builder::new().name(lane.thread_name().to_owned()).spawn(run)?;
        state.working += 1;
        lock(&self.stands).all.push(Arc::downgrade(&stand));
        Ok(())
    }

    /// Has threads watched, if one was started, and tells the log once if none can be. The watch tries again.
    fn note_started(self: &Arc<Self>, started: io::Result<()>) {
        let error = match started.and_then(|()| self.keep_watched()) {
            Ok(()) => return self.is_unstarted_told.store(false, Ordering::Relaxed),
            Err(error) => error,
        };
        if !self.is_unstarted_told.swap(true, Ordering::Relaxed) {
            undisturbed(|| {
                tracing::error!(%error, "no thread could be started for the code of components: it waits until one can");
            });
        }
    }

    /// Runs one job after the other.
    fn work(self: &Arc<Self>, lane: Lane, stand: &Arc<Stand>) {
        let _context = self.runtime.enter();
        STAND.set(Some(Arc::clone(stand)));
        stand.sit_down();
        while let Some(job) = self.next(lane) {
            stand.begin(job.label());
            self.rouse();
            let run = AssertUnwindSafe(|| job.run());
            if catch_unwind(run).is_err() {
                undisturbed(|| tracing::error!("a job of the crew has panicked"));
            }
            let (is_handed_on, told) = stand.end();
            if let Some(told) = told {
                undisturbed(|| told.tell(true));
            }
            if is_handed_on {
                // Another thread has its place, or gets the place when there is something to do.
                self.long[lane as usize].fetch_sub(1, Ordering::Relaxed);
                return;
            }
        }
    }

    /// The next job, waited for; `None` when there will be none.
    fn next(&self, lane: Lane) -> Option<Arc<dyn Job>> {
        let gang = &self.gangs[lane as usize];
        let mut state = lock(&gang.state);
        loop {
            if let Some((came, job)) = state.queue.pop_front() {
                drop(state);
                match lane {
                    Lane::Session => lock(&self.waits).note(came),
                    // Sessions that are there go before pages that come.
                    Lane::Page => {
                        let pause = lock(&self.waits).pause();
                        pause.into_iter().for_each(thread::sleep);
                    }
                    Lane::Heavy => {}
                }
                return Some(job);
            }
            if self.is_closed.load(Ordering::SeqCst) {
                state.working -= 1;
                return None;
            }
            state.idle += 1;
            while state.woken == 0 && !self.is_closed.load(Ordering::SeqCst) {
                state = gang.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            // Whoever wakes a thread no longer counts it.
            match state.woken.checked_sub(1) {
                Some(woken) => state.woken = woken,
                None => state.idle -= 1,
            }
        }
    }

    /// Looks at what all threads are at. Whether there is anything to look at.
    fn look(self: &Arc<Self>) -> bool {
        let stands: Vec<Arc<Stand>> = {
            let mut stands = lock(&self.stands);
            stands.all.retain(|stand| stand.strong_count() > 0);
            stands.all.iter().filter_map(Weak::upgrade).collect()
        };
        let mut told = Vec::new();
        let mut handed_on = [0; 3];
        let mut is_busy = false;
        // Without the lock: it is waited for by those who start threads, and a look reads files.
        for stand in stands {
            let long = |lane: Lane| self.long[lane as usize].load(Ordering::Relaxed);
            let has_room = stand.lane.is_some_and(|lane| long(lane) < lane.long_max());
            let Some(seen) = stand.look(has_room) else { continue };
            is_busy = true;
            if let Some(lane) = seen.handed_on_now {
                handed_on[lane as usize] += 1;
                self.long[lane as usize].fetch_add(1, Ordering::Relaxed);
            }
            told.extend(seen.told);
        }
        let full = self.note_full();
        // Threads that were lost to long jobs are replaced when there is something to do.
        for (lane, handed_on) in Lane::ALL.into_iter().zip(handed_on) {
            let mut state = lock(&self.gangs[lane as usize].state);
            state.working -= handed_on;
            is_busy |= !state.queue.is_empty();
            let missing = lane.threads_max(self.threads_max).saturating_sub(state.working);
            let waiting = state.queue.len().saturating_sub(state.idle + state.woken);
            let wanted = missing.min(waiting);
            let started = (0..wanted).try_for_each(|_| self.start(&mut state, lane));
            drop(state);
            if wanted > 0 {
                self.note_started(started);
            }
        }
        for told in &told {
            told.tell(false);
        }
        for lane in full {
            tracing::error!(
                lane = ?lane,
                turns = lane.long_max(),
                "so many components take long at the same time: one more of them holds up the others. \
                 Have long work done by `Context::perform`, without blocking"
            );
        }
        is_busy
    }

    /// The lanes in which as many jobs are long as may be, and weren't before.
    fn note_full(&self) -> impl Iterator<Item = Lane> + use<> {
        let mut stands = lock(&self.stands);
        let is_new = Lane::ALL.map(|lane| {
            let long = self.long[lane as usize].load(Ordering::Relaxed);
            is_newly_full(&mut stands.is_full_told[lane as usize], long, lane.long_max())
        });
        Lane::ALL.into_iter().zip(is_new).filter_map(|(lane, is_new)| is_new.then_some(lane))
    }
}

/// Whether a bound is reached that the log hasn't been told of since a quarter of it was free.
fn is_newly_full(is_told: &mut bool, long: usize, long_max: usize) -> bool {
    let is_full = long >= long_max;
    let was_told = std::mem::replace(is_told, is_full || (*is_told && long > long_max / 4 * 3));
    is_full && !was_told
}
