//! Writes what derives from the tables in the code: the generated parts of `specs/` (tables in the documents,
//! vectors as frames), and the codes that the browser client's JavaScript shares with them.

use std::path::Path;
use std::process::ExitCode;

use lightspeed_bench::specification::{client_files, fill, vectors_json};
use lightspeed_testing::vectors;

fn main() -> ExitCode {
    match generate(Path::new("specs"), Path::new("client-js/src/core")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn generate(specs: &Path, client: &Path) -> Result<(), String> {
    for (name, text) in client_files() {
        write(&client.join(name), &text)?;
    }
    for name in ["protocol.md", "isa.md", "session.md", "recording.md"] {
        let path = specs.join(name);
        let document = read(&path)?;
        write(&path, &fill(&document).map_err(|error| format!("{}: {error}", path.display()))?)?;
    }
    let folder = specs.join("vectors");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let mut all = Vec::new();
    for path in files {
        all.extend(vectors::parse(&read(&path)?));
    }
    write(&folder.join("frames.json"), &vectors_json(&all))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {error}; run it in the repository's root", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
