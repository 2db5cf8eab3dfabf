//! A live session: who has it, its actor, and how it comes back.

pub(crate) mod actor;
pub(crate) mod drain;
pub(crate) mod mailbox;
pub(crate) mod outbox;
pub(crate) mod rate_limit;
pub(crate) mod registry;
pub(crate) mod restore;
pub(crate) mod supervisor;
pub(crate) mod token;
