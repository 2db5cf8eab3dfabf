//! The gallery's program, for measurements that run it as a process of its own.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The gallery's program: the one that `LIGHTSPEED_GALLERY` names, or one that is built now,
/// in the profile of the program that asks.
///
/// # Errors
///
/// When it cannot be built; for a person.
pub fn program() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("LIGHTSPEED_GALLERY") {
        return Ok(named.into());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "-p", "lightspeed-examples", "--bin", "gallery"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    match build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).status() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("the gallery could not be built: cargo ended with {status}")),
        Err(error) => return Err(format!("cargo could not be run to build the gallery: {error}")),
    }
    let own = env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    let built = own.with_file_name("gallery");
    if built.exists() {
        return Ok(built);
    }
    Err(format!("no gallery at {}: name its program by LIGHTSPEED_GALLERY", built.display()))
}
