//! What all measurements come to: each promise beside its figure.
//!
//! - [`Report::read`] takes what is in `bench/results`; a measurement that wasn't made is said to be missing
//! - [`claims`]: the promises
//! - [`page`]: the page with plots

pub mod claims;
pub mod page;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::machine;
use crate::wire::{ClientSize, Cost, client_sizes, costs};

/// The measurements, in the order in which they are made.
pub const PARTS: [&str; 7] = ["server", "growth", "memory", "memory-jemalloc", "load", "browser", "gate"];

/// What all measurements come to.
#[derive(Debug)]
pub struct Report {
    /// Bytes of operations, counted by this very program.
    pub wire: Vec<Cost>,
    /// The client's files.
    pub client: Vec<ClientSize>,
    parts: Vec<(&'static str, Option<Value>)>,
}

/// A promise, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// What is promised, and measured by which command.
    pub what: String,
    /// The measurement.
    pub command: &'static str,
    /// The figure; `None` when it wasn't measured.
    pub figure: Option<f64>,
    /// The limit.
    pub limit: Limit,
    /// The unit of both.
    pub unit: &'static str,
    /// What it is compared with.
    pub beside: String,
}

/// The side of a limit on which a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// No more than this.
    Most(f64),
    /// No less than this.
    Least(f64),
}

impl Claim {
    /// Whether the promise is held, if it was measured.
    pub fn is_held(&self) -> Option<bool> {
        self.figure.map(|figure| match self.limit {
            Limit::Most(most) => figure <= most,
            Limit::Least(least) => figure >= least,
        })
    }

    /// In a word.
    pub fn verdict(&self) -> &'static str {
        match self.is_held() {
            Some(true) => "held",
            Some(false) => "MISSED",
            None => "not measured",
        }
    }

    fn limit_told(&self) -> String {
        match self.limit {
            Limit::Most(most) => format!("≤ {}", number(most)),
            Limit::Least(least) => format!("≥ {}", number(least)),
        }
    }
}

/// With as many digits as mean something.
pub fn number(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 && value.abs() < 1e9 => format!("{value:.0}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

impl Report {
    /// Reads what is there, and counts bytes.
    ///
    /// # Errors
    ///
    /// When a file is no JSON, or the client isn't built; for a person.
    pub fn read() -> Result<Self, String> {
        let mut parts = Vec::new();
        for part in PARTS {
            let path = folder().join(format!("{part}.json"));
            let value = match fs::read_to_string(&path) {
                Ok(text) => Some(
                    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?,
                ),
                Err(_) => None,
            };
            parts.push((part, value));
        }
        Ok(Self { wire: costs(), client: client_sizes()?, parts })
    }

    /// A measurement's file, as far as it was made.
    pub fn part(&self, name: &str) -> Option<&Value> {
        self.parts.iter().find(|(part, _)| *part == name)?.1.as_ref()
    }

    /// The machine and the date of a measurement.
    pub fn machine(&self, part: &str) -> Option<String> {
        let of = self.part(part)?;
        if let Some(environment) = of.get("environment") {
            let told = |key: &str| environment[key].as_str().unwrap_or_default().to_owned();
            return Some(format!("{}, {}, {}", told("machine"), told("chromium"), told("date")));
        }
        Some(of["machine"].as_str()?.to_owned())
    }

    /// As Markdown, for the terminal and `bench/RESULTS.md`.
    pub fn markdown(&self) -> String {
        let mut out =
            String::from("| what | measured | promised | | beside | command |\n|---|---|---|---|---|---|\n");
        let claims = claims::all(self);
        for claim in &claims {
            let figure = claim.figure.map_or("-".to_owned(), number);
            let _ = writeln!(
                out,
                "| {} | {figure} {} | {} | {} | {} | `{}` |",
                claim.what,
                claim.unit,
                claim.limit_told(),
                claim.verdict(),
                claim.beside,
                claim.command,
            );
        }
        let count = |verdict: Option<bool>| claims.iter().filter(|claim| claim.is_held() == verdict).count();
        let _ = writeln!(
            out,
            "\n{} held, {} missed, {} not measured.",
            count(Some(true)),
            count(Some(false)),
            count(None)
        );
        for part in PARTS {
            if let Some(machine) = self.machine(part) {
                let _ = writeln!(out, "- {part}: {machine}");
            }
        }
        out
    }

    /// As JSON: the claims, and each measurement as it was left.
    pub fn json(&self) -> Value {
        let claims: Vec<Value> = claims::all(self)
            .iter()
            .map(|claim| {
                let (side, limit) = match claim.limit {
                    Limit::Most(most) => ("most", most),
                    Limit::Least(least) => ("least", least),
                };
                json!({
                    "what": claim.what, "figure": claim.figure, "unit": claim.unit, side: limit,
                    "verdict": claim.verdict(), "beside": claim.beside, "command": claim.command,
                })
            })
            .collect();
        let wire: Vec<Value> = self
            .wire
            .iter()
            .map(|cost| json!({ "operation": cost.name, "down": cost.down, "up": cost.up }))
            .collect();
        let parts: serde_json::Map<String, Value> = self
            .parts
            .iter()
            .filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)))
            .collect();
        json!({ "machine": machine::describe(), "claims": claims, "wire": wire, "measurements": parts })
    }

    /// The measurements that weren't made.
    pub fn missing(&self) -> Vec<&'static str> {
        self.parts.iter().filter(|(_, value)| value.is_none()).map(|(part, _)| *part).collect()
    }

    /// `bench/RESULTS.md`: every promise with its figure, bytes of operations and sizes of the client.
    pub fn results(&self) -> String {
        let mut out = String::from(
            "# Results\n\nWritten by `make bench`: what is promised of each figure, and what was measured, all in one run. [README.md](README.md) \
             says how to read it. Times are only compared with what ran beside them.\n\n",
        );
        out.push_str(&self.markdown());
        out.push_str("\n## Bytes\n\n| operation | down | compressed | up | framed down / up | frames |\n|---|---|---|---|---|---|\n");
        for cost in &self.wire {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} / {} | {} |",
                cost.name,
                cost.down,
                cost.compressed_down,
                cost.up,
                cost.framed_down,
                cost.framed_up,
                cost.frame_count
            );
        }
        out.push_str("\nDown includes the templates that the page lacked. An up is the event and the acknowledgement of its patch.\n");
        out.push_str("\n| client | raw | gzip | brotli |\n|---|---|---|---|\n");
        for size in &self.client {
            let _ = writeln!(out, "| {} | {} | {} | {} |", size.name, size.raw, size.gzip, size.brotli);
        }
        out
    }

    /// Writes `bench/RESULTS.md`; returns where.
    ///
    /// # Errors
    ///
    /// When it can't be written; for a person.
    pub fn write_results(&self) -> Result<PathBuf, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
        fs::write(&path, self.results()).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// Writes a file beside the measurements; returns where.
    ///
    /// # Errors
    ///
    /// When it can't be written; for a person.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = folder().join(name);
        fs::create_dir_all(folder())
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests;
