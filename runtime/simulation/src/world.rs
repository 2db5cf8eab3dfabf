//! The world: time, the network, faults, and what must hold whatever they do.
//!
//! A [`Plan`] is run step by step. Each step does something to the world, lets time pass, and is checked; in
//! the end every fault is over, and everything has to be well again.
//!
//! - `steps`: what people do, and what faults there are
//! - `liar`: a hostile client among them
//! - `schedule`: what happens when, a happening after the other
//! - `pages`: what pages hear and want
//! - `network`: sockets, and what is under way on them
//! - `machines`: servers that start, end and are killed
//! - `wishes`: what servers want: frames sent, the store read and written, tasks run
//! - `contract`: what must hold

mod contract;
mod liar;
mod machines;
mod network;
mod pages;
mod schedule;
mod state;
mod steps;
mod wishes;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use lightspeed_core::Policy;
use lightspeed_core::host::admission;
use lightspeed_core::host::registry::Bounds;
use lightspeed_core::session::policy::Cadence;
use lightspeed_protocol::Timestamp;

use crate::app;
use crate::page::Page;
use crate::random::Random;
use crate::server::Setup;
use crate::store::Store;
use state::{Happening, Known, Machine, PAGES_MAX, Socket};

/// Events after which a session is stored, under [`Policy::Rehydrate`].
const CADENCE: Cadence = Cadence { events: 5, ms: 2_000 };

/// Chooses how much room servers have; the rest of a seed's run is chosen as if there were room for all.
const ROOM: u64 = 0x0b0f_0b0f_0b0f_0b0f;

/// What the operator of a world's servers has decided: in one world of three there is room for few.
fn setup(seed: u64, policy: Policy) -> Setup {
    let mut random = Random::of(seed ^ ROOM, 0);
    let ample = Bounds {
        sessions_max: 1_000,
        unattached_max: 1_000,
        per_address_max: 1_000,
        per_identity_max: 1_000,
        unattached_ms: 30_000,
        parked_ms: 180_000,
    };
    let bounds = if random.chance(60) {
        ample
    } else {
        // Every page of the world has a session, all of them may be of one person and at one server.
        let mut few = |ample, least| if random.chance(50) { least + random.index(4) } else { ample };
        Bounds {
            sessions_max: few(ample.sessions_max, PAGES_MAX),
            unattached_max: few(ample.unattached_max, 1),
            per_address_max: few(ample.per_address_max, PAGES_MAX),
            per_identity_max: few(ample.per_identity_max, PAGES_MAX),
            unattached_ms: 15_000,
            parked_ms: 40_000,
        }
    };
    let mut sockets = admission::Bounds {
        all_max: 1_000,
        per_address_max: 1_000,
        leaving_max: 60,
        makes_room_after_ms: 2_000,
    };
    if random.chance(20) {
        (sockets.all_max, sockets.per_address_max) =
            (PAGES_MAX + random.index(8), PAGES_MAX + random.index(8));
    }
    let drain_batch = [1, 2, 256][random.index(3)];
    Setup { policy, has_store: policy.is_stored(), bounds, sockets, drain_batch }
}

/// What went wrong: the clause of the contract, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// C1 to C10.
    pub clause: &'static str,
    /// How.
    pub what: String,
    /// The step after which it was found; the number of steps when it was in the end.
    pub step: usize,
}

/// What a run was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// A number for every frame that was delivered, and when.
    pub trace: u64,
    /// Frames that were delivered.
    pub frames: u64,
    /// Things that people did.
    pub deeds: u64,
    /// Sessions that came back from the store.
    pub restored: u64,
    /// Servers that were killed.
    pub kills: u64,
    /// Sessions and sockets that had to make room for others.
    pub evicted: u64,
    /// Sessions that waited for their page for too long.
    pub expired: u64,
    /// Pages that were refused because there was no room.
    pub refused: u64,
    /// How often a session began to hibernate on request.
    pub hibernations: u64,
    /// Whether components panicked in it.
    pub has_panics: bool,
}

/// What a run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// How many things are done to the world.
    pub steps: usize,
    /// Steps that are left out.
    pub skipped: BTreeSet<usize>,
    /// Prints what happens.
    pub is_traced: bool,
    /// Whether servers have their sessions hibernate, as often as the seed says. Those that are idle do so anyway.
    pub has_hibernation: bool,
}

/// Chooses numbers that have no part in what happens otherwise: with and without hibernation a seed is the same run.
const HIBERNATION: u64 = 0x5ee9_5ee9_5ee9_5ee9;

impl Plan {
    /// A plan of `seed`.
    pub const fn new(seed: u64, steps: usize) -> Self {
        Self { seed, steps, skipped: BTreeSet::new(), is_traced: false, has_hibernation: true }
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// With the first thing that must not be.
    pub fn run(&self) -> Result<Report, Failure> {
        app::disarm();
        let mut world = World::new(self);
        for step in 0..self.steps {
            world.step = step;
            if self.has_hibernation {
                let mut random = Random::of(self.seed ^ HIBERNATION, step as u64);
                world.hibernates_every = [0, 0, 1, 2, 5, 20][random.index(6)];
            }
            if !self.skipped.contains(&step) {
                world.act(Random::of(self.seed, step as u64));
            }
            world.check()?;
        }
        world.step = self.steps;
        world.hibernates_every = 0;
        world.heal();
        world.check()?;
        world.finish()?;
        Ok(world.report)
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct World {
    now: Timestamp,
    step: usize,
    setup: Setup,
    has_panics: bool,
    is_spoiled: bool,
    random: Random,
    queue: BinaryHeap<Reverse<(Timestamp, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    next_order: u64,
    machines: Vec<Machine>,
    store: Store,
    sockets: BTreeMap<usize, Socket>,
    next_socket: usize,
    pages: Vec<Page>,
    known: BTreeMap<u64, Known>,
    next_session: u64,
    next_note: u64,
    is_healed: bool,
    /// After so many happenings every session hibernates; never at 0.
    hibernates_every: u64,
    happened: u64,
    failure: Option<(&'static str, String)>,
    report: Report,
    is_traced: bool,
}

impl World {
    fn new(plan: &Plan) -> Self {
        let mut random = Random::of(plan.seed, u64::MAX);
        let policy = match random.below(8) {
            0 => Policy::Remount,
            1 | 2 => Policy::Resume,
            3 | 4 => Policy::Rehydrate(CADENCE),
            _ => Policy::Durable,
        };
        let setup = setup(plan.seed, policy);
        let mut world = Self {
            now: Timestamp(1_000),
            step: 0,
            setup,
            has_panics: random.chance(25),
            is_spoiled: false,
            machines: Vec::new(),
            store: Store::new(random.between(1, 40)),
            queue: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            next_order: 0,
            sockets: BTreeMap::new(),
            next_socket: 0,
            pages: Vec::new(),
            known: BTreeMap::new(),
            next_session: 1,
            next_note: 1,
            is_healed: false,
            hibernates_every: 0,
            happened: 0,
            failure: None,
            report: Report { trace: 0xcbf2_9ce4_8422_2325, ..Report::default() },
            is_traced: plan.is_traced,
            random,
        };
        world.report.has_panics = world.has_panics;
        let count = if world.setup.has_store && world.random.chance(50) { 2 } else { 1 };
        for server in 0..count {
            world.machines.push(Machine { server: None, life: 0, is_unreachable: false });
            world.start(server);
        }
        for _ in 0..world.random.between(1, 3) {
            let identity = world.random.below(2);
            world.add_page(identity);
        }
        world.settle();
        world
    }

    fn trace(&self, text: impl FnOnce() -> String) {
        if self.is_traced {
            println!("{:>4} {:>9} {}", self.step, self.now.0, text());
        }
    }

    fn fail(&mut self, clause: &'static str, what: String) {
        self.trace(|| format!("{clause}: {what}"));
        self.failure.get_or_insert((clause, what));
    }
}
