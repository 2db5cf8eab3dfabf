//! What authors write, and what `html!` makes of it: handlers, splices, memoized parts and streams.
//!
//! # Layout
//!
//! - [`handler`]: how an event becomes a typed message
//! - [`splice`]: what can stand in a splice or an attribute
//! - `map`: HTML whose messages are others than those around it
//! - [`memo`]: parts that are rendered again only when their dependencies have changed
//! - [`stream`]: lists whose rows the server doesn't keep

pub mod handler;
mod map;
pub mod memo;
pub mod splice;
pub mod stream;
