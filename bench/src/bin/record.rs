//! Records the sessions in `examples/sessions`; `examples/tests/replay.rs` replays them.
//!
//! Run it when the frames are meant to change, and look at the difference.

use std::path::Path;
use std::process::ExitCode;

use lightspeed::{Adapter, Live};
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::{Page, recording};

fn main() -> ExitCode {
    let folder = Path::new("examples/sessions");
    let counter = ["inc", "inc", "dec", "cut", "inc", "wait", "inc"];
    let rows = [
        "run",
        "select 5",
        "select 900",
        "update",
        "swaprows",
        "remove 5",
        "cut",
        "remove 7",
        "select 3",
        "wait",
        "add",
        "clear",
        "run",
    ];
    let sessions = [
        ("counter.txt", record(Page::new(Adapter(Counter::default())), &counter)),
        ("rows.txt", record(Page::new(Adapter(Rows::default())), &rows)),
    ];
    for (name, text) in sessions {
        let path = folder.join(name);
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("record: {}: {error}; run it in the repository's root", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn record<C: Live>(mut page: Page<Adapter<C>>, steps: &[&str]) -> String {
    for step in steps {
        if *step == "cut" {
            // No time passes: the next step happens offline.
            page.cut();
            continue;
        }
        match step.split_once(' ') {
            _ if *step == "wait" => page.advance_ms(5_000),
            Some((what, row)) => {
                let row: usize = row.parse().expect("a row's number");
                let link = page.document.elements("a")[(row - 1) * 2 + usize::from(what == "remove")];
                let at = page.document.place_on(link, EventKind::Click);
                page.event(at.expect("a link of a row takes clicks"), Payload::None);
            }
            None => page.click(step),
        }
        page.advance_ms(200);
    }
    recording::write(&page.recording)
}
