//! The session machine against the client machine, and against clients that misbehave.
//!
//! - `events`: what an event does, and which have no effect
//! - `edits`: what a person has changed in fields
//! - `delivery`: what a client is sent, and what it may acknowledge
//! - `revisions`: when a version is made, and which of them are known
//! - `hibernation`: sessions without a tree, beside others
//! - `persistence`: what is stored, and what may be told before
//! - `board`: the component and the client that most of them have
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

mod board;
mod delivery;
mod edits;
mod effects;
mod events;
mod hibernation;
mod persistence;
mod revisions;
