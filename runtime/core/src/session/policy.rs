//! What becomes of a session when its socket, or its server, is lost.

/// What a session promises. `docs/guarantees.md` has the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Ends with its socket: the page mounts another.
    Remount,
    /// Waits in memory for another socket; ends with its server.
    #[default]
    Resume,
    /// As [`Policy::Resume`], and is stored from time to time: when the socket is lost, when the
    /// server is told to end, and in the rhythm of the cadence.
    Rehydrate(Cadence),
    /// As [`Policy::Resume`], and is stored before anything that has changed is acknowledged or shown.
    Durable,
}

/// How much a server that is killed may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// After so many events.
    pub events: u32,
    /// So many milliseconds after the first change that isn't stored.
    pub ms: u64,
}

impl Default for Cadence {
    /// 20 events or 5 seconds, whichever comes first.
    fn default() -> Self {
        Self { events: 20, ms: 5_000 }
    }
}

impl Policy {
    /// Whether the session is ever stored.
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Rehydrate(_) | Self::Durable)
    }
}
