//! What names a session, and an actor of a session.

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<I> {
    /// The session.
    pub id: I,
    /// The epoch that began when the token was handed out.
    pub epoch: u64,
}

/// Tells an actor from every other actor of its host: a session that comes back from the store has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(pub(super) u64);
