//! Who has a session: the decisions of a host, without I/O.
//!
//! A host is what keeps sessions in memory: the server, and the simulation, which runs the same decisions. It has
//! locks, timers, actors and a store; what it does with them is decided here. Commands go in (`reserve`, `enter`,
//! `join`, `detach`), with the time as an argument; decisions come out as values.
//!
//! # Layout
//!
//! - [`lease`]: the epochs of a session, and which tokens still count
//! - [`registry`]: the sessions in memory, who waits for a socket, who makes room, what a join finds
//! - [`claim`]: what a join may do with what the store says, and what a conflict means
//! - [`parting`]: what is stored of a session that is let go of
//! - `token`: what names a session and an actor
//! - `waiting`: the order in which sessions expire and make room
//! - `owners`: the same for each address and each identity, with counts
//! - [`drain`]: which sessions are suspended next when a host ends
//! - [`admission`]: connections and sockets, in all and for each address
//!
//! # The states of a session in memory
//!
//! ```text
//!            enter              join                       expire, make room, drain
//! reserved ────────▶ unattached ─────▶ attached ────┐     (never while attached)
//!     │                  │                ▲         │ detach
//!     │ release          │                │ join    ▼
//!     ▼                  │                └────── parked
//!  (nothing)             ▼                          │
//!                      gone ◀───────────────────────┘
//!                        │
//!                        │ a join that finds nothing
//!                        ▼
//!           load ─▶ claim: a conditional write ─▶ enter ─▶ join
//! ```
//!
//! A host that ends suspends attached sessions as well. A join with a token of a newer epoch than the session's
//! removes the session, whatever its state: another host has taken it over.
//!
//! # Invariants
//!
//! - A session is found in the order of waiting sessions exactly while no socket holds it.
//! - A session that a socket holds never expires and never makes room.
//! - A token that was replaced attaches to nothing and claims nothing.
//! - A session from the store begins after a write that names the write it replaces, and not before.
//! - Nothing is entered after the host has begun to end.

pub mod admission;
pub mod claim;
pub mod drain;
pub mod lease;
mod owners;
pub mod parting;
pub mod registry;
mod token;
mod waiting;
