//! The world: time, the network, faults, and what must hold whatever they do.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use lightspeed_core::Policy;
use lightspeed_core::session::policy::Cadence;
use lightspeed_interpreter::{ClientOutput, LinkState, MemoryDocument};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::{Payload, Raw};

use crate::app;
use crate::page::{Fate, Page, without_values};
use crate::random::Random;
use crate::server::{PendingJoin, Server, Wish};
use crate::store::{Record, Stamp, Store};

/// Events after which a session is stored, under [`Policy::Rehydrate`].
const CADENCE: Cadence = Cadence { events: 5, ms: 2_000 };

/// How long after the last fault everything has to be well again, in milliseconds.
pub(crate) const HEALED_WITHIN_MS: u64 = 60_000;

/// Pages, those of strangers and copies among them.
const PAGES_MAX: usize = 5;

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

#[derive(Debug)]
enum Happening {
    /// The page's attempt to connect has an outcome.
    Connected {
        page: usize,
        socket: usize,
    },
    /// Bytes may have arrived.
    Up {
        socket: usize,
    },
    Down {
        socket: usize,
    },
    /// One side learns that the socket is gone.
    ServerLearns {
        socket: usize,
    },
    ClientLearns {
        socket: usize,
    },
    Write(Box<Writing>),
    Read {
        server: usize,
        life: u64,
        session: u64,
        pending: Box<PendingJoin>,
        tries: u32,
    },
    Task {
        server: usize,
        life: u64,
        session: u64,
        serial: u64,
    },
    Fetch {
        page: usize,
    },
    Restart {
        server: usize,
    },
    StoreHeals,
    Thaw {
        page: usize,
    },
    /// A server that was told to end does.
    Leave {
        server: usize,
        life: u64,
    },
    Unstall {
        socket: usize,
    },
}

#[derive(Debug)]
struct Writing {
    server: usize,
    life: u64,
    session: u64,
    serial: u64,
    expected: Option<Stamp>,
    record: Record,
    generation: u64,
    wait_ms: u64,
}

/// One TCP connection.
#[expect(clippy::struct_excessive_bools, reason = "each end and each fault is a fact of its own")]
struct Socket {
    page: usize,
    server: usize,
    life: u64,
    up: VecDeque<(Timestamp, Vec<u8>)>,
    down: VecDeque<(Timestamp, Vec<u8>)>,
    is_server_open: bool,
    is_client_open: bool,
    /// What is sent arrives nowhere, and nobody is told.
    loses_up: bool,
    loses_down: bool,
    /// What is sent waits.
    is_stalled: bool,
}

struct Machine {
    server: Option<Server>,
    /// Counts its starts.
    life: u64,
    /// It is behind a partition: nobody reaches it.
    is_unreachable: bool,
}

/// What is known of a session from outside.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Default)]
struct Known {
    /// What each version looked like. Two servers may have one each, as long as neither knows of the other, though
    /// under [`Policy::Durable`] only one of them can show it.
    versions: BTreeMap<u64, Vec<String>>,
    /// Its client does as it likes.
    is_liars: bool,
    /// Its page was opened in two tabs.
    has_copies: bool,
    /// Events of which a server has said that they had no effect.
    refused: BTreeSet<u64>,
    /// It may have lost what its policy doesn't promise to keep.
    is_torn: bool,
    /// A join that asked for a whole document came by a socket that its page had given up: the page may have
    /// got another document meanwhile, and that one's numbers are gone.
    is_joined_late: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct World {
    now: Timestamp,
    step: usize,
    policy: Policy,
    has_store: bool,
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
        let mut world = Self {
            now: Timestamp(1_000),
            step: 0,
            policy,
            has_store: policy.is_stored(),
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
        let count = if world.has_store && world.random.chance(50) { 2 } else { 1 };
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

    fn later(&mut self, after_ms: u64, happening: Happening) {
        let order = self.next_order;
        self.next_order += 1;
        self.queue.push(Reverse((self.now.after_ms(after_ms), order)));
        self.happenings.insert(order, happening);
    }

    // --- servers and pages come and go

    fn start(&mut self, server: usize) {
        let machine = &mut self.machines[server];
        machine.life += 1;
        let nonce = (machine.life << 40) | ((server as u64) << 32);
        machine.server = Some(Server::new(self.policy, self.has_store, nonce));
        self.trace(|| format!("server {server} is started"));
    }

    fn is_up(&self, server: usize) -> bool {
        let machine = &self.machines[server];
        machine.server.as_ref().is_some_and(|it| !it.is_draining) && !machine.is_unreachable
    }

    fn any_server(&mut self) -> Option<usize> {
        let up: Vec<_> = (0..self.machines.len()).filter(|server| self.is_up(*server)).collect();
        if up.is_empty() { None } else { Some(up[self.random.index(up.len())]) }
    }

    fn mount(&mut self, identity: u64) -> Option<(u64, String, String)> {
        let server = self.any_server()?;
        let session = self.next_session;
        self.next_session += 1;
        let (token, html) = self.machines[server].server.as_mut()?.mount(session, identity);
        self.wishes(server);
        Some((session, token, html))
    }

    fn add_page(&mut self, identity: u64) {
        let Some((session, token, html)) = self.mount(identity) else { return };
        let seed = self.random.next();
        let mut page = Page::new(identity, session, token, html, seed);
        page.client.handle_start(self.now);
        self.pages.push(page);
        let page = self.pages.len() - 1;
        self.trace(|| format!("page {page} shows session {session}"));
        self.outputs(page);
    }

    fn kill(&mut self, server: usize) {
        let machine = &mut self.machines[server];
        let Some(dead) = machine.server.take() else { return };
        self.trace(|| format!("server {server} is killed"));
        self.report.kills += 1;
        for (id, known) in &mut self.known {
            if dead.session(*id).is_some() && self.policy != Policy::Durable {
                known.is_torn = true;
            }
        }
        // A message in a tree may panic when it is dropped.
        app::disarm();
        drop(dead);
        let gone: Vec<_> =
            self.sockets.iter().filter(|(_, it)| it.server == server).map(|(socket, _)| *socket).collect();
        for socket in gone {
            self.server_closes(socket);
        }
        let after_ms = self.random.between(10, 3_000);
        self.later(after_ms, Happening::Restart { server });
    }

    // --- the network

    fn delay(&mut self) -> u64 {
        if self.random.chance(90) { self.random.between(1, 40) } else { self.random.between(40, 800) }
    }

    fn send(&mut self, socket: usize, is_up: bool, bytes: Vec<u8>) {
        let delay = self.delay();
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if (is_up && (it.loses_up || !it.is_client_open)) || (!is_up && (it.loses_down || !it.is_server_open))
        {
            return;
        }
        let way = if is_up { &mut it.up } else { &mut it.down };
        // What was sent first arrives first.
        let at = way.back().map_or(self.now, |(at, _)| *at).max(self.now.after_ms(delay));
        way.push_back((at, bytes));
        let wait = at.0 - self.now.0;
        self.later(wait, if is_up { Happening::Up { socket } } else { Happening::Down { socket } });
    }

    /// Both sides lose the socket, each when it learns so; what is under way may be lost.
    fn cut(&mut self, socket: usize) {
        let (is_lossy, learns) = (self.random.chance(70), (self.random.below(300), self.random.below(300)));
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if is_lossy {
            it.loses_up = true;
            it.loses_down = true;
            it.up.clear();
            it.down.clear();
        }
        self.trace(|| format!("socket {socket} is cut"));
        self.later(learns.0, Happening::ServerLearns { socket });
        self.later(learns.1, Happening::ClientLearns { socket });
    }

    fn server_closes(&mut self, socket: usize) {
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if !std::mem::replace(&mut it.is_server_open, false) {
            return;
        }
        // What it has sent before still arrives.
        let last = it.down.back().map_or(0, |(at, _)| at.0.saturating_sub(self.now.0));
        if !it.loses_down {
            self.later(last + 1, Happening::ClientLearns { socket });
        }
    }

    fn client_closes(&mut self, socket: usize) {
        let Some(it) = self.sockets.get_mut(&socket) else { return };
        if std::mem::replace(&mut it.is_client_open, false) && !it.loses_up {
            let last = it.up.back().map_or(0, |(at, _)| at.0.saturating_sub(self.now.0));
            self.later(last + 1, Happening::ServerLearns { socket });
        }
    }

    // --- what happens

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Connected { page, socket } => self.connected(page, socket),
            Happening::Up { socket } => self.arrive(socket, true),
            Happening::Down { socket } => self.arrive(socket, false),
            Happening::ServerLearns { socket } => {
                let Some(it) = self.sockets.get_mut(&socket) else { return };
                it.is_server_open = false;
                let (server, life) = (it.server, it.life);
                let now = self.now;
                if let Some(server) = self.alive(server, life) {
                    server.closed(now, socket);
                }
                self.wishes(server);
                self.forget(socket);
            }
            Happening::ClientLearns { socket } => {
                let Some(it) = self.sockets.get_mut(&socket) else { return };
                it.is_client_open = false;
                let page = it.page;
                if self.pages[page].socket == Some(socket) && self.pages[page].frozen_until.is_none() {
                    self.pages[page].socket = None;
                    let now = self.pages[page].now(self.now);
                    self.pages[page].client.handle_closed(now);
                    self.outputs(page);
                }
                self.forget(socket);
            }
            Happening::Write(writing) => self.write(*writing),
            Happening::Read { server, life, session, pending, tries } => {
                self.read(server, life, session, *pending, tries);
            }
            Happening::Task { server, life, session, serial } => {
                let now = self.now;
                if let Some(it) = self.alive(server, life) {
                    it.task_done(now, session, serial);
                }
                self.wishes(server);
            }
            Happening::Fetch { page } => self.fetch(page),
            Happening::Restart { server } => {
                if self.machines[server].server.is_none() {
                    self.start(server);
                }
            }
            Happening::StoreHeals => {
                self.store.is_down = false;
                self.store.failing_percent = 0;
                self.store.mute_percent = 0;
                self.store.delay_ms_max = 20;
            }
            Happening::Thaw { page } => self.thaw(page),
            Happening::Leave { server, life } => {
                if self.alive(server, life).is_some() {
                    self.kill(server);
                }
            }
            Happening::Unstall { socket } => self.unstall(socket),
        }
    }

    fn alive(&mut self, server: usize, life: u64) -> Option<&mut Server> {
        let machine = &mut self.machines[server];
        if machine.life == life { machine.server.as_mut() } else { None }
    }

    fn forget(&mut self, socket: usize) {
        if self.sockets.get(&socket).is_some_and(|it| !it.is_client_open && !it.is_server_open) {
            self.sockets.remove(&socket);
        }
    }

    fn connected(&mut self, page: usize, socket: usize) {
        if self.pages[page].socket != Some(socket) {
            return;
        }
        let now = self.now;
        let Some(server) = self.any_server() else {
            self.pages[page].socket = None;
            let now = self.pages[page].now(now);
            self.pages[page].client.handle_closed(now);
            return self.outputs(page);
        };
        let life = self.machines[server].life;
        self.sockets.insert(
            socket,
            Socket {
                page,
                server,
                life,
                up: VecDeque::new(),
                down: VecDeque::new(),
                is_server_open: true,
                is_client_open: true,
                loses_up: false,
                loses_down: false,
                is_stalled: false,
            },
        );
        let identity = self.pages[page].identity;
        let now = self.now;
        if let Some(it) = self.alive(server, life) {
            it.open(now, socket, identity);
        }
        self.trace(|| format!("page {page} has socket {socket} to server {server}"));
        let now = self.pages[page].now(self.now);
        self.pages[page].client.handle_open(now);
        self.outputs(page);
    }

    fn arrive(&mut self, socket: usize, is_up: bool) {
        loop {
            let now = self.now;
            let Some(it) = self.sockets.get_mut(&socket) else { return };
            if it.is_stalled {
                return;
            }
            let (page, server, life) = (it.page, it.server, it.life);
            if !is_up && self.pages[page].frozen_until.is_some() {
                return;
            }
            let way = if is_up { &mut it.up } else { &mut it.down };
            let Some((_, bytes)) = way.pop_front_if(|(at, _)| *at <= now) else { return };
            if is_up && it.is_server_open {
                self.note(1, socket, &bytes);
                if self.pages[page].socket != Some(socket)
                    && let Ok((_, ClientFrame::Join { mode, .. })) = ClientFrame::decode(&bytes)
                    && JoinMode::from_code(mode) != Some(JoinMode::Resume)
                {
                    self.known.entry(self.pages[page].session).or_default().is_joined_late = true;
                }
                if let Some(it) = self.alive(server, life) {
                    it.message(now, socket, &bytes);
                }
                self.wishes(server);
            } else if !is_up && it.is_client_open && self.pages[page].socket == Some(socket) {
                self.note(2, socket, &bytes);
                self.hear(page, &bytes);
            }
        }
    }

    /// Adds a frame to the trace.
    fn note(&mut self, direction: u8, socket: usize, bytes: &[u8]) {
        self.report.frames += 1;
        let head =
            self.now.0.to_le_bytes().into_iter().chain([direction]).chain((socket as u64).to_le_bytes());
        for byte in head.chain(bytes.iter().copied()) {
            self.report.trace = (self.report.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.is_traced {
            let shown = if direction == 1 {
                ClientFrame::decode(bytes)
                    .map_or_else(|error| error.to_string(), |(n, frame)| format!("{n}: {frame}"))
            } else {
                ServerFrame::decode(bytes)
                    .map_or_else(|error| error.to_string(), |(n, frame)| format!("{n}: {frame}"))
            };
            let shown: String = shown.chars().take(160).collect();
            self.trace(|| format!("  socket {socket} {} {shown}", if direction == 1 { '>' } else { '<' }));
        }
    }

    /// A page gets a message.
    fn hear(&mut self, page: usize, bytes: &[u8]) {
        let handled_before = self.highest_handled(page);
        let it = &mut self.pages[page];
        if let Ok((1, ServerFrame::Close { reason, .. })) = ServerFrame::decode(bytes) {
            let reason = CloseReason::from_code(reason);
            it.needs_session |= reason.is_some_and(CloseReason::is_recoverable_by_remount);
            let session = it.session;
            if reason == Some(CloseReason::BadToken)
                && !self.known.get(&session).is_some_and(|it| it.has_copies)
            {
                return self.fail("C7", format!("page {page} is locked out of its own session {session}"));
            }
        }
        // What is understood as long as the state survives.
        let is_lasting =
            matches!(self.policy, Policy::Durable | Policy::Resume | Policy::Remount) && !self.has_panics;
        if let Ok((1, ServerFrame::Refused { seq, reason: 2, .. })) = ServerFrame::decode(bytes)
            && is_lasting
            && !self.known.get(&self.pages[page].session).is_some_and(|it| it.has_copies || it.is_joined_late)
        {
            return self.fail("C3", format!("event {seq} of page {page} is refused as too old"));
        }
        let it = &mut self.pages[page];
        let session = it.session;
        let now = it.now(self.now);
        it.client.handle_message(now, bytes, &mut it.document);
        self.outputs(page);
        let it = &self.pages[page];
        if it.session != session {
            return;
        }
        // C2, C1: whatever came, the document is the one of its version.
        if let (Some(version), Some(known)) = (it.client.version(1), self.known.get(&session))
            && it.state == LinkState::Connected
            && let Some(htmls) = known.versions.get(&version)
        {
            let shown = it.shown();
            let expected = htmls.iter().map(|html| without_values(&MemoryDocument::canonical(html)));
            let expected: Vec<_> = expected.collect();
            if !expected.contains(&shown) {
                let expected = expected.join(" or ");
                self.fail("C1", format!("page {page} at version {version} shows {shown} and not {expected}"));
            }
        }
        // C3: what the page was once told is handled stays so.
        if let Ok((1, ServerFrame::Joined { ack, .. })) = ServerFrame::decode(bytes)
            && self.policy == Policy::Durable
            && ack < handled_before
        {
            self.fail("C3", format!("page {page}: a server knows events only up to {ack}"));
        }
    }

    fn highest_handled(&self, page: usize) -> u64 {
        let deeds = self.pages[page].deeds.iter();
        deeds.filter(|(_, deed)| deed.fate == Fate::Handled).map(|(seq, _)| *seq).max().unwrap_or(0)
    }

    /// Does what a page wants.
    fn outputs(&mut self, page: usize) {
        while let Some(output) = self.pages[page].client.poll_output() {
            if let Err(what) = self.pages[page].hear(&output) {
                self.fail("C3", format!("page {page}: {what}"));
            }
            if let ClientOutput::Settled { seq, .. } = &output
                && self.policy == Policy::Durable
                && !self.is_spoiled
                && self
                    .known
                    .get(&self.pages[page].session)
                    .is_some_and(|it| it.refused.contains(seq) && !it.has_copies)
            {
                self.fail("C3", format!("event {seq} of page {page} was refused and is told to be handled"));
            }
            if let ClientOutput::State { state, .. } = &output {
                self.trace(|| format!("page {page} is {state:?}"));
            }
            match output {
                ClientOutput::Connect => {
                    let socket = self.next_socket;
                    self.next_socket += 1;
                    self.pages[page].socket = Some(socket);
                    let delay = self.delay();
                    self.later(delay, Happening::Connected { page, socket });
                }
                ClientOutput::Disconnect => {
                    if let Some(socket) = self.pages[page].socket.take() {
                        self.client_closes(socket);
                    }
                }
                ClientOutput::Transmit(bytes) => {
                    if let Some(socket) = self.pages[page].socket {
                        self.send(socket, true, bytes);
                    }
                }
                ClientOutput::Refresh => {
                    let delay = self.delay();
                    self.later(delay, Happening::Fetch { page });
                }
                _ => {}
            }
        }
    }

    /// A page is fetched again.
    fn fetch(&mut self, page: usize) {
        let identity = self.pages[page].identity;
        if !self.pages[page].needs_session {
            // It has asked twice, and the first answer was enough.
            return;
        }
        let is_lucky = self.is_healed || self.random.chance(80);
        let fetched = if is_lucky { self.mount(identity) } else { None };
        let it = &mut self.pages[page];
        let now = it.now(self.now);
        match fetched {
            Some((session, token, _)) => {
                it.client.handle_tokens(now, &[Some(&token)]);
                // Refusals of the old session are told before.
                let mut told = Vec::new();
                while let Some(output) = it.client.poll_output() {
                    told.push(output);
                }
                let mut transmits = Vec::new();
                for output in told {
                    if let Err(what) = it.hear(&output) {
                        self.failure.get_or_insert(("C3", what));
                    }
                    if let ClientOutput::Transmit(bytes) = output {
                        transmits.push(bytes);
                    }
                }
                if !it.is_settled() {
                    let what = format!("page {page} starts over and does not tell what it has dropped");
                    self.failure.get_or_insert(("C3", what));
                }
                it.deeds.clear();
                it.needs_session = false;
                it.session = session;
                it.renewals += 1;
                let socket = it.socket;
                self.trace(|| format!("page {page} starts over with session {session}"));
                for bytes in transmits {
                    if let Some(socket) = socket {
                        self.send(socket, true, bytes);
                    }
                }
            }
            None => it.client.handle_refresh_failed(now),
        }
        self.outputs(page);
    }

    /// Does what a server wants.
    fn wishes(&mut self, server: usize) {
        let life = self.machines[server].life;
        while let Some(it) = self.alive(server, life) {
            let wishes = std::mem::take(&mut it.wishes);
            if wishes.is_empty() {
                return;
            }
            for wish in wishes {
                self.grant(server, life, wish);
            }
        }
    }

    fn grant(&mut self, server: usize, life: u64, wish: Wish) {
        match wish {
            Wish::Send(socket, bytes) => {
                if let (Some(it), Ok((1, ServerFrame::Refused { seq, .. }))) =
                    (self.sockets.get(&socket), ServerFrame::decode(&bytes))
                {
                    let session = self.pages[it.page].session;
                    self.known.entry(session).or_default().refused.insert(seq);
                }
                self.send(socket, false, bytes);
            }
            Wish::Close(socket, reason) => {
                // Liars have sockets of their own.
                if reason != CloseReason::Silent && self.sockets.contains_key(&socket) {
                    self.fail("C2", format!("an honest client is told that it is at fault: {reason}"));
                }
                self.server_closes(socket);
            }
            Wish::Save { session, serial, expected, record, generation } => {
                let wait_ms = 50;
                let writing =
                    Writing { server, life, session, serial, expected, record, generation, wait_ms };
                let delay = self.random.between(1, self.store.delay_ms_max);
                self.later(delay, Happening::Write(Box::new(writing)));
            }
            Wish::Load { session, pending } => {
                let delay = self.random.between(1, self.store.delay_ms_max);
                let pending = Box::new(pending);
                self.later(delay, Happening::Read { server, life, session, pending, tries: 0 });
            }
            Wish::Remove { session, stamp } => self.store.remove(session, stamp),
            Wish::Task { session, serial } => {
                let delay = self.random.between(1, 2_000);
                self.later(delay, Happening::Task { server, life, session, serial });
            }
            Wish::Rendered { session, version, html } => {
                let versions = &mut self.known.entry(session).or_default().versions;
                // What nobody can show any more takes only time to compare with.
                versions.retain(|other, _| *other + 200 > version);
                let htmls = versions.entry(version).or_default();
                if !htmls.contains(&html) {
                    htmls.push(html);
                }
            }
            Wish::Ended { session, reason } => {
                self.trace(|| format!("server {server}: session {session} has ended: {reason}"));
                let known = self.known.entry(session).or_default();
                match reason {
                    // It goes on elsewhere, with what is stored.
                    CloseReason::Moved => known.is_torn |= self.policy != Policy::Durable,
                    CloseReason::ShuttingDown | CloseReason::SessionGone if self.policy.is_stored() => {}
                    CloseReason::SessionGone | CloseReason::ShuttingDown | CloseReason::ComponentFailed => {}
                    // Two tabs of one page may know different things of it.
                    _ if known.is_liars || known.has_copies => {}
                    _ => {
                        let what = format!("session {session} of an honest client ends: {reason}");
                        self.fail("C3", what);
                    }
                }
            }
            Wish::Violation(clause, what) => self.fail(clause, what),
        }
    }

    fn write(&mut self, mut writing: Writing) {
        let (is_failing, is_mute) =
            (self.random.chance(self.store.failing_percent), self.random.chance(self.store.mute_percent));
        // A server that was killed may have sent it before.
        if self.store.is_down || is_failing {
            writing.wait_ms = (writing.wait_ms * 2).min(5_000);
            let wait = writing.wait_ms;
            if self.alive(writing.server, writing.life).is_some() {
                self.later(wait, Happening::Write(Box::new(writing)));
            }
            return;
        }
        let Writing { server, life, session, serial, expected, ref record, generation, .. } = writing;
        let stamp = record.stamp;
        let saved = self.store.save(session, expected, record.clone());
        self.trace(|| format!("store: session {session} {stamp:?} by server {server}: {saved:?}"));
        if is_mute {
            if self.alive(server, life).is_some() {
                self.later(5_000, Happening::Write(Box::new(writing)));
            }
            return;
        }
        let now = self.now;
        if let Some(it) = self.alive(server, life) {
            it.stored(now, session, serial, generation, stamp, saved);
        }
        self.wishes(server);
    }

    fn read(&mut self, server: usize, life: u64, session: u64, pending: PendingJoin, tries: u32) {
        let is_failing = self.random.chance(self.store.failing_percent);
        let record = if self.store.is_down || is_failing {
            if tries < 3 {
                let pending = Box::new(pending);
                return self.later(500, Happening::Read { server, life, session, pending, tries: tries + 1 });
            }
            Err(())
        } else {
            Ok(self.store.load(session).cloned())
        };
        if matches!(record, Ok(Some(_))) {
            self.report.restored += 1;
        }
        let now = self.now;
        if let Some(it) = self.alive(server, life) {
            it.loaded(now, &pending, record);
        }
        self.wishes(server);
    }

    fn thaw(&mut self, page: usize) {
        let it = &mut self.pages[page];
        if it.frozen_until.take().is_none() {
            return;
        }
        let now = it.now(self.now);
        let socket = it.socket;
        self.trace(|| format!("page {page} is shown again"));
        match socket.map(|socket| (socket, self.sockets.get(&socket).is_some_and(|it| it.is_client_open))) {
            Some((socket, true)) => self.arrive(socket, false),
            // It was lost meanwhile.
            Some((_, false)) => {
                self.pages[page].socket = None;
                self.pages[page].client.handle_closed(now);
            }
            None => {}
        }
        self.pages[page].client.handle_wake(now);
        self.outputs(page);
    }

    fn unstall(&mut self, socket: usize) {
        if let Some(it) = self.sockets.get_mut(&socket) {
            it.is_stalled = false;
        }
        self.arrive(socket, true);
        self.arrive(socket, false);
    }

    // --- time

    /// Lets everything happen that is due until then.
    fn advance_to(&mut self, until: Timestamp) {
        for _ in 0..100_000 {
            let queued = self.queue.peek().map(|Reverse((at, _))| *at);
            let page = (0..self.pages.len())
                .filter_map(|page| self.pages[page].next_timeout().map(|at| (at, page)))
                .min();
            let server = (0..self.machines.len())
                .filter_map(|server| Some((self.machines[server].server.as_ref()?.next_timeout()?, server)))
                .min();
            let next = [queued, page.map(|(at, _)| at), server.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= until) else {
                self.now = self.now.max(until);
                return;
            };
            self.now = self.now.max(at);
            if queued == Some(at) {
                if let Some(Reverse((_, order))) = self.queue.pop()
                    && let Some(happening) = self.happenings.remove(&order)
                {
                    self.happen(happening);
                }
            } else if let Some((due, page)) = page
                && due == at
            {
                let now = self.pages[page].now(self.now);
                self.pages[page].client.handle_timeout(now);
                self.outputs(page);
            } else if let Some((_, server)) = server {
                let now = self.now;
                if let Some(it) = self.machines[server].server.as_mut() {
                    it.timeout(now);
                }
                self.wishes(server);
            }
            self.hibernate_if_due();
            if self.failure.is_some() {
                return;
            }
        }
        self.fail("C4", "100,000 things happen in no time: something goes round in circles".to_owned());
    }

    /// Every session on every server hibernates, which nobody may notice.
    fn hibernate_if_due(&mut self) {
        self.happened += 1;
        if self.hibernates_every == 0 || !self.happened.is_multiple_of(self.hibernates_every) {
            return;
        }
        for server in 0..self.machines.len() {
            let now = self.now;
            if let Some(it) = self.machines[server].server.as_mut() {
                self.report.hibernations += it.hibernate(now);
            }
            self.wishes(server);
        }
    }

    fn settle(&mut self) {
        let until = self.now.after_ms(500);
        self.advance_to(until);
    }

    // --- what is done to the world

    fn act(&mut self, mut random: Random) {
        let page = random.index(self.pages.len());
        let server = random.index(self.machines.len());
        let now = self.now;
        let is_awake = self.pages[page].frozen_until.is_none();
        let socket = self.pages[page].socket;
        match random.below(100) {
            0..20 if is_awake => {
                self.deed(page, &mut random);
            }
            20..30 if is_awake => {
                for _ in 0..random.between(2, 40) {
                    self.deed(page, &mut random);
                }
            }
            30..38 => {
                if let Some(socket) = socket {
                    self.cut(socket);
                }
            }
            38..43 => {
                if let Some(it) = socket.and_then(|socket| self.sockets.get_mut(&socket)) {
                    match random.below(3) {
                        0 => it.loses_up = true,
                        1 => it.loses_down = true,
                        _ => (it.loses_up, it.loses_down) = (true, true),
                    }
                    self.trace(|| format!("socket {socket:?} of page {page} loses what is sent"));
                }
            }
            43..47 => {
                if let Some(socket) = socket
                    && let Some(it) = self.sockets.get_mut(&socket)
                {
                    it.is_stalled = true;
                    self.trace(|| format!("socket {socket} stalls"));
                    self.later(random.between(100, 40_000), Happening::Unstall { socket });
                }
            }
            47..53 => {
                self.kill(server);
            }
            53..57 => {
                if random.chance(50) && is_awake {
                    // It is told in the midst of something.
                    for _ in 0..random.between(2, 20) {
                        self.deed(page, &mut random);
                    }
                    let until = self.now.after_ms(random.between(0, 40));
                    self.advance_to(until);
                }
                self.drain(server, &mut random);
            }
            57..61 if self.has_store => {
                match random.below(4) {
                    0 => self.store.is_down = true,
                    1 => self.store.failing_percent = random.between(10, 80),
                    2 => self.store.mute_percent = random.between(10, 60),
                    _ => self.store.delay_ms_max = random.between(100, 3_000),
                }
                self.trace(|| "the store has a fault".to_owned());
                self.later(random.between(100, 20_000), Happening::StoreHeals);
            }
            61..66 if is_awake => {
                // The laptop sleeps: the page does nothing, and its clock may stand or run.
                let asleep_ms = random.between(100, 400_000);
                self.pages[page].frozen_until = Some(now.after_ms(asleep_ms));
                self.trace(|| format!("page {page} sleeps for {asleep_ms} ms"));
                self.later(asleep_ms, Happening::Thaw { page });
            }
            66..68 => self.pages[page].ahead_ms += random.between(1_000, 600_000),
            68..70 => {
                if let Some(it) = self.machines[server].server.as_mut() {
                    it.ahead_ms += random.between(1_000, 200_000);
                }
            }
            70..74 if is_awake => {
                // Into the back/forward cache: the page closes its socket itself.
                if let Some(socket) = self.pages[page].socket.take() {
                    self.client_closes(socket);
                }
                let now_page = self.pages[page].now(now);
                self.pages[page].client.handle_closed(now_page);
                self.outputs(page);
                if let Some(socket) = self.pages[page].socket.take() {
                    self.client_closes(socket);
                }
                self.pages[page].frozen_until = Some(now.after_ms(1));
                self.later(random.between(10, 100_000), Happening::Thaw { page });
                self.trace(|| format!("page {page} goes into the back/forward cache"));
            }
            74..76 if self.pages.len() < PAGES_MAX => self.duplicate(page),
            76..82 => self.lie(page, &mut random),
            82..86 if self.has_panics && is_awake => {
                let id = ["poison", "poison", "bomb", "flaky", "flaky", "spoil"][random.index(6)];
                match id {
                    "bomb" => app::arm(true),
                    "flaky" => app::arm(false),
                    _ => {}
                }
                self.is_spoiled |= id == "spoil";
                if id == "flaky" {
                    self.next_note += 1;
                    let note = self.next_note;
                    self.pages[page].note(now, note);
                } else {
                    self.pages[page].click(now, id);
                }
                self.outputs(page);
            }
            86..88 if self.machines.len() > 1 => {
                self.machines[server].is_unreachable ^= true;
                self.trace(|| format!("server {server} is (un)reachable"));
            }
            88..90 if is_awake => {
                // Two clicks on what is being changed.
                for _ in 0..2 {
                    self.pages[page].click_row(now, random.index(100));
                    self.pages[page].click(now, "reverse");
                }
                self.outputs(page);
            }
            _ => {}
        }
        let pause = match random.below(10) {
            0..5 => random.between(0, 30),
            5..8 => random.between(30, 500),
            8 => random.between(500, 5_000),
            _ => random.between(5_000, 40_000),
        };
        let until = self.now.after_ms(pause);
        self.advance_to(until);
    }

    fn deed(&mut self, page: usize, random: &mut Random) {
        let now = self.now;
        let it = &mut self.pages[page];
        let is_taken = match random.below(10) {
            0..3 => it.click(now, "inc"),
            3..6 => {
                self.next_note += 1;
                it.note(now, self.next_note)
            }
            6 => it.click(now, "add"),
            7 => it.click_row(now, random.index(100)),
            8 => it.click(now, ["reverse", "toggle"][random.index(2)]),
            _ => it.click(now, "ask"),
        };
        self.report.deeds += u64::from(is_taken);
        self.outputs(page);
    }

    /// SIGTERM; the process ends when it is done, or at the deadline.
    fn drain(&mut self, server: usize, random: &mut Random) {
        let now = self.now;
        let Some(it) = self.machines[server].server.as_mut() else { return };
        if it.is_draining {
            return;
        }
        it.drain(now);
        self.trace(|| format!("server {server} is told to end"));
        self.wishes(server);
        // With a store that answers it is done long before; otherwise it is as if it were killed.
        let life = self.machines[server].life;
        let is_done = self.machines[server].server.as_ref().is_some_and(|it| it.session_count() == 0);
        let after_ms = if is_done { 500 } else { 8_000 };
        self.later(after_ms + random.below(500), Happening::Leave { server, life });
    }

    /// Somebody opens the page that another tab was given.
    fn duplicate(&mut self, page: usize) {
        let it = &self.pages[page];
        let (identity, session, first) = (it.identity, it.session, it.first.clone());
        if it.renewals > 0 {
            return;
        }
        self.known.entry(session).or_default().has_copies = true;
        let seed = self.random.next();
        let mut copy = Page::new(identity, session, first.0, first.1, seed);
        copy.client.handle_start(self.now);
        self.pages.push(copy);
        let copy = self.pages.len() - 1;
        self.trace(|| format!("page {copy} is a copy of page {page}"));
        self.outputs(copy);
    }

    /// A client that does as it likes, on the page's own socket or with its token.
    fn lie(&mut self, page: usize, random: &mut Random) {
        let token = self.pages[page].first.0.clone();
        let number = |random: &mut Random| match random.below(4) {
            0 => 0,
            1 => random.below(4),
            2 => random.below(1_000),
            _ => random.next(),
        };
        let seq = number(random);
        let frame = match random.below(9) {
            0 => ClientFrame::Ack { ack: seq, behind: 0 }.encode(1),
            1 => ClientFrame::Resync { ack: seq }.encode(1),
            2 => ClientFrame::Event {
                ack: number(random),
                seq,
                behind: number(random),
                instance: random.small(40),
                slot: random.small(12),
                payload: [Payload::None, Payload::Text("x"), Payload::Flag(true), Payload::Number(seq)]
                    [random.index(4)],
            }
            .encode(1),
            3 => ClientFrame::Join { token: "7.0.0.0", mode: 2, applied: 0, settled: 0 }.encode(2),
            4 => ClientFrame::Hello { protocol: 2, build: "", templates: Raw::new(&[0x90]) }.encode(0),
            5 => ClientFrame::Leave {}.encode(9),
            _ => (0..random.below(40)).flat_map(|_| random.next().to_le_bytes()).collect(),
        };
        // On a socket of its own, so that the page's session is only touched by what is allowed to.
        let socket = self.next_socket;
        self.next_socket += 1;
        let (Some(server), now) = (self.any_server(), self.now) else { return };
        let identity = if random.chance(50) { self.pages[page].identity } else { 77 };
        let Some(it) = self.machines[server].server.as_mut() else { return };
        it.open(now, socket, identity);
        let hello = ClientFrame::Hello { protocol: 2, build: "liar", templates: Raw::new(&[0x90]) };
        it.message(now, socket, &hello.encode(0));
        if identity == 77 {
            // Somebody else with the page's token.
            let mode = random.small(3);
            it.message(
                now,
                socket,
                &ClientFrame::Join { token: &token, mode, applied: seq, settled: 0 }.encode(1),
            );
            let got = it.wishes.iter().any(|wish| match wish {
                Wish::Send(_, bytes) => {
                    matches!(ServerFrame::decode(bytes), Ok((_, ServerFrame::Joined { .. })))
                }
                _ => false,
            });
            if got {
                self.fail("C7", "a stranger has joined with somebody's token".to_owned());
                return;
            }
        } else {
            let (session, token, _) = {
                let id = self.next_session;
                self.next_session += 1;
                let (token, html) = it.mount(id, identity);
                (id, token, html)
            };
            self.known.entry(session).or_default().is_liars = true;
            it.message(
                now,
                socket,
                &ClientFrame::Join { token: &token, mode: 0, applied: 0, settled: 0 }.encode(1),
            );
        }
        it_message(self, server, now, socket, &frame);
        if let Some(it) = self.machines[server].server.as_mut() {
            it.closed(now, socket);
        }
        self.wishes(server);
    }

    // --- what must hold

    fn check(&mut self) -> Result<(), Failure> {
        if self.sockets.len() > 400 || self.pages.len() > PAGES_MAX {
            self.fail("C4", format!("{} sockets are open", self.sockets.len()));
        }
        match self.failure.take() {
            Some((clause, what)) => Err(Failure { clause, what, step: self.step }),
            None => Ok(()),
        }
    }

    /// Every fault ends.
    fn heal(&mut self) {
        self.trace(|| "the world heals".to_owned());
        self.is_healed = true;
        app::disarm();
        for machine in &mut self.machines {
            machine.is_unreachable = false;
        }
        self.happen(Happening::StoreHeals);
        for server in 0..self.machines.len() {
            let is_leaving = self.machines[server].server.as_ref().is_some_and(|it| it.is_draining);
            if is_leaving {
                let until = self.now.after_ms(9_000);
                self.advance_to(until);
            }
            if self.machines[server].server.is_none() {
                self.start(server);
            }
        }
        for socket in self.sockets.keys().copied().collect::<Vec<_>>() {
            // One that loses what is sent goes on doing so: its client has to notice by itself.
            self.unstall(socket);
        }
        for page in 0..self.pages.len() {
            self.thaw(page);
        }
    }

    /// C8 and what it all came to.
    fn finish(&mut self) -> Result<(), Failure> {
        self.converge();
        // Something to write: a server whose session another one has taken over finds out by it.
        for page in 0..self.pages.len() {
            let now = self.now;
            self.next_note += 1;
            let note = self.next_note;
            self.pages[page].note(now, note);
            self.outputs(page);
        }
        let until = self.now.after_ms(9_000);
        self.advance_to(until);
        self.converge();
        // Acknowledgements and parting servers need a moment, and sockets that nobody speaks on are given up.
        let until = self.now.after_ms(40_000);
        self.advance_to(until);
        self.check()?;
        for page in 0..self.pages.len() {
            self.judge(page);
        }
        self.check()
    }

    fn converge(&mut self) {
        let until = self.now.after_ms(HEALED_WITHIN_MS);
        while self.now < until && self.failure.is_none() {
            let next = self.now.after_ms(1_000);
            self.advance_to(next);
            let is_well = |page: &Page| page.state == LinkState::Connected && page.is_settled();
            if self.pages.iter().all(|page| page.failed.is_some() || is_well(page)) {
                return;
            }
        }
    }

    fn judge(&mut self, page: usize) {
        let it = &self.pages[page];
        if let Some(reason) = it.failed {
            return self.fail("C8", format!("page {page} has failed for reason {reason}"));
        }
        if it.state != LinkState::Connected || !it.is_settled() {
            let what = format!(
                "page {page} is {:?} and settled: {} after {HEALED_WITHIN_MS} ms",
                it.state,
                it.is_settled()
            );
            return self.fail("C8", what);
        }
        let id = it.session;
        let servers = self.machines.iter().filter_map(|machine| machine.server.as_ref());
        let holders: Vec<_> =
            servers.filter_map(|server| server.session(id)).filter(|it| it.is_attached()).collect();
        let [session] = holders[..] else {
            let what = format!("session {id} of page {page} is attached at {} servers", holders.len());
            return self.fail("C6", what);
        };
        if self.pages.iter().filter(|other| other.session == id && other.failed.is_none()).count() > 1 {
            return self.fail("C6", format!("two pages share session {id}"));
        }
        let app = session.component();
        if it.client.version(1) != Some(session.version()) || session.unacked().0 > 0 {
            let what = format!(
                "page {page} is at {:?}, the session at {} with {:?} unacknowledged",
                it.client.version(1),
                session.version(),
                session.unacked()
            );
            return self.fail("C8", what);
        }
        let expected = without_values(&MemoryDocument::canonical(&app::disarmed(|| session.page_html())));
        if it.shown() != expected {
            return self.fail("C1", format!("page {page} shows {} and not {expected}", it.shown()));
        }
        // C3: at most once, and in order.
        if !app.journal.is_sorted_by(|a, b| a < b) {
            return self.fail("C3", format!("the journal of session {id} is {:?}", app.journal));
        }
        let handled = |fate| move |deed: &&crate::page::Deed| deed.fate == fate;
        let refused: BTreeSet<_> =
            it.deeds.values().filter(handled(Fate::Refused)).filter_map(|deed| deed.note).collect();
        if let Some(note) = app.journal.iter().find(|note| refused.contains(note)) {
            return self.fail("C3", format!("note {note} was refused and has taken effect"));
        }
        // Exactly once, where the state has survived.
        let known = &self.known[&id];
        let is_whole = !known.is_torn && !self.is_spoiled;
        if is_whole {
            let done: Vec<_> =
                it.deeds.values().filter(handled(Fate::Handled)).filter_map(|deed| deed.note).collect();
            if app.journal != done {
                return self
                    .fail("C3", format!("session {id} has {:?} in its journal, of {done:?}", app.journal));
            }
            let count =
                it.deeds.values().filter(handled(Fate::Handled)).filter(|deed| deed.is_count).count() as u64;
            if app.count % 1_000_000 != count {
                self.fail("C3", format!("session {id} has counted {} of {count}", app.count % 1_000_000));
            }
        }
    }
}

fn it_message(world: &mut World, server: usize, now: Timestamp, socket: usize, frame: &[u8]) {
    if let Some(it) = world.machines[server].server.as_mut() {
        it.message(now, socket, frame);
    }
}
