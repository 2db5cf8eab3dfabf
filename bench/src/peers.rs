//! Rivals that are measured beside: each is a workspace of its own in `bench/peers`, built when it is needed.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The version of Dioxus that the workspaces in `bench/peers` name.
pub const DIOXUS_VERSION: &str = "0.7.10";

/// Builds `bench/peers/FOLDER` with these features; the path of its `program`.
///
/// # Errors
///
/// When it can't be built; for a person.
pub fn build(folder: &str, program: &str, features: &[&str]) -> Result<PathBuf, String> {
    let manifest =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/peers")).join(folder).join("Cargo.toml");
    // Apart from this workspace's builds, so that neither makes the other anew.
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")), PathBuf::from)
        .join("peers");
    eprintln!("building Dioxus {DIOXUS_VERSION}, which takes minutes for the first time");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--features")
        .arg(features.join(","))
        .arg("--target-dir")
        .arg(&target)
        .status();
    match built {
        Ok(status) if status.success() => Ok(target.join("release").join(program)),
        Ok(status) => Err(format!("Dioxus could not be built ({status}); go on without it by --no-dioxus")),
        Err(error) => Err(format!("cargo could not be run: {error}")),
    }
}
