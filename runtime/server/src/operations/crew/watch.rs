//! Looks at what threads are at, every few milliseconds as long as they are at something, and tells of what takes long.

use std::any::type_name;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::{Lane, STAND, Shared, lock};
use crate::id::SessionId;
use crate::limits;
use crate::operations::telemetry;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The processor time that a turn takes between two looks, at least, to count as one that computes.
const COMPUTES_AFTER: Duration = Duration::from_millis(1);

/// The share of a turn's time that it computes or waits for a processor, at least, to count as one that
/// computes: an eighth. The system may tell of what was used as late as 10 ms after.
const COMPUTES_SHARE: u32 = 8;

/// So many looks at nothing, and the watch sleeps until something begins.
const QUIET_LOOKS: u32 = 16;

/// The number of no turn.
const NO_TURN: u64 = u64::MAX;

/// Whose code it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Label {
    /// The component's type, where it is that of one.
    pub(crate) component: Option<&'static str>,
    pub(crate) session: Option<SessionId>,
    /// What it begins with.
    pub(crate) what: &'static str,
}

impl Label {
    pub(crate) fn of<C>(what: &'static str) -> Self {
        Self { component: Some(type_name::<C>()), session: None, what }
    }

    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, ..Self::default() }
    }

    pub(crate) fn in_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }
}

/// Which message it is about: its type, and which of its variants in the order of their declaration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    type_name: &'static str,
    variant: u64,
}

impl Kind {
    pub(crate) fn of<M>(message: &M) -> Self {
        let mut number = Number(0);
        discriminant(message).hash(&mut number);
        Self { type_name: type_name::<M>(), variant: number.0 }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, variant {}", self.type_name, self.variant)
    }
}

/// The number that is hashed, and no hash of it.
struct Number(u64);

impl Hasher for Number {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut number = [0; 8];
        let length = bytes.len().min(8);
        number[..length].copy_from_slice(&bytes[..length]);
        self.0 = u64::from_le_bytes(number);
    }
}

/// Notes what an author's code begins with in this thread.
pub(crate) fn note(component: &'static str, what: &'static str, kind: Option<Kind>) {
    STAND.with_borrow(|stand| {
        if let Some(stand) = stand {
            let mut running = lock(&stand.running);
            running.label.component = Some(component);
            running.label.what = what;
            running.kind = kind;
        }
    });
}

/// What one thread is at.
pub(super) struct Stand {
    /// Where the thread works; none for one that isn't a crew's.
    pub(super) lane: Option<Lane>,
    crew: Weak<Shared>,
    /// Odd as long as something runs.
    turn: AtomicU64,
    /// The turn for which another thread has this one's place.
    handed_on: AtomicU64,
    running: Mutex<Running>,
    seen: Mutex<Seen>,
    /// The turn of which the watch has found that it computes.
    computing: AtomicU64,
    thread: OnceLock<ThreadId>,
}

/// How the system knows a thread.
#[cfg(target_os = "linux")]
type ThreadId = rustix::thread::Pid;
#[cfg(not(target_os = "linux"))]
type ThreadId = ();

/// How much less of a core a thread gets that makes way, as a nice value: about a ninth.
#[cfg(target_os = "linux")]
const LONG_NICE: i32 = 10;

#[derive(Clone, Copy, Default)]
struct Running {
    label: Label,
    kind: Option<Kind>,
}

/// What the watch has seen.
#[derive(Default)]
struct Seen {
    turn: u64,
    /// When it has seen this turn for the first time.
    since: Option<Instant>,
    /// What the thread had used by then, where the system tells it.
    used: Option<Used>,
    /// When that is read next, counted from `since`.
    read_at: Duration,
    computes: bool,
    /// It computes, or waits for a processor.
    is_busy: bool,
    makes_way: bool,
    /// What ran when it was told that it takes long.
    told: Option<Running>,
}

/// What a thread has used.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// On a processor.
    ran: Duration,
    /// Waiting for a processor.
    queued: Duration,
}

/// What a look has found.
pub(super) struct Sight {
    /// From now on another thread has its place in this lane.
    pub(super) handed_on_now: Option<Lane>,
    pub(super) told: Option<Told>,
}

/// Something that takes long.
pub(super) struct Told {
    running: Running,
    elapsed: Duration,
    is_alone: bool,
}

impl Stand {
    pub(super) fn new(crew: &Arc<Shared>, lane: Option<Lane>) -> Self {
        Self {
            lane,
            crew: Arc::downgrade(crew),
            turn: AtomicU64::new(0),
            handed_on: AtomicU64::new(NO_TURN),
            running: Mutex::default(),
            seen: Mutex::default(),
            computing: AtomicU64::new(NO_TURN),
            thread: OnceLock::new(),
        }
    }

    /// This is the thread that it is about.
    pub(super) fn sit_down(&self) {
        #[cfg(target_os = "linux")]
        let _ = self.thread.set(rustix::thread::gettid());
    }

    /// The thread makes way for the others, to its end: a job that computes for long must not take a core from them.
    #[cfg(target_os = "linux")]
    fn make_way(&self) {
        if let Some(thread) = self.thread.get() {
            // Where that isn't allowed it shares evenly.
            let _ = rustix::process::setpriority_process(Some(*thread), LONG_NICE);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn make_way(&self) {}

    /// What the thread has used. The system brings it up to date at its ticks, of 1 to 10 ms.
    #[cfg(target_os = "linux")]
    fn used(&self) -> Option<Used> {
        let thread = self.thread.get()?.as_raw_nonzero();
        // proc_pid_schedstat(5): nanoseconds on a processor, nanoseconds of waiting for one, and how often.
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
        let mut fields = stat.split(' ').map(|field| field.parse().ok().map(Duration::from_nanos));
        Some(Used { ran: fields.next()??, queued: fields.next()?? })
    }

    #[cfg(not(target_os = "linux"))]
    fn used(&self) -> Option<Used> {
        None
    }

    /// Whether what runs has computed for long.
    pub(super) fn has_computed(&self) -> bool {
        let turn = self.turn.load(Ordering::Relaxed);
        self.computing.load(Ordering::Relaxed) == turn
    }

    /// Whether another thread has this one's place.
    pub(super) fn is_handed_on(&self) -> bool {
        let turn = self.turn.load(Ordering::Relaxed);
        self.handed_on.load(Ordering::Relaxed) == turn
    }

    pub(super) fn is_of(&self, crew: &Arc<Shared>) -> bool {
        std::ptr::eq(self.crew.as_ptr(), Arc::as_ptr(crew))
    }

    pub(super) fn is_running(&self) -> bool {
        self.turn.load(Ordering::Relaxed) % 2 == 1
    }

    pub(super) fn begin(&self, label: Label) {
        *lock(&self.running) = Running { label, kind: None };
        // Before the watch is looked for. Either this thread sees that the watch sleeps, or the watch sees the turn.
        self.turn.fetch_add(1, Ordering::SeqCst);
    }

    /// What runs is done. Whether another thread has this one's place, and what is to be told of it.
    pub(super) fn end(&self) -> (bool, Option<Told>) {
        let turn = self.turn.fetch_add(1, Ordering::SeqCst);
        let seen = std::mem::take(&mut *lock(&self.seen));
        if seen.turn != turn {
            return (false, None);
        }
        (self.handed_on.load(Ordering::Relaxed) == turn, seen.told.map(|running| self.told(running, &seen)))
    }

    /// Looks; `None` when nothing runs. A place is handed on only if there is room for another thread.
    pub(super) fn look(&self, has_room: bool) -> Option<Sight> {
        let mut seen = lock(&self.seen);
        let turn = self.turn.load(Ordering::SeqCst);
        if turn.is_multiple_of(2) {
            return None;
        }
        if seen.turn != turn {
            *seen = Seen { turn, since: Some(Instant::now()), used: self.used(), ..Seen::default() };
        }
        let elapsed = seen.elapsed();
        if !seen.computes && elapsed >= COMPUTES_AFTER.max(seen.read_at) {
            // A job that waits for long is looked at less and less often.
            seen.read_at = elapsed + elapsed / 8;
            let now = self.used();
            seen.is_busy = seen.is_busy(elapsed, now);
            if seen.has_computed(elapsed, now) {
                seen.computes = true;
                self.computing.store(turn, Ordering::Relaxed);
            }
        }
        let is_handed_on = self.handed_on.load(Ordering::Relaxed) == turn;
        let is_long = |lane: &Lane| elapsed >= lane.handed_on_after(seen.is_busy) && !is_handed_on;
        let handed_on_now = self.lane.filter(|lane| has_room && is_long(lane));
        if handed_on_now.is_some() {
            self.handed_on.store(turn, Ordering::Relaxed);
        }
        // A job that only waits takes nothing from others, and may hold what they need when it goes on.
        let is_in_the_way = seen.computes && elapsed >= limits::TURN_MAKES_WAY_AFTER;
        if self.is_handed_on() && is_in_the_way && !seen.makes_way {
            seen.makes_way = true;
            self.make_way();
        }
        let is_slow = elapsed >= limits::TURN_SLOW_AFTER && seen.told.is_none();
        let told = is_slow.then(|| {
            let running = *lock(&self.running);
            seen.told = Some(running);
            self.told(running, &seen)
        });
        Some(Sight { handed_on_now, told })
    }

    fn told(&self, running: Running, seen: &Seen) -> Told {
        Told { running, elapsed: seen.elapsed(), is_alone: self.lane.is_none() }
    }
}

impl Seen {
    fn elapsed(&self) -> Duration {
        self.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Whether the job has computed or waited for a processor most of the time. Not known where the system
    /// doesn't tell.
    fn is_busy(&self, elapsed: Duration, now: Option<Used>) -> bool {
        let Some((before, now)) = self.used.zip(now) else { return false };
        now.ran.saturating_sub(before.ran) + now.queued.saturating_sub(before.queued)
            >= elapsed / COMPUTES_SHARE
    }

    /// Whether the job computes: a job that has waited for most of its time leaves the processor to others.
    fn has_computed(&self, elapsed: Duration, now: Option<Used>) -> bool {
        let Some((before, now)) = self.used.zip(now) else { return false };
        let ran = now.ran.saturating_sub(before.ran);
        let queued = now.queued.saturating_sub(before.queued);
        ran >= COMPUTES_AFTER && ran + queued >= elapsed / COMPUTES_SHARE
    }
}

impl Told {
    /// Tells of it: once while it runs, and once when it is over.
    pub(super) fn tell(&self, is_over: bool) {
        let Running { label: Label { component, session, what }, kind } = self.running;
        let (session, kind) = (session.map(tracing::field::display), kind.map(tracing::field::display));
        let ms = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX);
        let transition = telemetry::SLOW;
        let effect = match (is_over, self.is_alone) {
            (true, _) => "the code of a component has taken long",
            (false, false) => {
                "the code of a component takes long: its own session waits. Have it done by `Context::perform`"
            }
            (false, true) => {
                "the code of a component takes long, and everybody waits, for this runtime of tokio has but one \
                 thread. Use the multi-threaded one, or `Config::with_author_threads`"
            }
        };
        tracing::warn!(target: telemetry::TARGET, transition, component, session, what, kind, ms, is_over, "{effect}");
    }
}

/// Runs what logs: a panic in a subscriber of the application's ends no thread of the crew.
pub(super) fn undisturbed(log: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(log));
}

/// Wakes the watch.
#[derive(Default)]
pub(super) struct Bell {
    /// There is a watch, and it looks.
    is_awake: AtomicBool,
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Default)]
struct BellState {
    has_watch: bool,
}

impl Bell {
    #[cfg(test)]
    pub(super) fn is_awake(&self) -> bool {
        self.is_awake.load(Ordering::SeqCst)
    }

    /// Wakes the watch, so that it sees that the crew is closed.
    pub(super) fn close(&self) {
        drop(lock(&self.state));
        self.rung.notify_all();
    }
}

impl Shared {
    /// Has a thread's turns looked at.
    pub(super) fn watch_over(self: &Arc<Self>, stand: &Arc<Stand>) {
        lock(&self.stands).all.push(Arc::downgrade(stand));
        self.note_started(Ok(()));
    }

    /// Starts the watch, if there is none.
    pub(super) fn keep_watched(self: &Arc<Self>) -> io::Result<()> {
        let mut bell = lock(&self.bell.state);
        if bell.has_watch {
            return Ok(());
        }
        let shared = Arc::clone(self);
        let run = move || shared.watch();
        thread::Builder::new().name("lightspeed-watch".to_owned()).spawn(run)?;
        bell.has_watch = true;
        Ok(())
    }

    /// Something has begun, or waits for a thread: the watch looks.
    pub(super) fn rouse(self: &Arc<Self>) {
        if self.bell.is_awake.load(Ordering::SeqCst) || self.bell.is_awake.swap(true, Ordering::SeqCst) {
            return;
        }
        // Locked, so that a watch that is about to wait does before it is woken.
        let has_watch = lock(&self.bell.state).has_watch;
        self.bell.rung.notify_all();
        if !has_watch {
            let started = self.keep_watched();
            // The next one to rouse it tries again.
            self.bell.is_awake.store(started.is_ok(), Ordering::SeqCst);
            self.note_started(started);
        }
    }

    /// Whether the runtime is gone and no thread of the crew is left.
    fn is_over(&self) -> bool {
        if !self.is_closed.load(Ordering::SeqCst) {
            return false;
        }
        let stands = lock(&self.stands);
        !stands.all.iter().filter_map(Weak::upgrade).any(|stand| stand.lane.is_some())
    }

    fn watch(self: &Arc<Self>) {
        let mut quiet = 0;
        let look = || catch_unwind(AssertUnwindSafe(|| self.look())).unwrap_or(true);
        loop {
            quiet = if look() { 0 } else { quiet + 1 };
            if quiet < QUIET_LOOKS {
                thread::sleep(LOOK_EVERY);
                continue;
            }
            quiet = 0;
            if self.is_closed.load(Ordering::SeqCst) {
                // Threads end when there is nothing left to do, without a word. Until the last one has ended
                // it is looked.
                let mut bell = lock(&self.bell.state);
                if self.is_over() {
                    bell.has_watch = false;
                    self.bell.is_awake.store(false, Ordering::SeqCst);
                    return;
                }
                drop(bell);
                thread::sleep(LOOK_EVERY * QUIET_LOOKS);
                continue;
            }
            self.bell.is_awake.store(false, Ordering::SeqCst);
            // Whoever has begun just now saw `is_awake` set, and didn't ring.
            if look() {
                self.bell.is_awake.store(true, Ordering::SeqCst);
                continue;
            }
            let mut bell = lock(&self.bell.state);
            while !self.bell.is_awake.load(Ordering::SeqCst) && !self.is_closed.load(Ordering::SeqCst) {
                bell = self.bell.rung.wait(bell).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
