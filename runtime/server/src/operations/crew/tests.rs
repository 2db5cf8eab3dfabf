use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;

/// Somebody whose jobs compute, or don't.
struct Somebody {
    weight: Weight,
    computes: AtomicBool,
    told: mpsc::Sender<String>,
}

impl Job for Somebody {
    fn label(&self) -> Label {
        Label::new("test")
    }

    fn lane(&self) -> Lane {
        self.weight.lane(Lane::Session)
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
        self.weight.note();
        let _ = self.told.send(thread::current().name().unwrap_or_default().to_owned());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_computes_has_threads_apart_until_several_jobs_were_short() {
    let crew = Crew::new(Some(1));
    let (told, heard) = mpsc::channel();
    let somebody = Arc::new(Somebody { weight: Weight::default(), computes: AtomicBool::new(true), told });
    let run = |somebody: &Arc<Somebody>| {
        crew.enqueue(Arc::<Somebody>::clone(somebody));
        heard.recv_timeout(Duration::from_mins(1)).expect("it has run")
    };
    assert_eq!(run(&somebody), Lane::Session.thread_name(), "nothing is known of it yet");
    assert_eq!(run(&somebody), Lane::Heavy.thread_name());
    somebody.computes.store(false, Ordering::Relaxed);
    let short: Vec<_> = (0..=limits::SHORT_TURNS_TO_BE_LIGHT).map(|_| run(&somebody)).collect();
    let (last, before) = short.split_last().expect("some");
    assert!(before.iter().all(|name| name == Lane::Heavy.thread_name()), "{short:?}");
    assert_eq!(last, Lane::Session.thread_name());
    crew.close();
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
