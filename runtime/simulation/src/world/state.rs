//! What a world is made of.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lightspeed_protocol::Timestamp;

use crate::server::{PendingJoin, Server};
use crate::store::{Record, Stamp};

/// What is known of a session from outside.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Default)]
pub(super) struct Known {
    /// What each version looked like. Two servers may have one each, as long as neither knows of the other, though
    /// under [`Policy::Durable`](lightspeed_core::Policy::Durable) only one of them can show it.
    pub(super) versions: BTreeMap<u64, Vec<String>>,
    /// Its client does as it likes.
    pub(super) is_liars: bool,
    /// Its page was opened in two tabs.
    pub(super) has_copies: bool,
    /// Events of which a server has said that they had no effect.
    pub(super) refused: BTreeSet<u64>,
    /// It may have lost what its policy doesn't promise to keep.
    pub(super) is_torn: bool,
    /// A join that asked for a whole document came by a socket that its page had given up: the page may have
    /// got another document meanwhile, and that one's numbers are gone.
    pub(super) is_joined_late: bool,
}

pub(super) struct Machine {
    pub(super) server: Option<Server>,
    /// Counts its starts.
    pub(super) life: u64,
    /// It is behind a partition: nobody reaches it.
    pub(super) is_unreachable: bool,
}

/// One TCP connection.
#[expect(clippy::struct_excessive_bools, reason = "each end and each fault is a fact of its own")]
pub(super) struct Socket {
    pub(super) page: usize,
    pub(super) server: usize,
    pub(super) life: u64,
    pub(super) up: VecDeque<(Timestamp, Vec<u8>)>,
    pub(super) down: VecDeque<(Timestamp, Vec<u8>)>,
    pub(super) is_server_open: bool,
    pub(super) is_client_open: bool,
    /// What is sent arrives nowhere, and nobody is told.
    pub(super) loses_up: bool,
    pub(super) loses_down: bool,
    /// What is sent waits.
    pub(super) is_stalled: bool,
}

#[derive(Debug)]
pub(super) enum Happening {
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
    },
    Task {
        server: usize,
        life: u64,
        actor: u64,
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
pub(super) struct Writing {
    pub(super) server: usize,
    pub(super) life: u64,
    pub(super) session: u64,
    pub(super) actor: u64,
    pub(super) expected: Option<Stamp>,
    pub(super) record: Record,
    pub(super) generation: u64,
    pub(super) wait_ms: u64,
}

/// Pages, those of strangers and copies among them.
pub(super) const PAGES_MAX: usize = 5;
