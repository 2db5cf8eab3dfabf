use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;

/// Somebody whose jobs compute, or don't.
struct Somebody {
    crew: Crew,
    weight: Weight,
    computes: AtomicBool,
    told: mpsc::Sender<String>,
}

impl Job for Somebody {
    fn label(&self) -> Label {
        Label::new("test")
    }

    fn lane(&self) -> Lane {
        self.crew.lane_of(&self.weight, Lane::Session)
    }

    fn run(self: Arc<Self>) {
        let until = Instant::now() + Duration::from_secs(30);
        // Until the watch has seen it, however late that gets a processor.
        while self.computes.load(Ordering::Relaxed)
            && !STAND.with_borrow(|stand| stand.as_ref().is_some_and(|stand| stand.has_computed()))
            && Instant::now() < until
        {
            std::hint::spin_loop();
        }
        self.crew.note_end(&self.weight);
        let _ = self.told.send(thread::current().name().unwrap_or_default().to_owned());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_computes_has_threads_apart() {
    let crew = Crew::new(Some(1));
    let (told, heard) = mpsc::channel();
    let somebody = |what| {
        let weight = crew.weight(Lane::Session, &Label::new(what));
        let (crew, told) = (crew.clone(), told.clone());
        Arc::new(Somebody { crew, weight, computes: AtomicBool::new(true), told })
    };
    let run = |somebody: &Arc<Somebody>| {
        crew.enqueue(Arc::<Somebody>::clone(somebody));
        heard.recv_timeout(Duration::from_mins(1)).expect("it has run")
    };
    let first = somebody("rows");
    assert_eq!(run(&first), Lane::Session.thread_name(), "nothing is known of it yet");
    assert_eq!(run(&first), Lane::Heavy.thread_name());
    let new = somebody("rows");
    assert_eq!(run(&new), Lane::Heavy.thread_name(), "others of its kind have told what to expect");
    assert_eq!(run(&somebody("counter")), Lane::Session.thread_name(), "it is of another kind");
    crew.close();
}

#[tokio::test]
async fn whoever_has_not_computed_of_late_is_light_again() {
    let crew = Crew::new(Some(1));
    let label = Label::new("rows");
    let (old, new) = (crew.weight(Lane::Session, &label), crew.weight(Lane::Session, &label));
    let now = crew.0.ms(Instant::now());
    let at = |ms| now + ms;
    old.note_computed(now);
    assert!(old.is_heavy(now) && new.is_heavy(now));
    assert!(old.is_heavy(at(9_990)) && new.is_heavy(at(9_990)));
    assert!(!old.is_heavy(at(10_010)) && !new.is_heavy(at(10_010)));
    // Whoever has been there for long is known by its own turns alone.
    new.note_computed(at(10_000));
    assert!(new.is_heavy(at(10_020)) && !old.is_heavy(at(10_020)));
    let page = crew.weight(Lane::Page, &label);
    assert!(!page.is_heavy(at(10_020)), "a page waits among pages");
}

#[test]
fn pages_pause_as_long_as_turns_wait_and_no_longer_than_that_is_bounded() {
    let mut waits = Waits::default();
    assert_eq!(waits.pause(), None, "nobody has waited");
    let ago = |time| Instant::now().checked_sub(time).expect("the clock has begun before");
    waits.note(ago(Duration::from_micros(50)));
    assert_eq!(waits.pause(), None, "that is no wait");
    for _ in 0..50 {
        waits.note(ago(Duration::from_millis(2)));
    }
    let pause = waits.pause().expect("they wait");
    assert!((Duration::from_millis(1)..=limits::PAGES_PAUSE_MAX).contains(&pause), "{pause:?}");
    for _ in 0..50 {
        waits.note(ago(Duration::from_secs(1)));
    }
    assert_eq!(waits.pause(), Some(limits::PAGES_PAUSE_MAX));
    waits.at = Some(ago(limits::PAGES_PAUSE_MAX * 4));
    assert_eq!(waits.pause(), None, "that was long ago");
}

/// A job that does something once.
struct Once {
    lane: Lane,
    does: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Job for Once {
    fn label(&self) -> Label {
        Label::new("test")
    }

    fn lane(&self) -> Lane {
        self.lane
    }

    fn run(self: Arc<Self>) {
        let does = lock(&self.does).take();
        if let Some(does) = does {
            does();
        }
    }
}

fn once(crew: &Crew, lane: Lane, does: impl FnOnce() + Send + 'static) {
    crew.enqueue(Arc::new(Once { lane, does: Mutex::new(Some(Box::new(does))) }));
}

/// Long enough for a machine that does other things as well.
const AT_LAST: Duration = Duration::from_mins(1);

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thread_that_makes_way_starts_none_that_makes_way_as_well() {
    let crew = Crew::new(Some(1));
    let (told, heard) = mpsc::channel();
    let nice =
        || rustix::process::getpriority_process(Some(rustix::thread::gettid())).expect("it is our own");
    let within = crew.clone();
    let usual = nice();
    once(&crew, Lane::Session, move || {
        let began = Instant::now();
        while nice() == usual && began.elapsed() < AT_LAST {
            std::hint::spin_loop();
        }
        let own = nice();
        once(&within, Lane::Session, move || told.send((own, nice())).expect("it is waited for"));
    });
    let (first, next) = heard.recv_timeout(AT_LAST).expect("both have run");
    assert!(first > usual, "it has computed for long");
    assert_eq!(next, usual, "the next one's thread is as important as any");
    crew.close();
}

#[tokio::test]
async fn pages_that_block_leave_threads_for_those_who_are_there() {
    let crew = Crew::new(Some(1));
    let (go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let (begun, begins) = mpsc::channel();
    for _ in 0..=limits::TURNS_LONG_MAX {
        let (begun, wait) = (begun.clone(), Arc::clone(&wait));
        once(&crew, Lane::Page, move || {
            let _ = begun.send(());
            let _ = lock(&wait).recv();
        });
    }
    // As many as get a thread, and one that has its lane's last.
    for _ in 0..=Lane::Page.long_max() {
        begins.recv_timeout(AT_LAST).expect("it begins");
    }
    let (told, heard) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    once(&crew, Lane::Session, move || {
        let _ = released.recv();
    });
    once(&crew, Lane::Session, move || told.send(()).expect("it is waited for"));
    heard.recv_timeout(AT_LAST).expect("a click isn't held up by a turn that blocks, however many pages do");
    drop((release, go));
    crew.close();
}

#[tokio::test]
async fn jobs_that_block_are_handed_on_after_the_end_as_well() {
    let crew = Crew::new(Some(1));
    // Threads and the watch are asleep.
    let (told, heard) = mpsc::channel();
    once(&crew, Lane::Session, move || told.send(()).expect("it is waited for"));
    heard.recv_timeout(AT_LAST).expect("it has run");
    let began = Instant::now();
    while crew.0.bell.is_awake() && began.elapsed() < AT_LAST {
        thread::yield_now();
    }
    crew.close();
    let (told, heard) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    once(&crew, Lane::Session, move || {
        let _ = released.recv();
    });
    once(&crew, Lane::Session, move || told.send(()).expect("it is waited for"));
    heard.recv_timeout(AT_LAST).expect("what is left is done beside one that blocks");
    drop(release);
}

#[tokio::test]
async fn a_subscriber_that_panics_ends_no_thread() {
    struct Panics(Arc<AtomicUsize>);

    impl tracing::Subscriber for Panics {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
            // Without the hook, which takes long to print.
            std::panic::resume_unwind(Box::new("a subscriber of the application's"));
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    let crew = Crew::new(Some(1));
    let (told, heard) = mpsc::channel();
    let events = Arc::new(AtomicUsize::new(0));
    for _ in 0..3 {
        let (told, events) = (told.clone(), Arc::clone(&events));
        once(&crew, Lane::Session, move || {
            let _ = told.send(());
            // What is said of it goes to the subscriber of this thread.
            std::mem::forget(tracing::subscriber::set_default(Panics(events)));
            std::panic::resume_unwind(Box::new("a job that doesn't catch its panics"));
        });
        heard.recv_timeout(AT_LAST).expect("it has run");
    }
    let (told, heard) = mpsc::channel();
    once(&crew, Lane::Session, move || told.send(()).expect("it is waited for"));
    heard.recv_timeout(AT_LAST).expect("there is a thread still");
    assert_eq!(events.load(Ordering::Relaxed), 3, "each panic of a job was told");
    assert_eq!(lock(&crew.0.gangs[Lane::Session as usize].state).working, 1);
    crew.close();
}

#[test]
fn a_bound_that_is_reached_again_is_told_again() {
    let mut is_told = false;
    let longs = [7, 8, 8, 7, 8, 6, 8].map(|long| is_newly_full(&mut is_told, long, 8));
    assert_eq!(longs, [false, true, false, false, false, false, true]);
}
