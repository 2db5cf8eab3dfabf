//! Pages under load: what they are, and what an event's round trip is with each.
//!
//! - [`page`]: pages over real sockets, with a document and without one, and a bare echo's
//! - [`serve`]: the servers that they load, as processes
//! - [`drive`]: how they click: as soon as they can, or at a rate

pub mod drive;
pub mod page;
pub mod serve;
