//! Lightspeed's examples. Each is a file to read and to copy from; `make demo` serves them all.
//!
//! - [`counter`]: the smallest component
//! - [`contacts`]: forms, validation, a database, search as you type
//! - [`rows`]: long lists
//! - [`chat`]: a room for all who open the page; a stream
//! - [`embed`]: live components in an application that is there already
//! - [`mishap`]: components that panic
//! - [`viewport`]: a hundred thousand rows
//! - [`layout`]: the pages around them
//! - [`gallery`]: the program that serves them

pub mod chat;
pub mod contacts;
pub mod counter;
pub mod embed;
pub mod gallery;
pub mod layout;
pub mod mishap;
pub mod rows;
pub mod viewport;

/// The README's example, compiled as one of these.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
