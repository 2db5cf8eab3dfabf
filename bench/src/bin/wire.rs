//! Prints what the operations of the counter and the rows cost on the wire, from the frames
//! that the session and the client exchange, and how large the client is.
//!
//! Bytes are those of WebSocket messages; `framed` adds the frames' own heads
//! ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)), with the mask that browsers send.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use lightspeed::Adapter;
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;
use lightspeed_interpreter::Address;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::{Page, Passed};

/// What is done to a page, by name.
struct Operation {
    name: &'static str,
    /// What is done before, on a fresh page.
    before: &'static [&'static str],
    click: &'static str,
    down_max: Option<usize>,
    up_max: Option<usize>,
}

/// The budgets of the rows' operations.
const ROWS: [Operation; 9] = [
    Operation { name: "create 1,000 rows", before: &[], click: "run", down_max: Some(28_000), up_max: None },
    Operation {
        name: "append 1,000 to 1,000",
        before: &["run"],
        click: "add",
        down_max: Some(28_000),
        up_max: None,
    },
    Operation {
        name: "update every 10th of 1,000",
        before: &["run"],
        click: "update",
        down_max: Some(1_800),
        up_max: None,
    },
    Operation { name: "select a row", before: &["run"], click: "select 5", down_max: Some(24), up_max: None },
    Operation {
        name: "select another",
        before: &["run", "select 5"],
        click: "select 6",
        down_max: Some(24),
        up_max: None,
    },
    Operation {
        name: "swap two rows",
        before: &["run"],
        click: "swaprows",
        down_max: Some(30),
        up_max: None,
    },
    Operation {
        name: "remove the 5th row",
        before: &["run"],
        click: "remove 5",
        down_max: Some(20),
        up_max: None,
    },
    Operation {
        name: "clear 1,000 rows",
        before: &["run"],
        click: "clear",
        down_max: Some(16),
        up_max: None,
    },
    Operation { name: "create 10,000 rows", before: &[], click: "runlots", down_max: None, up_max: None },
];

const COUNTER: [Operation; 2] = [
    Operation {
        name: "counter +1, the first",
        before: &[],
        click: "inc",
        down_max: Some(16),
        up_max: Some(20),
    },
    Operation {
        name: "counter +1, the 1,000th",
        before: &["inc 999"],
        click: "inc",
        down_max: Some(16),
        up_max: Some(20),
    },
];

/// All of the client, compressed with brotli.
const CLIENT_BYTES_MAX: usize = 20_000;

fn main() -> ExitCode {
    let mut is_within = true;
    println!("| operation | down | budget | up | budget | framed down / up | frames | down, deflated |");
    println!("|---|---|---|---|---|---|---|---|");
    for operation in &COUNTER {
        is_within &= measure(operation, Page::new(Adapter(Counter::default())));
    }
    for operation in &ROWS {
        is_within &= measure(operation, Page::new(Adapter(Rows::default())));
    }
    println!();
    println!(
        "Down includes the templates that the page lacked. An up is the event and the acknowledgement of its patch."
    );
    println!("Deflated is what `permessage-deflate` would make of it; the server doesn't negotiate it.");
    println!();
    is_within &= client(Path::new("client-js/dist"));
    if is_within {
        return ExitCode::SUCCESS;
    }
    eprintln!("wire: over budget");
    ExitCode::FAILURE
}

fn measure<C>(operation: &Operation, mut page: Page<Adapter<C>>) -> bool
where
    C: lightspeed::Live,
{
    for step in operation.before {
        let (step, times) = match step.split_once(' ') {
            Some(("inc", times)) => ("inc", times.parse().unwrap_or(1)),
            _ => (*step, 1),
        };
        for _ in 0..times {
            act(&mut page, step);
        }
    }
    let start = page.frames.len();
    act(&mut page, operation.click);
    let frames = &page.frames[start..];
    let (up, down) = page.bytes_since(start);
    let (framed_up, framed_down) = frames.iter().fold((0, 0), |(up, down), frame| {
        let size = frame.bytes().len();
        let head = match size {
            0..126 => 2,
            126..65_536 => 4,
            _ => 10,
        };
        match frame {
            Passed::Up(_) => (up + size + head + 4, down),
            Passed::Down(_) => (up, down + size + head),
        }
    });
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    for frame in frames {
        if let Passed::Down(bytes) = frame {
            deflate.write_all(bytes).expect("memory takes it");
        }
    }
    let deflated = deflate.finish().expect("memory takes it").len();
    let budget = |max: Option<usize>| max.map_or(String::from("-"), |max| max.to_string());
    println!(
        "| {} | {down} | {} | {up} | {} | {framed_down} / {framed_up} | {} | {deflated} |",
        operation.name,
        budget(operation.down_max),
        budget(operation.up_max),
        frames.len(),
    );
    down <= operation.down_max.unwrap_or(usize::MAX) && up <= operation.up_max.unwrap_or(usize::MAX)
}

/// Clicks, and lets the acknowledgement go out.
fn act<C: lightspeed::Live>(page: &mut Page<Adapter<C>>, step: &str) {
    let at: Address = match step.split_once(' ') {
        Some((what, row)) => {
            let row: usize = row.parse().expect("a row's number");
            let links = page.document.elements("a");
            let link = links[(row - 1) * 2 + usize::from(what == "remove")];
            page.document.place_on(link, EventKind::Click).expect("a link of a row takes clicks")
        }
        None => page.document.place_of(step, EventKind::Click).expect("a button takes clicks"),
    };
    page.event(at, Payload::None);
    page.advance_ms(200);
}

fn client(folder: &Path) -> bool {
    println!("| client | raw | gzip | brotli |\n|---|---|---|---|");
    let mut total = [0; 3];
    for name in ["client.wasm", "client.js"] {
        let path = folder.join(name);
        let raw = match std::fs::read(&path) {
            Ok(raw) => raw,
            Err(error) => {
                eprintln!("wire: {}: {error}; run it in the repository's root", path.display());
                return false;
            }
        };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&raw).expect("memory takes it");
        let gzip = gzip.finish().expect("memory takes it").len();
        let mut brotli = Vec::new();
        brotli::CompressorReader::new(&raw[..], 4096, 11, 22)
            .read_to_end(&mut brotli)
            .expect("memory gives it");
        let sizes = [raw.len(), gzip, brotli.len()];
        println!("| {name} | {} | {} | {} |", sizes[0], sizes[1], sizes[2]);
        for (total, size) in total.iter_mut().zip(sizes) {
            *total += size;
        }
    }
    println!("| all | {} | {} | {} of {CLIENT_BYTES_MAX} |", total[0], total[1], total[2]);
    total[2] <= CLIENT_BYTES_MAX
}
