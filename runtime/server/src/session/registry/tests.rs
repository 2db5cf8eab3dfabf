use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::operations::entropy::Entropy;
use crate::session::mailbox::{Mail, Mailbox};
use crate::session::rate_limit::RateLimit;

#[derive(Default)]
struct Probe(AtomicBool);

impl Mailbox for Probe {
    fn post(&self, mail: Mail) -> bool {
        if matches!(mail, Mail::Suspend(_)) {
            self.0.store(true, Ordering::Relaxed);
        }
        true
    }
    fn is_alive(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

struct Session {
    id: SessionId,
    probe: Arc<Probe>,
    _entry: EntryGuard,
}

#[track_caller]
fn enter(registry: &Arc<Registry>) -> Session {
    enter_as(registry, Owner::default())
}

#[track_caller]
fn enter_as(registry: &Arc<Registry>, owner: Owner) -> Session {
    let id = Entropy::default().session_id().expect("randomness");
    let probe = Arc::new(Probe::default());
    let rate_limit = RateLimit::new(&Config::default());
    let handle = Handle::new(Arc::clone(&probe) as Arc<dyn Mailbox>, rate_limit);
    let entry = registry.reserve(owner).expect("room").enter(id, Lease::default(), handle);
    Session { id, probe, _entry: entry.expect("a new session") }
}

/// A socket comes with the token of this epoch; the socket's own.
#[track_caller]
fn attach_with(registry: &Registry, session: &Session, epoch: u64) -> u64 {
    match registry.join(Token { id: session.id, epoch }) {
        Decision::Attach { epoch, .. } => epoch,
        _ => panic!("the session should be there"),
    }
}

#[track_caller]
fn attach(registry: &Registry, session: &Session) -> u64 {
    attach_with(registry, session, 0)
}

#[track_caller]
fn check_gone(registry: &Registry, session: &Session) {
    let decision = registry.join(Token { id: session.id, epoch: 0 });
    assert!(matches!(decision, Decision::Load { behind: None }));
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
    check_gone(&registry, &session);
}

#[tokio::test(start_paused = true)]
async fn those_that_came_at_once_do_not_end_at_once() {
    let config = Config::default();
    let registry = registry(&config);
    let sessions: Vec<_> = (0..10 * SWEEP_BATCH).map(|_| enter(&registry)).collect();
    let left = || registry.stats().sessions;
    tokio::time::sleep(config.unattached_ttl).await;
    while left() == sessions.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(left(), 9 * SWEEP_BATCH, "others have their turns in between");
    tokio::time::sleep(10 * SWEEP_PAUSE).await;
    assert_eq!(left(), 0, "and yet they end soon");
    assert!(sessions.iter().all(|session| !session.probe.is_alive()));
}

#[tokio::test(start_paused = true)]
async fn a_parked_session_waits_longer_and_an_attached_one_for_ever() {
    let registry = registry(&Config::default());
    let session = enter(&registry);
    let epoch = attach(&registry, &session);
    check(&registry, 1, 0, 0);
    tokio::time::sleep(Duration::from_hours(1)).await;
    check(&registry, 1, 0, 0);
    registry.detach(session.id, epoch);
    check(&registry, 1, 0, 1);
    tokio::time::sleep(Duration::from_secs(179)).await;
    let epoch = attach(&registry, &session);
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
    let old = attach(&registry, &session);
    let new = attach(&registry, &session);
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
    attach(&registry, &attached);
    let first = enter(&registry);
    let second = enter(&registry);
    check(&registry, 3, 2, 0);
    let third = enter(&registry);
    check(&registry, 3, 2, 0);
    assert!(!first.probe.is_alive());
    assert!([&attached, &second, &third].iter().all(|session| session.probe.is_alive()));
    check_gone(&registry, &first);
}

#[tokio::test(start_paused = true)]
async fn at_the_bound_waiting_sessions_make_room_and_held_ones_do_not() {
    let registry = registry(&Config::default().with_sessions_max(2));
    let parked = enter(&registry);
    let epoch = attach(&registry, &parked);
    registry.detach(parked.id, epoch);
    let unattached = enter(&registry);
    let third = enter(&registry);
    assert!(!unattached.probe.is_alive(), "one that nobody has seen goes first");
    attach(&registry, &third);
    let fourth = enter(&registry);
    assert!(!parked.probe.is_alive());
    attach(&registry, &fourth);
    assert!(registry.reserve(Owner::default()).is_err());
    drop(third);
    let reserved = registry.reserve(Owner::default()).expect("one is gone");
    assert!(registry.reserve(Owner::default()).is_err(), "a mount that is under way counts");
    drop(reserved);
    assert!(registry.reserve(Owner::default()).is_ok(), "one that came to nothing doesn't");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_replaced_opens_nothing_and_a_newer_one_tells_of_another_server() {
    let registry = registry(&Config::default());
    let session = enter(&registry);
    let epoch = attach(&registry, &session);
    registry.confirm(session.id, epoch);
    let old = registry.join(Token { id: session.id, epoch: 0 });
    assert!(matches!(old, Decision::Refuse(CloseReason::BadToken)));
    assert_eq!(attach_with(&registry, &session, epoch), epoch + 1);
    let newer = registry.join(Token { id: session.id, epoch: epoch + 2 });
    assert!(matches!(newer, Decision::Load { behind: Some(_) }));
    check_gone(&registry, &session);
}

#[tokio::test(start_paused = true)]
async fn an_address_at_its_bound_makes_room_itself_and_nobody_else_does() {
    let registry = registry(&Config::default().with_sessions_per_ip_max(2));
    let owner = |last| Owner { ip: Some([10, 0, 0, last].into()), identity: Identity::default() };
    let stranger = enter_as(&registry, owner(2));
    let first = enter_as(&registry, owner(1));
    let second = enter_as(&registry, owner(1));
    attach(&registry, &second);
    let third = enter_as(&registry, owner(1));
    assert!(!first.probe.is_alive(), "its oldest that no socket holds");
    assert!(stranger.probe.is_alive() && second.probe.is_alive());
    attach(&registry, &third);
    assert!(matches!(registry.reserve(owner(1)), Err(Full::Owner)));
    assert!(registry.reserve(owner(3)).is_ok());
    drop(third);
    assert!(registry.reserve(owner(1)).is_ok(), "what is gone counts no more");
}

/// Memory is used again, so where something was says nothing about what is there now.
#[test]
fn an_actor_that_ends_late_leaves_the_entry_of_the_next_one_alone() {
    let registry = Arc::new(Registry::new(&Config::default()));
    let enter = |id| {
        let handle = Handle::new(Arc::new(Probe::default()), RateLimit::new(&Config::default()));
        let at = Arc::as_ptr(&handle.inbox).addr();
        let entry = registry.reserve(Owner::default()).expect("room").enter(id, Lease::default(), handle);
        (entry.expect("a new session"), at)
    };
    let mut addresses = std::collections::HashSet::new();
    for id in 0..100 {
        let id = SessionId::from_bytes([id; 16]);
        let (old, old_at) = enter(id);
        // Another server has had the session since, which is brought back while its old actor ends.
        assert!(matches!(registry.join(Token { id, epoch: 9 }), Decision::Load { behind: Some(_) }));
        let (new, new_at) = enter(id);
        drop(old);
        assert!(
            matches!(registry.join(Token { id, epoch: 0 }), Decision::Attach { .. }),
            "it is there still"
        );
        drop(new);
        assert_eq!(registry.stats().sessions, 0);
        assert_ne!(old_at, new_at);
        addresses.insert(old_at);
    }
    assert!(addresses.len() < 100, "memory was never used again, and this has shown nothing");
}

#[tokio::test(start_paused = true)]
async fn an_address_has_a_thousand_sessions_unless_the_operator_says_otherwise() {
    let registry = registry(&Config::default());
    let owner = |last| Owner { ip: Some([10, 0, 0, last].into()), identity: Identity::default() };
    let sessions: Vec<_> = (0..1_000).map(|_| enter_as(&registry, owner(1))).collect();
    assert!(sessions.iter().all(|session| session.probe.is_alive()));
    for session in &sessions {
        attach(&registry, session);
    }
    assert!(matches!(registry.reserve(owner(1)), Err(Full::Owner)));
    assert!(registry.reserve(owner(2)).is_ok());
}

/// Sessions come and go, are joined and lost; the order of each owner stays that of its sessions alone.
#[tokio::test(start_paused = true)]
async fn an_owner_is_forgotten_with_its_last_session() {
    let registry = registry(&Config::default().with_sessions_per_ip_max(3));
    let owner = Owner { ip: Some([10, 0, 0, 1].into()), identity: Identity::default() };
    let first = enter_as(&registry, owner);
    let second = enter_as(&registry, owner);
    let third = enter_as(&registry, owner);
    let epoch = attach(&registry, &first);
    registry.detach(first.id, epoch);
    let epoch = attach(&registry, &second);
    // One that nobody has seen goes before one that has lost its socket.
    let fourth = enter_as(&registry, owner);
    assert!(first.probe.is_alive() && second.probe.is_alive() && !third.probe.is_alive());
    attach(&registry, &fourth);
    let fifth = enter_as(&registry, owner);
    assert!(!first.probe.is_alive() && second.probe.is_alive() && fourth.probe.is_alive());
    registry.detach(second.id, epoch);
    registry.keep(second.id, epoch, epoch);
    attach(&registry, &fifth);
    assert!(matches!(registry.reserve(owner), Err(Full::Owner)), "a socket holds each");
    drop((first, second, third, fourth, fifth));
    assert_eq!(registry.lock().inconsistency(), None);
    check(&registry, 0, 0, 0);
    assert_eq!(registry.actor_count(), 0);
}
