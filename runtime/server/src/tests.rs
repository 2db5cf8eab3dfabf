//! That the parts of this crate use each other as `# Layout` says.

use std::fs;
use std::path::{Path, PathBuf};

/// The parts, each of which uses only those behind it.
const ORDER: [&str; 12] = [
    "routing",
    "runtime",
    "socket",
    "session",
    "component",
    "http",
    "config",
    "recording",
    "storage",
    "operations",
    "id",
    "limits",
];

fn position(part: &str) -> usize {
    ORDER.iter().position(|known| *known == part).unwrap_or_else(|| panic!("{part} is none of the parts"))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(directory).expect("the sources are there").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn the_parts_use_each_other_in_one_direction() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut use_count = 0;
    for path in files(&source) {
        let inside = path.strip_prefix(&source).expect("it is below");
        let part =
            inside.iter().next().and_then(|name| name.to_str()).expect("a name").trim_end_matches(".rs");
        // Tests may use all.
        if part == "lib" || inside.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("it is text");
        for line in text.lines().filter_map(|line| line.strip_prefix("use crate::")) {
            let used = line.split([':', ';']).next().unwrap_or_default();
            let message = format!("{} uses {used}, which is not below {part}", inside.display());
            assert!(used == part || position(used) > position(part), "{message}");
            use_count += 1;
        }
    }
    assert!(use_count > 100, "{use_count} uses are too few to be all");
}
