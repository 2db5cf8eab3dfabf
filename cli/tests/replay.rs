//! The command as people run it, and sessions that run again.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ended};
use std::sync::{Arc, Mutex};

use lightspeed::recorder::{Recorder, Recordings, Start};
use lightspeed::{Adapter, Context, Form, Html, Live, MountError, html};
use lightspeed_cli::Cli;
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::{Input, Join, Output, Session};
use lightspeed_interpreter::recording::{Follower, Recording};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::recording::{MAGIC, Record};
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::{Page, recording};

/// The sessions that are kept beside the examples.
fn session(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/sessions").join(name)
}

fn lightspeed(arguments: &[&str], file: &Path) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightspeed"));
    command.arg("replay").arg(file).args(arguments).env("NO_COLOR", "1");
    command.output().unwrap()
}

#[track_caller]
fn check(arguments: &[&str], file: &Path, expected: &str) {
    let output = lightspeed(arguments, file);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

/// What it says of a file that is wrong: each of `expected` is in it.
#[track_caller]
fn check_error(arguments: &[&str], file: &Path, expected: &[&str]) {
    let output = lightspeed(arguments, file);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    // A report is wrapped to the terminal's width.
    let words = |text: &str| text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in expected {
        assert!(words(&said).contains(&words(part)), "{part:?} is not in:\n{said}");
    }
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("session.lsr");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

#[test]
fn a_summary_tells_what_is_in_it() {
    let output = lightspeed(&[], &session("counter.lsr"));
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    for line in [
        "component  lightspeed_examples::counter::Counter\n",
        "duration   6.050 s\n",
        "versions   0 to 5\n",
        "events     5, 0 refused\n",
        "joins      2\n",
        "end        open: the session had not ended\n",
        "server     patch              5 ",
    ] {
        assert!(said.contains(line), "{line:?} is not in:\n{said}");
    }
}

#[test]
fn a_version_is_printed_as_it_was_shown() {
    let expected = "\
<div class=\"counter\">
  <button aria-label=\"Decrease\" id=\"dec\" type=\"button\">−</button>
  <output for=\"dec inc\" id=\"count\">2</output>
  <button aria-label=\"Increase\" id=\"inc\" type=\"button\">+</button>
</div>
";
    check(&["--at", "2"], &session("counter.lsr"), expected);
    check(&["--at", "0"], &session("counter.lsr"), &expected.replace(">2<", ">0<"));
    let help = ["there is no version 6: the recording has versions up to 5", "ask for one of these"];
    check_error(&["--at", "6"], &session("counter.lsr"), &help);
}

#[test]
fn two_versions_are_compared() {
    let expected = "\
--- version 1
+++ version 2
@@ -1,5 +1,5 @@
 <div class=\"counter\">
   <button aria-label=\"Decrease\" id=\"dec\" type=\"button\">−</button>
-  <output for=\"dec inc\" id=\"count\">1</output>
+  <output for=\"dec inc\" id=\"count\">2</output>
   <button aria-label=\"Increase\" id=\"inc\" type=\"button\">+</button>
 </div>
";
    check(&["--diff", "1", "2"], &session("counter.lsr"), expected);
    check(&["--diff", "1", "3"], &session("counter.lsr"), "Versions 1 and 3 look the same.\n");
}

#[test]
fn the_examples_run_the_same_way_again() {
    check(&["--verify"], &session("counter.lsr"), "The session runs the same way: 21 records, 8 frames.\n");
    check(&["--verify"], &session("rows.lsr"), "The session runs the same way: 39 records, 14 frames.\n");
    // The wire has got an instruction since, which this one doesn't use.
    let older = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/counter-of-protocol-3.lsr");
    check(&["--verify"], &older, "The session runs the same way: 21 records, 8 frames.\n");
}

#[test]
fn a_file_that_is_none_is_refused_with_a_mend() {
    let folder = Folder::new();
    let missing = folder.0.path().join("missing.lsr");
    check_error(&[], &missing, &["missing.lsr cannot be read", "name a file that a server"]);
    check_error(&[], &folder.file(b"<p>"), &["expected the magic of a recording at byte 0", "ends in .lsr"]);
    check_error(&[], &folder.file(b""), &["expected the magic of a recording at byte 0"]);
    let text = std::fs::read(session("counter.lsr")).unwrap();
    let text = [&text[..4], &text[5..]].concat();
    check_error(&[], &folder.file(&text), &["at byte 4", "transferred as text"]);
    let other =
        Command::new(env!("CARGO_BIN_EXE_lightspeed")).args(["replay", "--sideways"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "arguments are of another kind");
}

#[test]
fn a_file_is_read_up_to_where_it_is_cut() {
    let folder = Folder::new();
    let bytes = std::fs::read(session("counter.lsr")).unwrap();
    let whole = Recording::read(&bytes).unwrap();
    let last = whole.entries.last().unwrap();
    let path = folder.file(&bytes[..bytes.len() - 1]);
    let output = lightspeed(&["--verify"], &path);
    assert_eq!(output.status.code(), Some(0));
    let left = last.byte_count - 1;
    let expected = format!(
        "The file is cut: it is read up to byte {}, its last {left} bytes are no whole record.\n",
        last.offset
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    assert!(String::from_utf8(output.stdout).unwrap().contains("20 records"));
}

#[test]
fn a_byte_that_was_changed_in_any_record_is_found() {
    let folder = Folder::new();
    let bytes = std::fs::read(session("counter.lsr")).unwrap();
    let whole = Recording::read(&bytes).unwrap();
    for kind in ["join", "client", "server", "detach"] {
        let entry = whole.entries.iter().find(|entry| entry.record.name() == kind).unwrap();
        let mut changed = bytes.clone();
        changed[entry.offset + entry.byte_count - 1] ^= 1;
        let place = format!("expected the checksum of the record at byte {}", entry.offset);
        let mend = format!("keep its first {} bytes", entry.offset);
        check_error(&["--verify"], &folder.file(&changed), &[&place, &mend]);
    }
}

#[test]
fn the_first_difference_is_shown_with_both_frames() {
    let folder = Folder::new();
    let bytes = std::fs::read(session("counter.lsr")).unwrap();
    let mut entries = Recording::read(&bytes).unwrap();
    // What said 3 then shall have said 7.
    let index = entries.entries.iter().rposition(|entry| entry.record.name() == "server").unwrap();
    let Record::Server { templates, frame } = entries.entries[index].record else { unreachable!() };
    let mut frame = frame.to_vec();
    *frame.last_mut().unwrap() ^= 4;
    entries.entries[index].record = Record::Server { templates, frame: &frame };
    let offset = entries.entries[index].offset;
    let record =
        format!("record {} at byte {offset}, after 6.000 s: the server's frame is different", index + 1);
    let recorded = "recorded: 1: patch 5 5 text 1 1 7";
    let said = "said now: 1: patch 5 5 text 1 1 3";
    let path = folder.file(&write(&entries));
    check_error(&["--verify"], &path, &[&record, recorded, said, "the component has changed"]);
}

/// A recording's bytes.
fn write(recording: &Recording<'_>) -> Vec<u8> {
    let start = recording.start;
    let start = Record::Start {
        format: 1,
        protocol: start.protocol,
        build: start.build,
        component: start.component,
        seed: start.seed,
        started: start.started,
        html: start.html,
        state: start.state,
        is_redacted: start.is_redacted,
        is_stored: start.is_stored,
    };
    let mut bytes = MAGIC.to_vec();
    bytes.extend(start.encode(Timestamp(0)).unwrap());
    for entry in &recording.entries {
        bytes.extend(entry.record.encode(entry.at).unwrap());
    }
    bytes
}

/// An address book without a database.
#[derive(Default)]
struct Book {
    search: String,
    names: Vec<String>,
}

#[derive(Clone)]
enum Msg {
    Search(String),
    Add(Form<Vec<(String, String)>>),
    Remove(usize),
    Fail,
}

impl Live for Book {
    type Msg = Msg;
    type Params = ();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Self::Msg>) {
        match msg {
            Msg::Search(text) => self.search = text,
            Msg::Add(form) => self.names.extend(form.field("name").map(str::to_owned)),
            Msg::Remove(index) => drop(self.names.remove(index)),
            Msg::Fail => panic!("as it should"),
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            form #add onsubmit=(Msg::Add) { input name="name"; }
            input #search value=(self.search) oninput=(Msg::Search);
            ul {
                @for (index, name) in self.names.iter().enumerate().filter(|(_, name)| name.contains(&self.search)) {
                    li key=(name) { (name) button id=(name) onclick=(Msg::Remove(index)) { "remove" } }
                }
            }
            @if self.names.is_empty() { p { "Nobody is here." } }
            button #fail onclick=(Msg::Fail) { "fail" }
        }
    }
}

/// A session of the book: names are added, searched and removed, and the connection is lost.
fn book() -> (Vec<u8>, String) {
    let mut page = Page::new(Adapter(Book::default()));
    let html = page.html.clone();
    for name in ["Ada", "Grace", "Edsger"] {
        let at = page.document.place_of("add", EventKind::Submit).unwrap();
        page.event(at, Payload::Text(&format!("name={name}")));
        page.advance_ms(100);
    }
    let at = page.document.place_of("search", EventKind::Input).unwrap();
    page.event(at, Payload::Text("a"));
    page.event(at, Payload::Text(""));
    page.cut();
    page.advance_ms(1_000);
    page.click("Grace");
    page.advance_ms(100);
    let file = recording::file("replay::Book", &html, &page.recording);
    (file, page.document.to_html())
}

fn cli() -> Cli {
    Cli::new().component::<Book>()
}

#[track_caller]
fn check_difference(recording: &Recording<'_>, expected: &str) {
    let folder = Folder::new();
    let error = cli().verify(&folder.file(&write(recording))).expect_err(expected);
    assert!(error.to_string().contains(expected), "{expected:?} is not in:\n{error}");
}

#[test]
fn a_session_of_forms_and_lists_runs_again_and_is_followed() {
    let (bytes, shown) = book();
    let folder = Folder::new();
    assert_eq!(cli().verify(&folder.file(&bytes)).unwrap(), 9);
    let recording = Recording::read(&bytes).unwrap();
    let mut follower = Follower::new(recording.start.html);
    for entry in &recording.entries {
        follower.handle_record(&entry.record).unwrap();
    }
    assert_eq!(follower.document().to_html(), shown);
}

#[test]
fn one_change_in_each_kind_of_record_is_a_difference() {
    let (bytes, _) = book();
    let whole = Recording::read(&bytes).unwrap();
    let position = |name: &str| whole.entries.iter().position(|entry| entry.record.name() == name).unwrap();

    let mut changed = whole.clone();
    changed.start.html = "<p>Nobody was here.</p>";
    check_difference(&changed, "the first page is different");

    let mut changed = whole.clone();
    changed.entries[position("join")].record = Record::Join { session: 1, mode: 2, applied: 0, settled: 0 };
    check_difference(&changed, "the server's frame is different");

    // Another name is added.
    let mut changed = whole.clone();
    let index = position("client");
    let Record::Client { frame } = changed.entries[index].record else { unreachable!() };
    let (session, event) = ClientFrame::decode(frame).unwrap();
    let ClientFrame::Event { ack, seq, behind, instance, slot, .. } = event else { unreachable!() };
    let payload = Payload::Text("name=Adb");
    let frame = ClientFrame::Event { ack, seq, behind, instance, slot, payload }.encode(session);
    changed.entries[index].record = Record::Client { frame: &frame };
    check_difference(&changed, "the server's frame is different");

    // Each byte of a frame of the server, on its own.
    let index = whole.entries.iter().rposition(|entry| entry.record.name() == "server").unwrap();
    let Record::Server { templates, frame } = whole.entries[index].record else { unreachable!() };
    for at in 0..frame.len() {
        let mut frame = frame.to_vec();
        frame[at] ^= 1;
        let mut changed = whole.clone();
        changed.entries[index].record = Record::Server { templates, frame: &frame };
        check_difference(&changed, "the server's frame is different");
    }

    // The definitions that went before a frame.
    let mut changed = whole.clone();
    let of = |entry: &lightspeed_interpreter::recording::Entry<'_>| match entry.record {
        Record::Server { templates, .. } => templates.bytes != [0x90],
        _ => false,
    };
    let index = whole.entries.iter().position(of).unwrap();
    let Record::Server { templates, frame } = whole.entries[index].record else { unreachable!() };
    let mut definitions = templates.bytes.to_vec();
    *definitions.last_mut().unwrap() ^= 1;
    let templates = lightspeed_protocol::msgpack::Raw::new(&definitions);
    changed.entries[index].record = Record::Server { templates, frame };
    check_difference(&changed, "the definition of a template is different");

    // Who was not lost has no second join: the frame of the first is not answered to.
    let mut changed = whole.clone();
    changed.entries.remove(position("server"));
    check_difference(&changed, "the server's frame is different");

    // A detach that was none: what was said then went nowhere.
    let mut changed = whole.clone();
    changed.entries.truncate(position("detach"));
    let closed = Record::Closed { reason: CloseReason::ForgedPlace.code() };
    let last = *changed.entries.last().unwrap();
    changed.entries.push(lightspeed_interpreter::recording::Entry { record: closed, ..last });
    check_difference(&changed, "the end is different");

    for record in [Record::Message { state: None }, Record::Restart { state: Some(b"?") }] {
        let mut changed = whole.clone();
        changed.entries[position("detach")].record = record;
        check_difference(&changed, "cannot be compared");
    }
}

#[test]
fn a_component_that_panics_now_is_a_difference() {
    let mut page = Page::new(Adapter(Book::default()));
    let html = page.html.clone();
    let at = page.document.place_of("fail", EventKind::Click).unwrap();
    let mut bytes = recording::file("replay::Book", &html, &page.recording);
    let seq = 1;
    let (instance, slot) = (at.instance, at.slot);
    let frame =
        ClientFrame::Event { ack: 0, seq, behind: 0, instance, slot, payload: Payload::None }.encode(1);
    bytes.extend(Record::Client { frame: &frame }.encode(Timestamp(9)).unwrap());
    page.advance_ms(1);
    let failed = Record::Closed { reason: CloseReason::ComponentFailed.code() };
    let then = [bytes.clone(), failed.encode(Timestamp(9)).unwrap()].concat();
    let folder = Folder::new();
    assert!(cli().verify(&folder.file(&then)).is_ok(), "it panicked then as well");
    let ack = lightspeed_protocol::frame::ServerFrame::Ack { ack: 1 }.encode(1);
    let templates = lightspeed_protocol::msgpack::Raw::new(&[0x90]);
    let server = Record::Server { templates, frame: &ack }.encode(Timestamp(9)).unwrap();
    let error = cli().verify(&folder.file(&[bytes, server].concat())).unwrap_err();
    assert!(error.to_string().contains("the component panics; its frame is different"), "{error}");
}

#[test]
fn a_component_that_is_not_known_is_named() {
    let (bytes, _) = book();
    let folder = Folder::new();
    let known = "lightspeed_examples::counter::Counter";
    let expected = ["the component replay::Book is not known here", "lightspeed_cli::Cli::new()", known];
    check_error(&["--verify"], &folder.file(&bytes), &expected);
}

#[test]
fn a_file_that_no_server_wrote_ends_in_an_error_and_not_in_a_panic() {
    let folder = Folder::new();
    let bytes = std::fs::read(session("counter.lsr")).unwrap();
    let mut recording = Recording::read(&bytes).unwrap();
    recording.start.html = "";
    let path = folder.file(&write(&recording));
    check_error(&["--at", "2"], &path, &["doesn't fit the page that was recorded", "up to 0"]);

    let mut recording = Recording::read(&bytes).unwrap();
    let index = recording.entries.iter().rposition(|entry| entry.record.name() == "server").unwrap();
    let Record::Server { templates, frame } = recording.entries[index].record else { unreachable!() };
    // An instruction that there is none of.
    let frame = [&frame[..6], &[99], &frame[7..]].concat();
    recording.entries[index].record = Record::Server { templates, frame: &frame };
    let path = folder.file(&write(&recording));
    check_error(&["--at", "5"], &path, &["cannot be followed", "ask for a version up to 4"]);
}

/// What a recorder writes to, to be looked at.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_session_whose_values_are_redacted_runs_again() {
    let recordings = Recordings::new(lightspeed::Recording::new("/nowhere").with_redacted_field("name"));
    let mut session = Session::new(Adapter(Book::default()));
    let (html, sink) = (session.page_html(), Sink::default());
    let start = Start {
        component: "replay::Book",
        build: "b".into(),
        seed: 0,
        html: html.clone(),
        state: None,
        is_stored: false,
    };
    let now = Timestamp(0);
    let mut recorder = recordings.start_into(now, start, Box::new(sink.clone()));
    let mut client = Follower::new(&html);
    let mut sent_templates = SentTemplates::default();
    let mut drain = |session: &mut Session<Adapter<Book>>, recorder: &mut Recorder, client: &mut Follower| {
        while let Some(output) = session.poll_output() {
            let Output::Transmit(transmission) = output else { continue };
            recorder.frame_out(now, &transmission);
            for frame in sent_templates.announce(&transmission.templates).iter().chain([&transmission.frame])
            {
                client.handle_frame(frame).unwrap();
            }
        }
    };
    recorder.joined(now, 1, JoinMode::Adopt, 0, 0);
    session.handle_input(
        now,
        Input::Join(Join {
            session: 1,
            mode: JoinMode::Adopt,
            applied: 0,
            settled: 0,
            token: "",
            is_latest: true,
        }),
    );
    drain(&mut session, &mut recorder, &mut client);
    for (seq, name) in (1..).zip(["Ada+Lovelace", "J%C3%BCrgen"]) {
        let at = client.document().place_of("add", EventKind::Submit).unwrap();
        let payload = format!("name={name}");
        let (instance, slot, payload) = (at.instance, at.slot, Payload::Text(&payload));
        let frame = ClientFrame::Event { ack: client.version(), seq, behind: 0, instance, slot, payload };
        recorder.frame_in(now, frame.encode(1).into());
        session.handle_input(now, Input::Frame(frame));
        drain(&mut session, &mut recorder, &mut client);
    }
    assert!(client.document().to_html().contains("Jürgen"));
    recorder.closed(now, CloseReason::ShuttingDown);
    drop(recordings);
    let bytes = sink.0.lock().unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("Lovelace"));
    let folder = Folder::new();
    assert_eq!(cli().verify(&folder.file(&bytes)).unwrap(), 4);
}
