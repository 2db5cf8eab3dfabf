//! A live session: who has it, its actor, and how it comes back.

pub(crate) mod actor;
pub(crate) mod actors;
pub(crate) mod drain;
pub(crate) mod join;
pub(crate) mod mailbox;
pub(crate) mod mount;
pub(crate) mod outbox;
pub(crate) mod rate_limit;
pub(crate) mod registry;
pub(crate) mod restore;
pub(crate) mod retry;
pub(crate) mod start;
pub(crate) mod supervisor;
pub(crate) mod surroundings;
pub(crate) mod token;
