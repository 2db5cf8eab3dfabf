//! What the operations of the counter and the rows cost on the wire, from the frames that the
//! session and the client exchange, and how large the client is.
//!
//! Bytes are those of WebSocket messages; `framed` adds the frames' own heads
//! ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)), with the mask that browsers send.

use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use lightspeed::Adapter;
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;
use lightspeed_interpreter::Address;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::{Page, Passed};

/// What is done to a page.
struct Operation {
    name: &'static str,
    /// What is done before, on a fresh page.
    before: &'static [&'static str],
    click: &'static str,
}

const fn operation(name: &'static str, before: &'static [&'static str], click: &'static str) -> Operation {
    Operation { name, before, click }
}

const COUNTER: [Operation; 2] = [
    operation("counter +1, the first", &[], "inc"),
    operation("counter +1, the 1,000th", &["inc 999"], "inc"),
];

const ROWS: [Operation; 10] = [
    operation("create 1,000 rows", &[], "run"),
    operation("replace 1,000 rows", &["run"], "run"),
    operation("append 1,000 to 1,000", &["run"], "add"),
    operation("update every 10th of 1,000", &["run"], "update"),
    operation("select a row", &["run"], "select 5"),
    operation("select another", &["run", "select 5"], "select 6"),
    operation("swap two rows", &["run"], "swaprows"),
    operation("remove the 5th row", &["run"], "remove 5"),
    operation("clear 1,000 rows", &["run"], "clear"),
    operation("create 10,000 rows", &[], "runlots"),
];

/// What an operation costs.
#[derive(Debug, Clone)]
pub struct Cost {
    /// What is done.
    pub name: &'static str,
    /// Bytes to the client, the templates that it lacked among them.
    pub down: usize,
    /// Bytes from the client: the event and the acknowledgement of its patch.
    pub up: usize,
    /// `down` with the heads of the WebSocket's frames.
    pub framed_down: usize,
    /// `up` with the heads of the WebSocket's frames.
    pub framed_up: usize,
    /// Frames in both directions.
    pub frame_count: usize,
    /// `down` as the server's socket sends it to a client that can inflate.
    pub compressed_down: usize,
}

/// What every operation costs.
pub fn costs() -> Vec<Cost> {
    let counter = COUNTER.iter().map(|operation| cost(operation, Page::new(Adapter(Counter::default()))));
    let rows = ROWS.iter().map(|operation| cost(operation, Page::new(Adapter(Rows::default()))));
    counter.chain(rows).collect()
}

fn cost<C: lightspeed::Live>(operation: &Operation, mut page: Page<Adapter<C>>) -> Cost {
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
    let compressed_down = frames
        .iter()
        .filter_map(|frame| if let Passed::Down(bytes) = frame { Some(bytes) } else { None })
        .map(|bytes| lightspeed::__message(bytes).len())
        .sum();
    let (name, frame_count) = (operation.name, frames.len());
    Cost { name, down, up, framed_down, framed_up, frame_count, compressed_down }
}

/// The patches of the operations on rows that a socket would compress.
pub fn large_frames() -> Vec<(&'static str, Vec<u8>)> {
    let mut large = Vec::new();
    for operation in &ROWS {
        let mut page = Page::new(Adapter(Rows::default()));
        for step in operation.before {
            act(&mut page, step);
        }
        let start = page.frames.len();
        act(&mut page, operation.click);
        large.extend(page.frames.drain(start..).filter_map(|frame| match frame {
            Passed::Down(bytes) if lightspeed::__message(&bytes).len() < bytes.len() => {
                Some((operation.name, bytes))
            }
            _ => None,
        }));
    }
    large
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

/// A file of the client, or all of them.
#[derive(Debug, Clone, Default)]
pub struct ClientSize {
    /// The file.
    pub name: String,
    /// Bytes as they are.
    pub raw: usize,
    /// Bytes by gzip.
    pub gzip: usize,
    /// Bytes by brotli.
    pub brotli: usize,
}

/// How large the client's files are; the last says how large those are together that every page loads.
///
/// # Errors
///
/// When one cannot be read; for a person.
pub fn client_sizes() -> Result<Vec<ClientSize>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/server/assets/client");
    let mut sizes = Vec::new();
    let mut all = ClientSize { name: "all".to_owned(), ..ClientSize::default() };
    for name in ["inflate.js", "viewport.js", "why.js", "client.wasm", "client.js"] {
        let path = folder.join(name);
        let raw = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&raw).expect("memory takes it");
        let gzip = gzip.finish().expect("memory takes it").len();
        let mut brotli = Vec::new();
        brotli::CompressorReader::new(&raw[..], 4096, 11, 22)
            .read_to_end(&mut brotli)
            .expect("memory gives it");
        let size = ClientSize { name: name.to_owned(), raw: raw.len(), gzip, brotli: brotli.len() };
        // The others are features, which only pages that need them load.
        if name.starts_with("client.") {
            all.raw += size.raw;
            all.gzip += size.gzip;
            all.brotli += size.brotli;
        }
        sizes.push(size);
    }
    sizes.push(all);
    Ok(sizes)
}
