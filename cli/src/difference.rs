//! What is different when a session runs again.

use std::fmt;

use lightspeed_protocol::Timestamp;
use similar::TextDiff;

use crate::print::{safe, seconds};

/// Where a session that runs again is different for the first time.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The record's number, 0 for the first page.
    pub(crate) record: usize,
    pub(crate) offset: usize,
    pub(crate) at: Timestamp,
    pub(crate) what: &'static str,
    pub(crate) recorded: String,
    pub(crate) said: String,
    pub(crate) is_redacted: bool,
}

impl Difference {
    /// What a person can do about it.
    pub(crate) fn help(&self) -> &'static str {
        if self.is_redacted {
            "the component has changed, or depends on what isn't recorded: time, randomness, values that were redacted"
        } else {
            "the component has changed, or depends on what isn't recorded: time, randomness, a database"
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record, offset, at, what, recorded, said, .. } = self;
        let at = seconds(at.0);
        writeln!(f, "record {record} at byte {offset}, after {at}: {what} is different")?;
        writeln!(f, "recorded:\n{}said now:\n{}difference:", block(recorded), block(said))?;
        let diff = TextDiff::from_lines(recorded.as_str(), said.as_str());
        f.write_str(block(&diff.unified_diff().context_radius(1).to_string()).trim_end())
    }
}

fn block(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  {}\n", safe(line)));
    if text.is_empty() { "  nothing\n".to_owned() } else { lines.collect() }
}

impl std::error::Error for Difference {}
