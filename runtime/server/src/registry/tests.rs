use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::mailbox::{Mail, Mailbox};

#[derive(Default)]
struct Probe(AtomicBool);

impl Mailbox for Probe {
    fn post(&self, _: Mail) -> bool {
        true
    }
    fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    fn is_alive(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

struct Session {
    id: SessionId,
    probe: Arc<Probe>,
    _seat: Seat,
}

#[track_caller]
fn enter(registry: &Arc<Registry>) -> Session {
    let id = SessionId::random().expect("randomness");
    let probe = Arc::new(Probe::default());
    let handle = Handle::new(Arc::clone(&probe) as Arc<dyn Mailbox>);
    let seat = registry.reserve().expect("room").enter(id, handle);
    Session { id, probe, _seat: seat }
}

#[track_caller]
fn check(registry: &Registry, sessions: usize, unattached: usize, parked: usize) {
    assert_eq!(registry.stats(), Stats { sessions, unattached, parked });
}

fn registry(config: &Config) -> Arc<Registry> {
    let registry = Arc::new(Registry::new(config));
    registry.keep_swept();
    registry
}

#[tokio::test(start_paused = true)]
async fn a_session_waits_for_its_socket_and_no_longer() {
    let registry = registry(&Config::default());
    let session = enter(&registry);
    tokio::time::sleep(Duration::from_secs(29)).await;
    check(&registry, 1, 1, 0);
    tokio::time::sleep(Duration::from_secs(3)).await;
    check(&registry, 0, 0, 0);
    assert!(!session.probe.is_alive());
    assert!(registry.attach(session.id).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_parked_session_waits_longer_and_an_attached_one_for_ever() {
    let registry = registry(&Config::default());
    let session = enter(&registry);
    let (_, epoch) = registry.attach(session.id).expect("there");
    check(&registry, 1, 0, 0);
    tokio::time::sleep(Duration::from_hours(1)).await;
    check(&registry, 1, 0, 0);
    registry.detach(session.id, epoch);
    check(&registry, 1, 0, 1);
    tokio::time::sleep(Duration::from_secs(179)).await;
    let (_, epoch) = registry.attach(session.id).expect("still there");
    tokio::time::sleep(Duration::from_secs(179)).await;
    registry.detach(session.id, epoch);
    tokio::time::sleep(Duration::from_secs(182)).await;
    check(&registry, 0, 0, 0);
    assert!(!session.probe.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_late_detach_of_an_older_socket_does_nothing() {
    let registry = registry(&Config::default());
    let session = enter(&registry);
    let (_, old) = registry.attach(session.id).expect("there");
    let (_, new) = registry.attach(session.id).expect("there");
    assert!(new > old);
    registry.detach(session.id, old);
    check(&registry, 1, 0, 0);
    registry.detach(session.id, new);
    check(&registry, 1, 0, 1);
    registry.detach(session.id, new);
    check(&registry, 1, 0, 1);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_unattached_session_makes_room() {
    let registry = registry(&Config::default().with_unattached_max(2));
    let attached = enter(&registry);
    registry.attach(attached.id).expect("there");
    let first = enter(&registry);
    let second = enter(&registry);
    check(&registry, 3, 2, 0);
    let third = enter(&registry);
    check(&registry, 3, 2, 0);
    assert!(!first.probe.is_alive());
    assert!([&attached, &second, &third].iter().all(|session| session.probe.is_alive()));
    assert!(registry.attach(first.id).is_none());
}

#[tokio::test(start_paused = true)]
async fn at_the_bound_waiting_sessions_make_room_and_held_ones_do_not() {
    let registry = registry(&Config::default().with_sessions_max(2));
    let parked = enter(&registry);
    let (_, epoch) = registry.attach(parked.id).expect("there");
    registry.detach(parked.id, epoch);
    let unattached = enter(&registry);
    let third = enter(&registry);
    assert!(!unattached.probe.is_alive(), "one that nobody has seen goes first");
    registry.attach(third.id).expect("there");
    let fourth = enter(&registry);
    assert!(!parked.probe.is_alive());
    registry.attach(fourth.id).expect("there");
    assert!(registry.reserve().is_err());
    drop(third);
    let reserved = registry.reserve().expect("one is gone");
    assert!(registry.reserve().is_err(), "a mount that is under way counts");
    drop(reserved);
    assert!(registry.reserve().is_ok(), "one that came to nothing doesn't");
}
