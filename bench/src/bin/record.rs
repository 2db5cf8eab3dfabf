//! Records the sessions in `examples/sessions`, as text and as files; `examples/tests/replay.rs` and
//! `cli/tests/replay.rs` replay them.
//!
//! Run it when the frames are meant to change, and look at the difference.

use std::any::type_name;
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
    let sessions =
        [("counter", record(Counter::default(), &counter)), ("rows", record(Rows::default(), &rows))];
    for (name, [text, file]) in sessions {
        for (extension, bytes) in [("txt", text), ("lsr", file)] {
            let path = folder.join(name).with_extension(extension);
            if let Err(error) = std::fs::write(&path, bytes) {
                eprintln!("record: {}: {error}; run it in the repository's root", path.display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// A session as text, and as a file.
fn record<C: Live>(component: C, steps: &[&str]) -> [Vec<u8>; 2] {
    let mut page = Page::new(Adapter(component));
    let html = page.html.clone();
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
    let file = recording::file(type_name::<C>(), &html, &page.recording);
    [recording::write(&page.recording).into_bytes(), file]
}
