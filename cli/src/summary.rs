//! What is in a recording, on one screen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::recording::Record;

use crate::file::RecordingFile;
use crate::print::{count, safe, seconds, thousands};

/// How many, and their bytes.
#[derive(Default, Clone, Copy)]
struct Tally {
    count: usize,
    byte_count: usize,
}

impl Tally {
    fn add(&mut self, byte_count: usize) {
        self.count += 1;
        self.byte_count += byte_count;
    }
}

#[derive(Default)]
struct Totals {
    /// By the kind of record and, for frames, of frame.
    kinds: BTreeMap<(u32, &'static str), (&'static str, Tally)>,
    up: Tally,
    down: Tally,
    templates: Tally,
    events: BTreeSet<u64>,
    refused: usize,
    joins: usize,
    restarts: usize,
}

impl Totals {
    fn of(file: &RecordingFile<'_>) -> Self {
        let mut totals = Self::default();
        for (_, entry) in file.entries() {
            totals.add(&entry.record, entry.byte_count);
        }
        totals
    }

    fn add(&mut self, record: &Record<'_>, byte_count: usize) {
        let mut frame_name = "";
        match *record {
            Record::Client { frame } => {
                self.up.add(frame.len());
                let decoded = ClientFrame::decode(frame).map(|(_, frame)| frame);
                frame_name = decoded.map_or("malformed", |frame| frame.name());
                if let Ok(ClientFrame::Event { seq, .. }) = decoded {
                    self.events.insert(seq);
                }
            }
            Record::Server { templates, frame } => {
                self.down.add(frame.len());
                for definition in Record::template_frames(templates).flatten() {
                    self.templates.add(definition.len());
                }
                let decoded = ServerFrame::decode(frame).map(|(_, frame)| frame);
                frame_name = decoded.map_or("malformed", |frame| frame.name());
                self.refused += usize::from(matches!(decoded, Ok(ServerFrame::Refused { .. })));
            }
            Record::Join { .. } => self.joins += 1,
            Record::Restart { .. } => self.restarts += 1,
            _ => {}
        }
        let row = self.kinds.entry((record.code(), frame_name)).or_default();
        row.0 = record.name();
        row.1.add(byte_count);
    }
}

/// Writes the summary.
pub(crate) fn write(file: &RecordingFile<'_>, out: &mut dyn Write) -> io::Result<()> {
    let totals = Totals::of(file);
    let start = file.recording.start;
    let duration = file.recording.entries.last().map_or(0, |entry| entry.at.0);
    let last_version = file.versions().last().copied().unwrap_or(0);
    let mut line = |name: &str, text: &str| writeln!(out, "{name:<10} {}", safe(text));
    line("recording", &format!("{}, {} bytes", file.path.display(), thousands(file.byte_count)))?;
    line("component", start.component)?;
    line("build", &format!("{}, protocol {}", start.build, start.protocol))?;
    line("started", if start.started.is_empty() { "not known" } else { start.started })?;
    line("duration", &seconds(duration))?;
    line("page", &format!("{} bytes of HTML{}", thousands(start.html.len()), state_text(start.state)))?;
    line("versions", &format!("0 to {last_version}"))?;
    line("events", &format!("{}, {} refused", thousands(totals.events.len()), thousands(totals.refused)))?;
    line("joins", &totals.joins.to_string())?;
    line("restarts", &totals.restarts.to_string())?;
    let frames = |tally: Tally| {
        format!("{}, {} bytes", count(tally.count, "frame", "frames"), thousands(tally.byte_count))
    };
    line("up", &frames(totals.up))?;
    let definitions = count(totals.templates.count, "template", "templates");
    let definitions = format!("{definitions}, {} bytes", thousands(totals.templates.byte_count));
    line("down", &format!("{}; {definitions}", frames(totals.down)))?;
    line("redacted", if start.is_redacted { "yes: secret fields are replaced by *" } else { "no" })?;
    line("end", &end(file))?;

    writeln!(out, "\n{:<10} {:<10} {:>9} {:>13}", "record", "frame", "count", "bytes")?;
    for ((_, frame), (name, tally)) in &totals.kinds {
        let (count, byte_count) = (thousands(tally.count), thousands(tally.byte_count));
        writeln!(out, "{name:<10} {frame:<10} {count:>9} {byte_count:>13}")?;
    }
    Ok(())
}

fn state_text(state: Option<&[u8]>) -> String {
    state.map_or_else(String::new, |state| format!(", state of {} bytes", thousands(state.len())))
}

/// How the recording ends.
pub(crate) fn end(file: &RecordingFile<'_>) -> String {
    match file.recording.entries.last().map(|entry| entry.record) {
        _ if file.recording.cut.is_some() => "cut: the file ends within a record".to_owned(),
        Some(Record::Closed { reason }) => match CloseReason::from_code(reason) {
            Some(reason) => format!("{}: {}", reason.name(), reason.meaning().trim()),
            None => format!("closed for reason {reason}"),
        },
        Some(Record::Truncated {}) => "truncated: a bound was reached, and the session went on".to_owned(),
        _ => "open: the session had not ended".to_owned(),
    }
}
