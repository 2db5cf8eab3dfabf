//! What a session takes in memory: a process that serves, one that visits, and what they tell.
//!
//! - [`dioxus`]: the same pages in Dioxus, and its visitors
//! - [`peer`]: a client as small as can be, over anything that carries bytes
//! - [`serving`]: the process that is measured
//! - [`visiting`]: the process that holds the other ends of real sockets
//! - [`worker`]: how the program that measures speaks with both

pub mod dioxus;
pub mod peer;
pub mod serving;
pub mod visiting;
pub mod worker;

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

/// How much a process holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What the system has given it: the resident set, in bytes.
    pub resident: u64,
    /// What it has asked its allocator for and not given back, in bytes.
    pub allocated: u64,
    /// In how many pieces.
    pub pieces: u64,
}

impl Held {
    /// What is held more than `before`, for each of `count`.
    #[expect(clippy::cast_precision_loss, reason = "far less memory than 2^53 bytes")]
    pub fn each(self, before: Self, count: usize) -> Each {
        let each = |now: u64, before: u64| (now as f64 - before as f64) / count.max(1) as f64;
        Each {
            resident: each(self.resident, before.resident),
            allocated: each(self.allocated, before.allocated),
            pieces: each(self.pieces, before.pieces),
        }
    }
}

/// How much one of many takes: what [`Held`] has, in parts of a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as `Held`")]
pub struct Each {
    pub resident: f64,
    pub allocated: f64,
    pub pieces: f64,
}

/// The resident set of this process, in bytes: `Rss` of
/// [`/proc/self/smaps_rollup`](https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html), which is exact.
///
/// # Errors
///
/// Where the system has no such file.
pub fn resident() -> io::Result<u64> {
    resident_of("self")
}

/// The same of another process.
///
/// # Errors
///
/// When there is none.
pub fn resident_of(pid: &str) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB"));
    let kilobytes: Option<u64> = line.and_then(|number| number.trim().parse().ok());
    kilobytes.map(|count| count * 1024).ok_or_else(|| io::Error::other("no Rss is told"))
}
