//! The parts of `specs/` that come from the tables in the code.

use std::fmt::Write as _;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::isa::{Op, Row};
use lightspeed_protocol::limits;
use lightspeed_protocol::recording::Record;
use lightspeed_protocol::template::{EventKind, Namespace, SlotKind};
use lightspeed_testing::vectors::Vector;

/// Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->` in a document.
///
/// # Errors
///
/// When a name has no table, or a mark has no end.
pub fn fill(document: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = document;
    while let Some((before, after)) = rest.split_once("<!-- generated: ") {
        let (name, after) = after.split_once(" -->").ok_or("a mark is not closed")?;
        let (_, after) = after.split_once("<!-- end -->").ok_or_else(|| format!("no end after `{name}`"))?;
        let table = table(name).ok_or_else(|| format!("no table is named `{name}`"))?;
        let _ = write!(out, "{before}<!-- generated: {name} -->\n\n{table}\n<!-- end -->");
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn table(name: &str) -> Option<String> {
    let codes = |rows: Vec<(u32, &str, &str)>| {
        let mut out = String::from("| code | name | meaning |\n|---|---|---|\n");
        for (code, name, meaning) in rows {
            let _ = writeln!(out, "| {code} | `{name}` | {} |", meaning.trim());
        }
        out
    };
    Some(match name {
        "isa" => rows(Op::TABLE),
        "client-frames" => rows(ClientFrame::TABLE),
        "server-frames" => rows(ServerFrame::TABLE),
        "records" => rows(Record::TABLE),
        "slot-kinds" => codes(SlotKind::ALL.iter().map(|it| (it.code(), it.name(), it.meaning())).collect()),
        "namespaces" => codes(Namespace::ALL.iter().map(|it| (it.code(), it.name(), it.meaning())).collect()),
        "events" => codes(EventKind::ALL.iter().map(|it| (it.code(), it.name(), it.meaning())).collect()),
        "close-reasons" => {
            codes(CloseReason::ALL.iter().map(|it| (it.code(), it.name(), it.meaning())).collect())
        }
        "refusals" => {
            codes(RefusalReason::ALL.iter().map(|it| (it.code(), it.name(), it.meaning())).collect())
        }
        "limits" => bounds(),
        _ => return None,
    })
}

fn rows(rows: &[Row]) -> String {
    let mut out = String::from("| code | name | fields | meaning |\n|---|---|---|---|\n");
    for row in rows {
        let fields: Vec<String> = row.fields.iter().map(|(name, kind)| format!("`{name}`: {kind}")).collect();
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | {} |",
            row.code,
            row.name,
            fields.join(", "),
            row.meaning.trim()
        );
    }
    out
}

fn bounds() -> String {
    let rows: &[(&str, u64, &str)] = &[
        ("message from a client that is no event", limits::INBOUND_FRAME_BYTES_MAX as u64, "bytes"),
        ("payload of an event, unless set otherwise", limits::EVENT_BYTES_MAX as u64, "bytes"),
        ("the same, however it is set", limits::EVENT_BYTES_CEILING as u64, "bytes"),
        ("message from a server", limits::OUTBOUND_FRAME_BYTES_MAX as u64, "bytes"),
        ("patches not acknowledged", limits::PATCHES_UNACKED_MAX as u64, "patches"),
        ("the same in bytes", limits::PATCHES_UNACKED_BYTES_MAX as u64, "bytes"),
        ("events not acknowledged", limits::EVENTS_UNACKED_MAX as u64, "events"),
        ("events in a session's inbox", limits::INBOX_EVENTS_MAX as u64, "events"),
        ("sessions on a socket", limits::SESSIONS_PER_SOCKET_MAX as u64, "sessions"),
        ("templates of a page", limits::TEMPLATES_PER_PAGE_MAX as u64, "templates"),
        ("slots of a template", u64::from(limits::TEMPLATE_SLOTS_MAX), "slots"),
        ("steps in a slot's path", u64::from(limits::TEMPLATE_DEPTH_MAX), "steps"),
        ("instances within instances", limits::INSTANCE_DEPTH_MAX as u64, "levels"),
        ("instances of a document", limits::INSTANCES_MAX as u64, "instances"),
        ("heartbeat of an idle client", limits::HEARTBEAT_MS, "ms"),
        ("silence that ends a socket", limits::SILENCE_MS_MAX, "ms"),
        ("wait of an acknowledgement", limits::ACK_DELAY_MS, "ms"),
        ("bound of the first reconnect", limits::RECONNECT_MS_MIN, "ms"),
        ("bound of every reconnect", limits::RECONNECT_MS_MAX, "ms"),
    ];
    let mut out = String::from("| what | at most | unit |\n|---|---|---|\n");
    for (what, bound, unit) in rows {
        let _ = writeln!(out, "| {what} | {bound} | {unit} |");
    }
    out
}

/// The vectors as frames, for clients that read JSON: the bytes in hexadecimal.
pub fn vectors_json(vectors: &[Vector]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let entries: Vec<String> = vectors
        .iter()
        .map(|vector| {
            let templates: Vec<String> = vector.templates.iter().map(|frame| quote(&hex(frame))).collect();
            let steps: Vec<String> = vector
                .steps
                .iter()
                .map(|step| {
                    format!(
                        "    {{\"program\": {}, \"is_valid\": {}, \"document\": {}}}",
                        quote(&hex(&step.program)),
                        step.invalid.is_none(),
                        quote(&step.document)
                    )
                })
                .collect();
            format!(
                "  {{\n   \"name\": {},\n   \"page\": {},\n   \"templates\": [{}],\n   \"steps\": [\n{}\n   ]\n  }}",
                quote(&vector.name),
                quote(&vector.page),
                templates.join(", "),
                steps.join(",\n")
            )
        })
        .collect();
    format!("[\n{}\n]\n", entries.join(",\n"))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
