extern crate std;

use alloc::format;
use alloc::vec;
use core::cell::Cell;
use core::cmp::Ordering;

use super::*;

const BOUNDS: Bounds = Bounds {
    sessions_max: 100_000,
    unattached_max: 10_000,
    per_address_max: 1_000,
    per_identity_max: 200,
    unattached_ms: 30_000,
    parked_ms: 180_000,
};

std::thread_local! {
    static COMPARISONS: Cell<usize> = const { Cell::new(0) };
}

/// The name of a session or an identity, which counts how often it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name(u32);

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        COMPARISONS.set(COMPARISONS.get() + 1);
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How often names are compared meanwhile.
fn comparisons<T>(work: impl FnOnce() -> T) -> usize {
    let before = COMPARISONS.get();
    work();
    COMPARISONS.get() - before
}

/// A host that keeps the number of each session.
struct Host {
    registry: Registry<Name, Name, u32>,
    now: Timestamp,
    next: u32,
    /// Who had to make room, or has expired.
    told: Vec<u32>,
}

impl Host {
    fn new(bounds: Bounds) -> Self {
        Self { registry: Registry::new(bounds), now: Timestamp(5), next: 0, told: Vec::new() }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.after_ms(seconds * 1_000);
        self.told.extend(self.registry.expire(self.now, usize::MAX));
    }

    fn reserve(&mut self, owner: Owner<Name>) -> Result<Reservation<Name>, Full> {
        let (reservation, evicted) = self.registry.reserve(owner)?;
        self.told.extend(evicted.map(|evicted| evicted.kept));
        Ok(reservation)
    }

    #[track_caller]
    fn enter_as(&mut self, owner: Owner<Name>) -> (u32, Serial) {
        self.next += 1;
        let reservation = self.reserve(owner).expect("room");
        let (id, lease) = (Name(self.next), Lease::default());
        let entered =
            self.registry.enter(self.now, id, lease, reservation, self.next).expect("a new session");
        self.told.extend(entered.evicted.map(|evicted| evicted.kept));
        (self.next, entered.serial)
    }

    #[track_caller]
    fn enter(&mut self) -> u32 {
        self.enter_as(Owner::default()).0
    }

    fn join(&mut self, id: u32, epoch: u64) -> Decision<u32> {
        self.registry.join(Token { id: Name(id), epoch })
    }

    /// A socket comes with the token of this epoch; the socket's own.
    #[track_caller]
    fn attach_with(&mut self, id: u32, epoch: u64) -> u64 {
        match self.join(id, epoch) {
            Decision::Attach { epoch, .. } => epoch,
            other => panic!("the session should be there: {other:?}"),
        }
    }

    #[track_caller]
    fn attach(&mut self, id: u32) -> u64 {
        self.attach_with(id, 0)
    }

    fn detach(&mut self, id: u32, epoch: u64) {
        self.registry.detach(self.now, Name(id), epoch);
    }

    #[track_caller]
    fn check(&self, sessions: usize, unattached: usize, parked: usize) {
        assert_eq!(self.registry.counts(), Counts { sessions, unattached, parked });
        assert_eq!(self.registry.inconsistency(), None);
    }

    #[track_caller]
    fn check_gone(&mut self, id: u32) {
        assert_eq!(self.join(id, 0), Decision::Load { behind: None });
    }
}

fn address(last: u8) -> Owner<Name> {
    Owner { address: Some([10, 0, 0, last].into()), identity: None }
}

#[test]
fn a_session_waits_for_its_socket_and_no_longer() {
    let mut host = Host::new(BOUNDS);
    let session = host.enter();
    host.pass(29);
    host.check(1, 1, 0);
    assert_eq!(host.registry.next_due(), Some(Timestamp(30_005)));
    host.pass(1);
    host.check(0, 0, 0);
    assert_eq!(host.told, [session]);
    host.check_gone(session);
}

#[test]
fn a_parked_session_waits_longer_and_an_attached_one_for_ever() {
    let mut host = Host::new(BOUNDS);
    let session = host.enter();
    let epoch = host.attach(session);
    host.check(1, 0, 0);
    host.pass(3_600);
    host.check(1, 0, 0);
    host.detach(session, epoch);
    host.check(1, 0, 1);
    host.pass(179);
    let epoch = host.attach(session);
    host.pass(179);
    host.detach(session, epoch);
    host.pass(180);
    host.check(0, 0, 0);
    assert_eq!(host.told, [session]);
}

#[test]
fn a_late_detach_of_an_older_socket_does_nothing() {
    let mut host = Host::new(BOUNDS);
    let session = host.enter();
    let old = host.attach(session);
    let new = host.attach(session);
    assert!(new > old);
    host.detach(session, old);
    host.check(1, 0, 0);
    host.detach(session, new);
    host.check(1, 0, 1);
    host.detach(session, new);
    host.check(1, 0, 1);
}

#[test]
fn a_socket_that_was_lost_before_it_joined_leaves_the_session_to_the_older_one() {
    let mut host = Host::new(BOUNDS);
    let session = host.enter();
    let old = host.attach(session);
    let lost = host.attach(session);
    host.detach(session, lost);
    host.registry.keep(Name(session), lost, old);
    host.check(1, 0, 0);
    host.detach(session, old);
    host.check(1, 0, 1);
    let new = host.attach(session);
    host.registry.keep(Name(session), lost, old);
    host.detach(session, old);
    host.check(1, 0, 0);
    host.detach(session, new);
    host.check(1, 0, 1);
}

#[test]
fn the_oldest_unattached_session_makes_room() {
    let mut host = Host::new(Bounds { unattached_max: 2, ..BOUNDS });
    let attached = host.enter();
    host.attach(attached);
    let first = host.enter();
    host.enter();
    host.check(3, 2, 0);
    host.enter();
    host.check(3, 2, 0);
    assert_eq!(host.told, [first]);
    host.check_gone(first);
}

#[test]
fn at_the_bound_waiting_sessions_make_room_and_held_ones_do_not() {
    let mut host = Host::new(Bounds { sessions_max: 2, ..BOUNDS });
    let parked = host.enter();
    let epoch = host.attach(parked);
    host.detach(parked, epoch);
    let unattached = host.enter();
    let (third, serial) = host.enter_as(Owner::default());
    assert_eq!(host.told, [unattached], "one that nobody has seen goes first");
    host.attach(third);
    let fourth = host.enter();
    assert_eq!(host.told, [unattached, parked]);
    host.attach(fourth);
    assert_eq!(host.reserve(Owner::default()), Err(Full::Server));
    host.registry.leave(Name(third), serial);
    let reserved = host.reserve(Owner::default()).expect("one is gone");
    assert_eq!(host.reserve(Owner::default()), Err(Full::Server), "a mount that is under way counts");
    host.registry.release(reserved);
    assert!(host.reserve(Owner::default()).is_ok(), "one that came to nothing doesn't");
}

#[test]
fn a_token_that_was_replaced_opens_nothing_and_a_newer_one_tells_of_another_server() {
    let mut host = Host::new(BOUNDS);
    let session = host.enter();
    let epoch = host.attach(session);
    host.registry.confirm(Name(session), epoch);
    assert_eq!(host.join(session, 0), Decision::Refuse(CloseReason::BadToken));
    assert_eq!(host.attach_with(session, epoch), epoch + 1);
    assert_eq!(host.join(session, epoch + 2), Decision::Load { behind: Some(session) });
    host.check_gone(session);
}

#[test]
fn an_address_at_its_bound_makes_room_itself_and_nobody_else_does() {
    let mut host = Host::new(Bounds { per_address_max: 2, ..BOUNDS });
    host.enter_as(address(2));
    let (first, _) = host.enter_as(address(1));
    let (second, _) = host.enter_as(address(1));
    host.attach(second);
    let (third, serial) = host.enter_as(address(1));
    assert_eq!(host.told, [first], "its oldest that no socket holds");
    host.attach(third);
    assert_eq!(host.reserve(address(1)), Err(Full::Owner));
    assert!(host.reserve(address(3)).is_ok());
    host.registry.leave(Name(third), serial);
    assert!(host.reserve(address(1)).is_ok(), "what is gone counts no more");
}

#[test]
fn an_address_has_as_many_sessions_as_it_may_have_and_others_have_theirs() {
    let mut host = Host::new(BOUNDS);
    let sessions: Vec<_> = (0..1_000).map(|_| host.enter_as(address(1)).0).collect();
    assert!(host.told.is_empty());
    for session in sessions {
        host.attach(session);
    }
    assert_eq!(host.reserve(address(1)), Err(Full::Owner));
    assert!(host.reserve(address(2)).is_ok());
}

#[test]
fn an_actor_that_ends_late_leaves_the_entry_of_the_next_one_alone() {
    let mut host = Host::new(BOUNDS);
    let id = Name(7);
    let enter = |host: &mut Host, kept| {
        let reservation = host.reserve(Owner::default()).expect("room");
        host.registry.enter(host.now, id, Lease::default(), reservation, kept).map(|entered| entered.serial)
    };
    let old = enter(&mut host, 1).expect("a new session");
    assert_eq!(enter(&mut host, 9), Err(9), "it is there already");
    // Another server has had the session since, which is brought back while its old actor ends.
    assert_eq!(host.join(7, 9), Decision::Load { behind: Some(1) });
    let new = enter(&mut host, 2).expect("the old one is no longer found");
    assert_eq!(host.registry.leave(id, old), None);
    assert!(matches!(host.join(7, 0), Decision::Attach { kept: 2, .. }), "it is there still");
    assert_eq!(host.registry.leave(id, new), Some(2));
    host.check(0, 0, 0);
    assert_eq!((host.registry.actor_count(), host.registry.reserved), (0, 0));
}

/// Sessions come and go, are joined and lost; the order of each owner stays that of its sessions alone.
#[test]
fn an_owner_is_forgotten_with_its_last_session() {
    let mut host = Host::new(Bounds { per_address_max: 3, ..BOUNDS });
    let owner = Owner { identity: Some(Name(1)), ..address(1) };
    let all: Vec<_> = (0..3).map(|_| host.enter_as(owner)).collect();
    let epoch = host.attach(all[0].0);
    host.detach(all[0].0, epoch);
    let epoch = host.attach(all[1].0);
    // One that nobody has seen goes before one that has lost its socket.
    let fourth = host.enter_as(owner);
    assert_eq!(host.told, [all[2].0]);
    host.attach(fourth.0);
    let fifth = host.enter_as(owner);
    assert_eq!(host.told, [all[2].0, all[0].0]);
    host.detach(all[1].0, epoch);
    host.registry.keep(Name(all[1].0), epoch, epoch);
    host.attach(fifth.0);
    assert_eq!(host.reserve(owner), Err(Full::Owner), "a socket holds each");
    for (id, serial) in all.into_iter().chain([fourth, fifth]) {
        host.registry.leave(Name(id), serial);
    }
    host.check(0, 0, 0);
    assert!(host.registry.owners.is_empty());
}

/// What a page costs at a bound doesn't grow with the sessions of others that wait, but for the depth of a
/// tree: neither when one of its owner's makes room, nor when a socket holds each of them.
#[test]
fn a_page_at_a_bound_costs_the_same_however_many_sessions_wait() {
    let named = |name| Owner { identity: Some(Name(name)), ..address(9) };
    let cost = |others: usize| {
        let mut host = Host::new(Bounds {
            sessions_max: 1_000_000,
            unattached_max: 1_000_000,
            per_address_max: others.max(2),
            per_identity_max: 2,
            ..BOUNDS
        });
        let enter = |host: &mut Host, owner| host.enter_as(owner).0;
        let first = enter(&mut host, address(1));
        for _ in 1..others {
            enter(&mut host, address(1));
        }
        for _ in 0..2 {
            let held = enter(&mut host, named(1));
            host.attach(held);
        }
        let waiting = enter(&mut host, named(2));
        enter(&mut host, named(2));
        let of_address = comparisons(|| enter(&mut host, address(1)));
        assert_eq!(host.told, [first], "its oldest makes room");
        let of_identity = comparisons(|| enter(&mut host, named(2)));
        assert_eq!(host.told, [first, waiting]);
        let refused = comparisons(|| assert_eq!(host.reserve(named(1)), Err(Full::Owner)));
        [of_address, of_identity, refused]
    };
    let (few, many) = (cost(1_000), cost(20_000));
    for (few, many) in few.into_iter().zip(many) {
        assert!(
            many <= few * 2 && many < 200,
            "{few} comparisons beside 1,000 sessions, {many} beside 20,000"
        );
    }
    assert!(many[2] < 10, "{many:?}");
}

#[test]
fn a_host_that_ends_suspends_so_many_at_a_time_and_lets_nobody_in() {
    let mut host = Host::new(BOUNDS);
    let all: Vec<_> = (0..5).map(|_| host.enter_as(address(1))).collect();
    let reservation = host.reserve(address(1)).expect("room");
    assert!(host.registry.hand_over(2).is_empty(), "it doesn't end yet");
    host.registry.close();
    assert_eq!(host.reserve(address(1)), Err(Full::Closed));
    assert_eq!(host.join(all[0].0, 0), Decision::Refuse(CloseReason::ShuttingDown));
    assert_eq!(host.registry.enter(host.now, Name(99), Lease::default(), reservation, 99), Err(99));
    assert_eq!(host.registry.hand_over(2), [1, 2]);
    assert!(host.registry.hand_over(2).is_empty(), "two are under way");
    host.registry.leave(Name(2), all[1].1);
    host.registry.leave(Name(3), all[2].1);
    assert_eq!(host.registry.hand_over(2), [4], "the third has ended by itself");
    for index in [0, 3] {
        host.registry.leave(Name(all[index].0), all[index].1);
    }
    // The last one expires meanwhile: it is told to end as those are, and waited for.
    host.pass(30);
    assert_eq!(host.told, [5]);
    assert!(host.registry.hand_over(2).is_empty() && !host.registry.is_drained());
    host.registry.leave(Name(5), all[4].1);
    assert!(host.registry.is_drained());
}

mod random {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Command {
        Reserve(u8),
        Enter { reservation: usize, id: u32 },
        Release { reservation: usize },
        Join { id: u32, epoch: u64 },
        Confirm { id: u32, epoch: u64 },
        Detach { id: u32, epoch: u64 },
        Keep { id: u32, gone: u64, holder: u64 },
        Pass { ms: u64 },
        Leave { actor: usize },
        Close,
        HandOver,
    }

    fn command() -> impl Strategy<Value = Command> {
        let (id, epoch) = (0..6_u32, 0..12_u64);
        prop_oneof![
            4 => (0..6_u8).prop_map(Command::Reserve),
            4 => (0..4_usize, id.clone()).prop_map(|(reservation, id)| Command::Enter { reservation, id }),
            1 => (0..4_usize).prop_map(|reservation| Command::Release { reservation }),
            8 => (id.clone(), epoch.clone()).prop_map(|(id, epoch)| Command::Join { id, epoch }),
            3 => (id.clone(), epoch.clone()).prop_map(|(id, epoch)| Command::Confirm { id, epoch }),
            5 => (id.clone(), epoch.clone()).prop_map(|(id, epoch)| Command::Detach { id, epoch }),
            1 => (id, epoch.clone(), epoch).prop_map(|(id, gone, holder)| Command::Keep { id, gone, holder }),
            3 => (0..60_u64).prop_map(|ms| Command::Pass { ms }),
            4 => (0..8_usize).prop_map(|actor| Command::Leave { actor }),
            1 => Just(Command::HandOver),
        ]
    }

    /// What is known of an actor from outside.
    #[derive(Debug)]
    struct Actor {
        id: u32,
        serial: Serial,
        lease: Lease,
        holder: Option<u64>,
        due: Timestamp,
        is_found: bool,
    }

    #[derive(Default)]
    struct Model {
        reservations: Vec<Reservation<Name>>,
        actors: Vec<Actor>,
        now: Timestamp,
        next: u32,
        is_closed: bool,
    }

    const SMALL: Bounds = Bounds {
        sessions_max: 5,
        unattached_max: 2,
        per_address_max: 3,
        per_identity_max: 2,
        unattached_ms: 30,
        parked_ms: 80,
    };

    impl Model {
        fn found(&mut self, id: u32) -> Option<&mut Actor> {
            self.actors.iter_mut().find(|actor| actor.is_found && actor.id == id)
        }

        /// The session of this index was told to end, though nobody had asked.
        fn let_go(&mut self, index: u32) -> Result<(), TestCaseError> {
            let actor = &mut self.actors[index as usize];
            prop_assert!(actor.is_found, "it is told once");
            prop_assert_eq!(actor.holder, None, "a socket holds it");
            actor.is_found = false;
            Ok(())
        }

        fn run(
            &mut self,
            registry: &mut Registry<Name, Name, u32>,
            command: Command,
        ) -> Result<(), TestCaseError> {
            match command {
                Command::Reserve(owner) => {
                    let identity = (owner % 3 > 0).then_some(Name(u32::from(owner % 3)));
                    let owner =
                        Owner { identity, ..if owner < 4 { address(owner % 2) } else { Owner::default() } };
                    let reserved = registry.reserve(owner);
                    prop_assert_eq!(self.is_closed, matches!(reserved, Err(Full::Closed)));
                    if let Ok((reservation, evicted)) = reserved {
                        self.reservations.push(reservation);
                        if let Some(evicted) = evicted {
                            self.let_go(evicted.kept)?;
                        }
                    }
                }
                Command::Enter { reservation, id } if reservation < self.reservations.len() => {
                    let reservation = self.reservations.swap_remove(reservation);
                    let index = u32::try_from(self.actors.len()).expect("few");
                    let is_there = self.found(id).is_some();
                    let lease = Lease { epoch: u64::from(self.next % 4), confirmed: 0 };
                    self.next += 1;
                    let entered = registry.enter(self.now, Name(id), lease, reservation, index);
                    prop_assert_eq!(entered.is_ok(), !is_there && !self.is_closed);
                    if let Ok(Entered { serial, evicted }) = entered {
                        if let Some(evicted) = evicted {
                            self.let_go(evicted.kept)?;
                        }
                        let due = self.now.after_ms(SMALL.unattached_ms);
                        self.actors.push(Actor { id, serial, lease, holder: None, due, is_found: true });
                    }
                }
                Command::Release { reservation } if reservation < self.reservations.len() => {
                    registry.release(self.reservations.swap_remove(reservation));
                }
                Command::Join { id, epoch } => {
                    let decision = registry.join(Token { id: Name(id), epoch });
                    let is_closed = self.is_closed;
                    let actors = self.actors.len();
                    let Some(actor) = self.found(id).filter(|_| !is_closed) else {
                        let expected = if is_closed {
                            Decision::Refuse(CloseReason::ShuttingDown)
                        } else {
                            Decision::Load { behind: None }
                        };
                        prop_assert_eq!(decision, expected);
                        return Ok(());
                    };
                    match decision {
                        Decision::Attach { kept, epoch: begun } => {
                            prop_assert!(epoch >= actor.lease.confirmed, "an outdated token attaches");
                            prop_assert!(epoch <= actor.lease.epoch, "another host has had it since");
                            prop_assert_eq!(begun, actor.lease.attach(epoch));
                            prop_assert!((kept as usize) < actors);
                            actor.holder = Some(begun);
                        }
                        Decision::Refuse(reason) => {
                            prop_assert_eq!(reason, CloseReason::BadToken);
                            prop_assert!(epoch < actor.lease.confirmed);
                        }
                        Decision::Load { behind } => {
                            prop_assert!(behind.is_some() && epoch > actor.lease.epoch);
                            actor.is_found = false;
                        }
                    }
                }
                Command::Confirm { id, epoch } => {
                    registry.confirm(Name(id), epoch);
                    if let Some(actor) = self.found(id) {
                        actor.lease.confirm(epoch);
                    }
                }
                Command::Detach { id, epoch } => {
                    registry.detach(self.now, Name(id), epoch);
                    let due = self.now.after_ms(SMALL.parked_ms);
                    if let Some(actor) = self.found(id).filter(|actor| actor.holder == Some(epoch)) {
                        (actor.holder, actor.due) = (None, due);
                    }
                }
                Command::Keep { id, gone, holder } => {
                    registry.keep(Name(id), gone, holder);
                    if let Some(actor) = self.found(id).filter(|actor| actor.lease.epoch == gone) {
                        actor.holder = Some(holder);
                    }
                }
                Command::Pass { ms } => {
                    self.now = self.now.after_ms(ms);
                    for index in registry.expire(self.now, 1_000) {
                        prop_assert!(self.actors[index as usize].due <= self.now, "too early");
                        self.let_go(index)?;
                    }
                    let now = self.now;
                    let is_late =
                        |actor: &Actor| actor.is_found && actor.holder.is_none() && actor.due <= now;
                    prop_assert!(!self.actors.iter().any(is_late), "one waits for too long");
                }
                Command::Leave { actor } if actor < self.actors.len() => {
                    // Its number is that of no other, so that whoever ends twice would be seen.
                    let gone = &mut self.actors[actor];
                    if gone.id == u32::MAX {
                        return Ok(());
                    }
                    let kept = registry.leave(Name(gone.id), gone.serial);
                    prop_assert_eq!(kept.is_some(), gone.is_found);
                    (gone.id, gone.is_found, gone.holder) = (u32::MAX, false, None);
                }
                Command::Close => {
                    registry.close();
                    self.is_closed = true;
                }
                Command::HandOver => {
                    let next = registry.hand_over(2);
                    prop_assert!(next.len() <= 2 && (self.is_closed || next.is_empty()));
                }
                _ => {}
            }
            Ok(())
        }

        fn check(&self, registry: &Registry<Name, Name, u32>) -> Result<(), TestCaseError> {
            prop_assert_eq!(registry.inconsistency(), None);
            let found = self.actors.iter().filter(|actor| actor.is_found);
            let alive = self.actors.iter().filter(|actor| actor.id != u32::MAX).count();
            let waiting = found.clone().filter(|actor| actor.holder.is_none()).count();
            let counts = registry.counts();
            prop_assert_eq!((counts.sessions, counts.unattached + counts.parked), (found.count(), waiting));
            prop_assert_eq!((registry.actor_count(), registry.reserved), (alive, self.reservations.len()));
            prop_assert_eq!(registry.is_drained(), self.is_closed && alive == 0);
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever is done: counts are those of what is there, orders agree with statuses, nobody makes room or
        /// expires who is attached, and a token that was replaced attaches to nothing.
        #[test]
        fn whatever_is_done_the_registry_agrees_with_itself_and_with_what_it_has_said(
            commands in prop::collection::vec(command(), 1..120),
            end in prop::collection::vec(command(), 0..30),
        ) {
            let mut registry = Registry::new(SMALL);
            let mut model = Model::default();
            for command in commands.into_iter().chain([Command::Close]).chain(end) {
                model.run(&mut registry, command)?;
                model.check(&registry)?;
            }
            for actor in 0..model.actors.len() {
                model.run(&mut registry, Command::Leave { actor })?;
            }
            for reservation in model.reservations.drain(..) {
                registry.release(reservation);
            }
            prop_assert!(registry.is_drained() && registry.owners.is_empty());
            prop_assert_eq!(format!("{:?}", registry.counts()), format!("{:?}", Counts::default()));
            prop_assert_eq!(vec![registry.reserved, registry.actor_count()], vec![0, 0]);
        }
    }
}
