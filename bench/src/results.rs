//! What a measurement leaves behind for a program: `bench/results/NAME.json`, which git ignores.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::machine;

/// Writes `figures` with the machine and the date; returns where.
///
/// # Errors
///
/// When it cannot be written; for a person.
pub fn write(name: &str, figures: &Value) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    let path = folder.join(format!("{name}.json"));
    let text = json!({ "machine": machine::describe(), "figures": figures });
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, format!("{text:#}\n")))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
