//! A page's socket: from the upgrade to its end.
//!
//! One task reads and writes. The reader routes frames to sessions ([`reader`]), which put
//! theirs into the socket's [`outbox`](crate::session::outbox); the [`writer`] empties it, and compresses what is
//! large ([`deflate`]).
//!
//! Where several things may be ready, they are looked at in a fixed order and not in tokio's random one, so that
//! a simulation's seed decides everything. The reader comes last and cannot starve: sessions have
//! no more to write until the acknowledgements come that it reads.

pub(crate) mod deflate;
mod fault;
mod head;
mod open;
mod origin;
mod reader;
pub(crate) mod sockets;
mod status;
pub(crate) mod upgrade;
mod writer;
