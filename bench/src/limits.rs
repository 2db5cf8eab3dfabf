//! What no figure that doesn't drift may exceed: `bench/limits.toml`, each limit with its reason beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// By group and name.
#[derive(Debug, Clone)]
pub struct Limits(BTreeMap<String, BTreeMap<String, f64>>);

/// A measured figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The table of the file that it belongs to.
    pub group: &'static str,
    /// Its name there.
    pub name: String,
    /// What was measured.
    pub value: f64,
}

impl Figure {
    /// A figure that is counted.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn count(group: &'static str, name: impl Into<String>, value: u64) -> Self {
        Self { group, name: name.into(), value: value as f64 }
    }
}

/// A figure beside its limit.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The figure.
    pub figure: Figure,
    /// Its limit, if it has one.
    pub max: Option<f64>,
}

impl Verdict {
    /// Whether the figure is within a limit that is there.
    pub fn is_within(&self) -> bool {
        self.max.is_some_and(|max| self.figure.value <= max)
    }
}

impl Limits {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it is not there or not what it should be; for a person.
    pub fn read() -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("limits.toml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map(Self).map_err(|error| error.to_string())
    }

    /// The limit of a figure.
    pub fn get(&self, group: &str, name: &str) -> Option<f64> {
        self.0.get(group)?.get(name).copied()
    }

    /// Whether a figure is within its limit or has none.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn allow(&self, group: &str, name: &str, value: usize) -> bool {
        self.get(group, name).is_none_or(|max| value as f64 <= max)
    }

    /// Each figure beside its limit.
    pub fn judge(&self, figures: Vec<Figure>) -> Vec<Verdict> {
        let verdict = |figure: Figure| Verdict { max: self.get(figure.group, &figure.name), figure };
        figures.into_iter().map(verdict).collect()
    }

    /// Limits that no figure was measured for, as `[group] name`.
    pub fn unused(&self, verdicts: &[Verdict]) -> Vec<String> {
        let is_used = |group: &str, name: &str| {
            verdicts.iter().any(|verdict| verdict.figure.group == group && verdict.figure.name == name)
        };
        let limits = self
            .0
            .iter()
            .flat_map(|(group, names)| names.keys().map(move |name| (group.as_str(), name.as_str())));
        limits
            .filter(|(group, name)| !is_used(group, name))
            .map(|(group, name)| format!("[{group}] {name}"))
            .collect()
    }
}

#[cfg(test)]
mod tests;
