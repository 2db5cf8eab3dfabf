//! A session as text: what the server heard, what it said, and when.
//!
//! ```text
//! 0 > 9400010064..   milliseconds, from the client, the frame in hexadecimal
//! 0 < 9500..         from the server
//! 250 !              the socket is lost
//! ```
//!
//! Text behind `#` is for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::{Component, Input, Join, Output, Session};
use lightspeed_interpreter::MemoryDocument;
use lightspeed_interpreter::recording::Follower;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::{Raw, Writer};
use lightspeed_protocol::recording::{FORMAT_VERSION, MAGIC, Record, write_templates};
use lightspeed_protocol::{PROTOCOL_VERSION, Timestamp};
use lightspeed_test::welcome;

pub use lightspeed_test::{Happened, Recording};

/// A recording as text.
pub fn write(recording: &Recording) -> String {
    let mut out = String::new();
    for (now, happened) in recording {
        let _ = match happened {
            Happened::Up(bytes) => {
                let frame = ClientFrame::decode(bytes);
                let shown = frame
                    .map_or_else(|error| error.to_string(), |(session, frame)| format!("{session}: {frame}"));
                writeln!(out, "{} > {} # {shown}", now.0, hex(bytes))
            }
            Happened::Down(bytes) => {
                let frame = ServerFrame::decode(bytes);
                let mut shown = frame
                    .map_or_else(|error| error.to_string(), |(session, frame)| format!("{session}: {frame}"));
                if shown.chars().count() > 200 {
                    shown = shown.chars().take(200).chain("..".chars()).collect();
                }
                writeln!(out, "{} < {} # {shown}", now.0, hex(bytes))
            }
            Happened::Cut => writeln!(out, "{} !", now.0),
        };
    }
    out
}

/// Reads what [`write()`] writes.
///
/// # Errors
///
/// With the number of the line that isn't of that form.
pub fn read(text: &str) -> Result<Recording, String> {
    let mut recording = Recording::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let happened = parse(line)
            .ok_or_else(|| format!("line {number}: expected `TIME > BYTES`, `TIME < BYTES` or `TIME !`"))?;
        recording.push(happened);
    }
    Ok(recording)
}

fn parse(line: &str) -> Option<(Timestamp, Happened)> {
    let mut words = line.split(' ');
    let now = Timestamp(words.next()?.parse().ok()?);
    let direction = words.next()?;
    if direction == "!" {
        return Some((now, Happened::Cut));
    }
    let digits = words.next()?;
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    let bytes = bytes.collect::<Option<Vec<u8>>>()?;
    match direction {
        ">" => Some((now, Happened::Up(bytes))),
        "<" => Some((now, Happened::Down(bytes))),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A recording as a file of `specs/recording.md`, of a session that began with the page `html`.
///
/// # Panics
///
/// When a frame is malformed or larger than a record may be.
pub fn file(component: &str, html: &str, recording: &Recording) -> Vec<u8> {
    let start = Record::Start {
        format: FORMAT_VERSION,
        protocol: PROTOCOL_VERSION,
        build: "test",
        component,
        seed: 0,
        started: "",
        html,
        state: None,
        is_redacted: false,
        is_stored: false,
    };
    let mut file = MAGIC.to_vec();
    let mut push = |at, record: Record<'_>| file.extend(record.encode(at).expect("a small recording"));
    push(Timestamp(0), start);
    // Whether the file has a template's HTML, and what stands before the next frame.
    let mut known = BTreeMap::new();
    let mut templates = Vec::new();
    for (at, happened) in recording {
        match happened {
            Happened::Cut => push(*at, Record::Detach {}),
            Happened::Up(frame) => match ClientFrame::decode(frame).expect("a client's frame") {
                (_, ClientFrame::Hello { .. } | ClientFrame::Ping {}) => {}
                (session, ClientFrame::Join { mode, applied, .. }) => {
                    push(*at, Record::Join { session, mode, applied, settled: 0 });
                }
                _ => push(*at, Record::Client { frame }),
            },
            Happened::Down(frame) => match ServerFrame::decode(frame).expect("a server's frame") {
                (_, ServerFrame::Template { fingerprint, html, .. }) => {
                    // A page that comes back is told again of templates that the file has.
                    let is_known =
                        known.get(&fingerprint).is_some_and(|has_html| *has_html || html.is_none());
                    if !is_known {
                        known.insert(fingerprint, html.is_some());
                        templates.push(frame.clone());
                    }
                }
                (0, _) => {}
                (_, ServerFrame::Close { reason, .. }) => push(*at, Record::Closed { reason }),
                _ => {
                    let mut definitions = Writer::new();
                    write_templates(&core::mem::take(&mut templates), &mut definitions);
                    let frame = without_token(frame);
                    push(*at, Record::Server { templates: Raw::new(definitions.as_bytes()), frame: &frame });
                }
            },
        }
    }
    file
}

/// Tokens are in no recording.
fn without_token(frame: &[u8]) -> Vec<u8> {
    match ServerFrame::decode(frame) {
        Ok((session, ServerFrame::Joined { ack, .. })) => {
            ServerFrame::Joined { ack, token: "" }.encode(session)
        }
        _ => frame.to_vec(),
    }
}

/// Runs `component` on what the client said in a recording and compares what the server says
/// with what it said then, byte for byte. After each frame that changes the document, the
/// document of an interpreter is compared with the render.
///
/// Returns how many frames of the server were compared.
///
/// # Errors
///
/// At the first difference, with its place in the recording.
pub fn replay<C: Component>(component: C, recording: &Recording) -> Result<usize, String> {
    let mut session = Session::new(component);
    let mut sent_templates = SentTemplates::default();
    let mut client = Follower::new(&session.page_html());
    let mut said: std::collections::VecDeque<Vec<u8>> = std::collections::VecDeque::new();
    let mut count = 0;
    for (index, (now, happened)) in recording.iter().enumerate() {
        let at = |what: &str| format!("entry {}: {what}", index + 1);
        match happened {
            Happened::Down(expected) => {
                let frame = said.pop_front().ok_or_else(|| at("the server said nothing more"))?;
                if frame != *expected {
                    return Err(at(&format!("the server said {} and not {}", hex(&frame), hex(expected))));
                }
                client.handle_frame(&frame).map_err(|error| at(&error.to_string()))?;
                if said.is_empty() && client.version() == session.version() {
                    let rendered = MemoryDocument::canonical(&session.whole_html());
                    if client.document().to_html() != rendered {
                        return Err(at("the document is not the server's render"));
                    }
                }
                count += 1;
                continue;
            }
            _ if !said.is_empty() => return Err(at("the server said more")),
            Happened::Cut => session.handle_input(*now, Input::Detach),
            Happened::Up(bytes) => {
                let (number, frame) = ClientFrame::decode(bytes).map_err(|error| at(&error.to_string()))?;
                match frame {
                    ClientFrame::Hello { templates, .. } => {
                        let mut known = templates.reader();
                        let count = known.array().map_err(|error| at(&error.to_string()))?;
                        sent_templates = SentTemplates::new((0..count).filter_map(|_| known.uint32().ok()));
                        said.push_back(welcome());
                    }
                    ClientFrame::Ping {} => said.push_back(ServerFrame::Pong {}.encode(0)),
                    ClientFrame::Join { token, mode, applied, settled } => {
                        let mode = JoinMode::from_code(mode).ok_or_else(|| at("no such mode"))?;
                        let join = Join { session: number, mode, applied, settled, token, is_latest: true };
                        session.handle_input(*now, Input::Join(join));
                    }
                    frame => session.handle_input(*now, Input::Frame(frame)),
                }
            }
        }
        while let Some(output) = session.poll_output() {
            if let Output::Transmit(transmission) = output {
                said.extend(sent_templates.announce(&transmission.templates));
                said.push_back(transmission.frame);
            }
        }
    }
    if said.is_empty() { Ok(count) } else { Err(String::from("the server said more after the end")) }
}
