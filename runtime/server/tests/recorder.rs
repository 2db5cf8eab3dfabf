//! What a recording holds, and what it never holds.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex, mpsc};

use lightspeed::maud;
use lightspeed::recorder::{Recorder, Recordings, Start};
use lightspeed::{Adapter, Context, Form, Html, Live, MountError, Recording, html};
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::{Input, Join, Output, Session, Transmission};
use lightspeed_interpreter::recording::{self, Follower};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::isa::EffectKind;
use lightspeed_protocol::msgpack::{Payload, Writer};
use lightspeed_protocol::recording::Record;
use lightspeed_protocol::template::EventKind;

/// A page to log in on, which shows everything that it is told.
#[derive(Default)]
struct Login {
    said: String,
    password: String,
    is_shown: bool,
}

#[derive(Clone)]
enum Msg {
    Typed(String),
    Noted(String),
    Key(String),
    Form(Form<Vec<(String, String)>>),
    Show,
}

impl Live for Login {
    type Msg = Msg;
    type Params = ();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Self::Msg>) {
        match msg {
            Msg::Typed(text) => {
                self.said = format!("You typed {text}.");
                self.password = text;
            }
            Msg::Noted(text) | Msg::Key(text) => self.said = text,
            Msg::Form(form) => {
                let pairs: Vec<_> =
                    form.fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
                self.said = pairs.join(", ");
            }
            Msg::Show => self.is_shown = !self.is_shown,
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            form #form onsubmit=(Msg::Form) {
                input #user name="user" oninput=(Msg::Noted);
                input #password name="password" type=(if self.is_shown { "text" } else { "password" })
                    value=(self.password) oninput=(Msg::Typed) onkeydown=(|key: lightspeed::Key| Msg::Key(format!("{key:?}")));
                textarea #note name="note" oninput=(Msg::Noted) {}
            }
            p { (self.said) }
            p { (self.password) }
            p { (lightspeed::PreEscaped(maud::html! { (self.password) }.into_string())) }
            @if self.is_shown { b { (self.password) } }
            button #show onclick=(Msg::Show) { "show" }
        }
    }
}

/// What a recording is written to, to be looked at.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session that is recorded, as its actor does it, and a client that clicks.
struct Stage<C: Live> {
    session: Session<Adapter<C>>,
    recorder: Recorder,
    recordings: Recordings,
    tape: Tape,
    client: Follower,
    sent_templates: SentTemplates,
    said: Vec<Vec<u8>>,
    seq: u64,
    now: u64,
}

impl<C: Live> Stage<C> {
    fn new(component: C, settings: Recording) -> Self {
        let session = Session::new(Adapter(component));
        let html = session.page_html();
        let recordings = Recordings::new(settings);
        let tape = Tape::default();
        let state = Some(html.clone().into_bytes());
        let start = Start {
            component: "Login",
            build: "b".into(),
            seed: 0,
            html: html.clone(),
            state,
            is_stored: false,
        };
        let recorder = recordings.start_into(Timestamp(1_000), start, Box::new(tape.clone()));
        let client = Follower::new(&html);
        let mut stage = Self {
            session,
            recorder,
            recordings,
            tape,
            client,
            sent_templates: SentTemplates::default(),
            said: Vec::new(),
            seq: 0,
            now: 1_000,
        };
        let now = Timestamp(stage.now);
        stage.recorder.joined(now, 1, JoinMode::Adopt, 0, 0);
        stage.session.handle_input(
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
        stage.drain();
        stage
    }

    fn event(&mut self, id: &str, event: EventKind, payload: Payload<'_>) {
        self.now += 10;
        self.seq += 1;
        let at = self.client.document().place_of(id, event).unwrap();
        let (instance, slot) = (at.instance, at.slot);
        let ack = self.client.version();
        let frame = ClientFrame::Event { ack, seq: self.seq, behind: 0, instance, slot, payload };
        self.recorder.frame_in(Timestamp(self.now), frame.encode(1).into());
        self.session.handle_input(Timestamp(self.now), Input::Frame(frame));
        self.drain();
    }

    /// The client asks for the whole document.
    fn resync(&mut self) {
        self.now += 10;
        let frame = ClientFrame::Resync { ack: self.client.version() };
        self.recorder.frame_in(Timestamp(self.now), frame.encode(1).into());
        self.session.handle_input(Timestamp(self.now), Input::Frame(frame));
        self.drain();
    }

    fn input(&mut self, id: &str, text: &str) {
        self.event(id, EventKind::Input, Payload::Text(text));
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(transmission) => {
                    self.recorder.frame_out(Timestamp(self.now), &transmission);
                    for frame in self.sent_templates.announce(&transmission.templates) {
                        self.client.handle_frame(&frame).unwrap();
                    }
                    self.client.handle_frame(&transmission.frame).unwrap();
                    self.said.push(transmission.frame);
                }
                Output::Close(reason) => panic!("the session has ended: {reason}"),
                _ => {}
            }
        }
    }

    /// The recording's bytes, when everything is written.
    fn finish(self) -> Vec<u8> {
        drop(self.recorder);
        drop(self.recordings);
        Arc::try_unwrap(self.tape.0).unwrap().into_inner().unwrap()
    }
}

fn settings() -> Recording {
    Recording::new("/nowhere")
}

#[track_caller]
fn check_absent(bytes: &[u8], secret: &[u8]) {
    let found = bytes.windows(secret.len()).position(|window| window == secret);
    assert_eq!(found, None, "{:?} is in the file", String::from_utf8_lossy(secret));
}

/// What a client shows at the end of a recording.
fn last_document(bytes: &[u8]) -> String {
    let recording = recording::Recording::read(bytes).unwrap();
    let mut follower = Follower::new(recording.start.html);
    for entry in &recording.entries {
        follower.handle_record(&entry.record).unwrap();
    }
    follower.document().to_html()
}

#[test]
fn what_is_recorded_is_what_was_said() {
    let mut stage = Stage::new(Login::default(), settings());
    stage.input("user", "Ada");
    stage.event("show", EventKind::Click, Payload::None);
    stage.recorder.message(Timestamp(1_100), Some(b"state".to_vec()), None);
    stage.recorder.detached(Timestamp(1_200));
    stage.recorder.timed_out(Timestamp(1_300));
    let said = stage.said.clone();
    let shown = stage.client.document().to_html();
    let recordings = &stage.recordings;
    let start = Start {
        component: "Other",
        build: "b".into(),
        seed: 0,
        html: String::new(),
        state: None,
        is_stored: false,
    };
    let other = Tape::default();
    recordings
        .start_into(Timestamp(0), start, Box::new(other.clone()))
        .closed(Timestamp(9), CloseReason::Left);
    let bytes = stage.finish();

    let recording = recording::Recording::read(&bytes).unwrap();
    assert_eq!((recording.start.component, recording.start.build, recording.cut), ("Login", "b", None));
    let names: Vec<_> = recording.entries.iter().map(|entry| entry.record.name()).collect();
    let expected =
        ["join", "server", "server", "client", "server", "client", "server", "message", "detach", "timeout"];
    assert_eq!(names, expected);
    assert_eq!(recording.entries.last().unwrap().at, Timestamp(300), "from the recording's start");
    let frames = recording.entries.iter().filter_map(|entry| match entry.record {
        Record::Server { frame, .. } => Some(frame),
        _ => None,
    });
    assert!(frames.eq(said), "the frames are those of the session");
    assert_eq!(last_document(&bytes), shown);

    let other = other.0.lock().unwrap();
    let other = recording::Recording::read(&other).unwrap();
    assert_eq!(other.entries[0].record, Record::Closed { reason: CloseReason::Left.code() });
}

/// What a component asks of its page that tells a secret: `[kind, name, data]`.
fn asked(secret: &str) -> Vec<u8> {
    let mut out = Writer::new();
    out.array(3);
    out.uint(u64::from(EffectKind::Flash.code()));
    out.str("");
    out.str(&format!("you typed {secret}"));
    out.into_bytes()
}

#[test]
fn a_password_is_nowhere_also_where_it_is_echoed() {
    let secret = "p&ss <wörd> 1";
    let mut stage = Stage::new(Login::default(), settings());
    stage.input("password", secret);
    // As a text of another field, as a part of it, in a state.
    stage.input("user", secret);
    stage.input("note", &format!("my password is {secret}!"));
    stage.recorder.message(Timestamp(2_000), Some(format!("..{secret}..").into_bytes()), Some(asked(secret)));
    stage.recorder.restarted(Timestamp(2_000), Some(format!("..{secret}..").into_bytes()));
    stage.event("show", EventKind::Click, Payload::None);
    let shown = stage.client.document().to_html();
    assert!(shown.contains("<wörd>") || shown.contains("&lt;wörd&gt;"), "it is echoed: {shown}");
    let bytes = stage.finish();
    for form in [secret, "p&amp;ss", "wörd", "w%C3%B6rd", "p%26ss"] {
        check_absent(&bytes, form.as_bytes());
    }
    // What was replaced has the same length, so that the recording can be followed.
    assert!(last_document(&bytes).contains(&"*".repeat(secret.len())));
}

#[test]
fn a_password_in_a_form_is_found_by_its_name() {
    let mut stage = Stage::new(Login::default(), settings());
    let payload = "user=Ada&password=l%C3%B6ng+%26+secret&note=l%C3%B6ng+%26+secret&pass%77ord=second-one&x";
    stage.event("form", EventKind::Submit, Payload::Text(payload));
    let bytes = stage.finish();
    for form in ["löng & secret", "l%C3%B6ng+%26+secret", "löng &amp; secret", "second-one"] {
        check_absent(&bytes, form.as_bytes());
    }
    let shown = last_document(&bytes);
    assert!(shown.contains("user Ada, password **************, note "), "{shown}");
}

#[test]
fn a_password_that_is_typed_and_echoed_letter_by_letter_is_nowhere_in_parts() {
    // Letters that stand nowhere else.
    let secret = "ŽŁ§Þ¥Ǿ";
    let mut stage = Stage::new(Login::default(), settings());
    stage.event("show", EventKind::Click, Payload::None);
    let ends = secret.char_indices().map(|(at, letter)| at + letter.len_utf8());
    for end in ends {
        stage.input("password", &secret[..end]);
    }
    assert!(stage.client.document().to_html().contains(secret));
    let bytes = stage.finish();
    for letter in secret.chars() {
        check_absent(&bytes, letter.to_string().as_bytes());
    }
}

/// Two fields that are passwords, of which what is typed is shown at once and kept in a list.
#[derive(Default)]
struct Pins {
    first: String,
    second: String,
    log: Vec<String>,
    is_plain: bool,
}

#[derive(Clone)]
enum Pin {
    First(String),
    Second(String),
    Plain,
}

impl Live for Pins {
    type Msg = Pin;
    type Params = ();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, pin: Pin, _: &mut Context<Self::Msg>) {
        match pin {
            Pin::First(text) => {
                self.log.push(format!("first: {text}!"));
                self.first = text;
            }
            Pin::Second(text) => self.second = text,
            Pin::Plain => self.is_plain = !self.is_plain,
        }
    }

    fn render(&self) -> Html<Pin> {
        html! {
            input #first type=(if self.is_plain { "text" } else { "password" }) oninput=(Pin::First);
            input #second type="password" oninput=(Pin::Second);
            p { "pin " (self.first) "; " { (format!("both {} {}.", self.first, self.second)) } }
            ul { @for (n, line) in self.log.iter().enumerate() { li key=(n) { (line) } } }
            @if self.is_plain { b title=(format!("is {}", self.first)) { (self.first) } }
            button #plain onclick=(Pin::Plain) { "show" }
        }
    }
}

#[test]
fn what_is_typed_into_one_of_several_password_fields_is_nowhere_in_any_order() {
    // Digits that stand nowhere else in the page.
    let orders: [&[(&str, &str)]; 6] = [
        &[("first", "8"), ("first", "86"), ("first", "864"), ("second", "7"), ("second", "75")],
        &[
            ("first", "8"),
            ("second", "7"),
            ("first", "86"),
            ("second", "75"),
            ("first", "864"),
            ("first", "8642"),
        ],
        &[("second", "7"), ("first", "8"), ("second", ""), ("first", "")],
        &[("first", "864"), ("first", ""), ("second", "75"), ("second", "")],
        &[("first", "8642"), ("first", "86"), ("second", "7")],
        &[("first", "75"), ("second", "75"), ("first", "8"), ("second", "")],
    ];
    for order in orders {
        for plain_at in [0, 2, order.len()] {
            let mut stage = Stage::new(Pins::default(), settings());
            for (index, (field, text)) in order.iter().enumerate() {
                if index == plain_at {
                    stage.event("plain", EventKind::Click, Payload::None);
                }
                stage.input(field, text);
            }
            stage.event("plain", EventKind::Click, Payload::None);
            // The whole document again: what was shown, and the list of all that was typed.
            stage.resync();
            assert!(stage.client.document().to_html().contains("first: "), "it is shown");
            let bytes = stage.finish();
            let shown = last_document(&bytes);
            let frames: Vec<String> = recording::Recording::read(&bytes)
                .unwrap()
                .entries
                .iter()
                .map(|entry| match entry.record {
                    Record::Server { frame, .. } => format!("{:?}", strings_of(frame)),
                    _ => String::new(),
                })
                .collect();
            for digit in ['8', '6', '4', '7', '5'] {
                assert!(!shown.contains(digit), "{order:?}, {plain_at}: {shown}");
                assert!(
                    frames.iter().all(|frame| !frame.contains(digit)),
                    "{order:?}, {plain_at}: {frames:?}"
                );
            }
        }
    }
}

#[test]
fn a_frame_that_is_sent_again_when_its_instances_are_gone_tells_nothing() {
    let mut stage = Stage::new(Pins::default(), settings());
    stage.input("first", "864");
    for _ in 0..2 {
        // What is there only in between is gone when its frame is sent again.
        stage.session.handle_input(Timestamp(stage.now), Input::Message(Pin::Plain));
        stage.drain();
    }
    // The client comes back with the document of before: all of it is sent again.
    stage.now += 10;
    let (mode, applied) = (JoinMode::Resume, 0);
    stage.recorder.joined(Timestamp(stage.now), 1, mode, applied, 0);
    let join = Join { session: 1, mode, applied, settled: 0, token: "", is_latest: true };
    stage.session.handle_input(Timestamp(stage.now), Input::Join(join));
    stage.drain();
    let said = stage.said.len();
    let bytes = stage.finish();
    let recording = recording::Recording::read(&bytes).unwrap();
    let frames: Vec<_> = recording
        .entries
        .iter()
        .filter_map(|entry| match entry.record {
            Record::Server { frame, .. } => Some(frame),
            _ => None,
        })
        .collect();
    assert_eq!(frames.len(), said, "the recording goes on");
    for frame in frames {
        let strings = strings_of(frame).concat();
        assert!(!strings.contains("864"), "{strings}");
    }
    check_absent(&bytes, &[0xcd, 0x03, 0x60]);
}

/// The texts in a frame's program, but no numbers: those may be instances, slots and counts.
fn strings_of(frame: &[u8]) -> Vec<String> {
    let (ServerFrame::Patch { program, .. } | ServerFrame::Snapshot { program, .. }) =
        ServerFrame::decode(frame).unwrap().1
    else {
        return Vec::new();
    };
    let mut reader = program.reader();
    let mut found = Vec::new();
    while !reader.is_at_end() {
        if reader.is_array() {
            reader.array().unwrap();
        } else if reader.is_bin() {
            found.push(String::from_utf8_lossy(reader.bin().unwrap()).into_owned());
        } else if let Payload::Text(text) = reader.payload().unwrap() {
            found.push(text.to_owned());
        }
    }
    found
}

#[test]
fn a_number_that_is_secret_is_no_number_either() {
    let secret: u32 = 83_641_927;
    let mut stage = Stage::new(Login::default(), settings());
    stage.input("password", &secret.to_string());
    stage.event("show", EventKind::Click, Payload::None);
    let bytes = stage.finish();
    check_absent(&bytes, secret.to_string().as_bytes());
    check_absent(&bytes, &secret.to_be_bytes());
    assert!(last_document(&bytes).contains("********"));
}

#[test]
fn keys_that_are_pressed_in_a_password_field_are_replaced() {
    let mut stage = Stage::new(Login::default(), settings());
    for key in ["0Ž", "1Ł", "0Enter"] {
        stage.event("password", EventKind::Keydown, Payload::Text(key));
    }
    let bytes = stage.finish();
    let recording = recording::Recording::read(&bytes).unwrap();
    let keys: Vec<String> = recording
        .entries
        .iter()
        .filter_map(|entry| match entry.record {
            Record::Client { frame } => match ClientFrame::decode(frame).unwrap().1 {
                ClientFrame::Event { payload: Payload::Text(text), .. } => Some(text.to_owned()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(keys, ["0**", "1**", "0Enter"]);
}

#[test]
fn a_field_that_once_was_a_password_stays_one() {
    let mut stage = Stage::new(Login::default(), settings());
    stage.event("show", EventKind::Click, Payload::None);
    stage.input("password", "in plain sight");
    check_absent(&stage.finish(), b"in plain sight");
}

#[test]
fn a_password_that_the_page_comes_with_is_replaced_however_short() {
    for secret in ["from the vault", "xyz"] {
        let component = Login { password: secret.to_owned(), ..Login::default() };
        let stage = Stage::new(component, settings());
        let bytes = stage.finish();
        let recording = recording::Recording::read(&bytes).unwrap();
        check_absent(recording.start.html.as_bytes(), format!("value=\"{secret}\"").as_bytes());
        if secret.len() > 3 {
            check_absent(&bytes, secret.as_bytes());
        }
    }
}

#[test]
fn other_fields_are_redacted_by_name_or_by_a_rule() {
    let by_name = settings().with_redacted_field("note");
    let by_rule = settings().with_redaction(|field| field.component == "Login" && field.kind == "textarea");
    for settings in [by_name, by_rule] {
        let mut stage = Stage::new(Login::default(), settings);
        stage.input("note", "my diary");
        stage.event("form", EventKind::Submit, Payload::Text("user=Ada&note=other+diary"));
        let bytes = stage.finish();
        check_absent(&bytes, b"my diary");
        check_absent(&bytes, b"other diary");
        check_absent(&bytes, b"other+diary");
        assert!(last_document(&bytes).contains("user Ada, note ***********"));
    }
}

#[test]
fn a_recording_ends_at_its_bounds() {
    for settings in [settings().with_records_max(12), settings().with_bytes_max(2_000)] {
        let (bytes_max, records_max) = (settings.bytes_max, settings.records_max);
        let mut stage = Stage::new(Login::default(), settings);
        for _ in 0..200 {
            stage.event("show", EventKind::Click, Payload::None);
        }
        let bytes = stage.finish();
        let recording = recording::Recording::read(&bytes).unwrap();
        assert_eq!(recording.entries.last().unwrap().record, Record::Truncated {});
        assert!(bytes.len() <= bytes_max && recording.entries.len() < records_max.min(200));
    }
}

/// Writes when it is let.
struct Slow(Tape, mpsc::Receiver<()>);
impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // When the other side is gone, everything may pass.
        let _ = self.1.recv();
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_is_too_slow_ends_the_recording_and_not_the_session() {
    let recordings = Recordings::new(settings().with_bytes_max(usize::MAX));
    let (gate, wait) = mpsc::channel();
    let tape = Tape::default();
    let start = Start {
        component: "Slow",
        build: "b".into(),
        seed: 0,
        html: String::new(),
        state: None,
        is_stored: false,
    };
    let mut recorder = recordings.start_into(Timestamp(0), start, Box::new(Slow(tape.clone(), wait)));
    let frame = lightspeed_protocol::frame::ServerFrame::Ack { ack: 1 }.encode(1);
    recorder.frame_out(Timestamp(1), &Transmission { frame, templates: Vec::new() });
    for _ in 0..40 {
        // The first of them waits at the gate; those behind it fill the queue.
        recorder.message(Timestamp(2), Some(vec![0; 1024 * 1024]), None);
    }
    drop(gate);
    drop(recorder);
    drop(recordings);
    let bytes = tape.0.lock().unwrap();
    let recording = recording::Recording::read(&bytes).unwrap();
    assert_eq!(recording.entries.last().unwrap().record, Record::Truncated {});
    assert!((10..40).contains(&recording.entries.len()), "{} records", recording.entries.len());
}

#[test]
fn a_disk_that_fails_fails_nobody_else() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let stage = Stage::new(Login::default(), settings());
    let start = Start {
        component: "Full",
        build: "b".into(),
        seed: 0,
        html: String::new(),
        state: None,
        is_stored: false,
    };
    let mut failing = stage.recordings.start_into(Timestamp(0), start, Box::new(Full));
    failing.detached(Timestamp(1));
    let bytes = stage.finish();
    assert!(!recording::Recording::read(&bytes).unwrap().entries.is_empty());
}

#[test]
fn sessions_are_chosen_and_their_files_are_their_owners() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("made");
    let settings = Recording::new(&folder)
        .with_sessions(|component, _| component == "shop::Cart<u8>")
        .with_sessions_max(2);
    let recordings = Recordings::new(settings);
    let start = |component| Start {
        component,
        build: "b".into(),
        seed: 0,
        html: String::new(),
        state: None,
        is_stored: false,
    };
    let try_start = |component, wish| recordings.start(Timestamp(0), start(component), wish);
    assert!(try_start("shop::Other", None).is_none());
    assert!(try_start("shop::Cart<u8>", Some(false)).is_none());
    let chosen = try_start("shop::Cart<u8>", None).unwrap();
    let wished = try_start("shop::Other", Some(true)).unwrap();
    assert!(try_start("shop::Cart<u8>", None).is_none(), "two are recorded already");
    drop(chosen);
    drop(wished);
    drop(recordings);

    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        assert_eq!(entry.path().extension().unwrap(), "lsr");
        recording::Recording::read(&std::fs::read(entry.path()).unwrap()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    names.sort_by_key(|name| name.contains("-Other-"));
    assert_eq!(names.len(), 2);
    assert!(names[0].contains("Z-Cart-") && names[1].contains("Z-Other-"), "{names:?}");
    assert!(names.iter().all(|name| !name.contains([':', '<'])), "{names:?}");
}

/// What a page comes with counts as what it says: many at once don't fill the memory.
#[test]
fn a_page_that_does_not_fit_the_queue_is_not_recorded() {
    let recordings = Recordings::new(settings().with_bytes_max(usize::MAX));
    let (gate, wait) = mpsc::channel();
    let start = |size| Start {
        component: "Slow",
        build: "b".into(),
        seed: 0,
        html: "x".repeat(size),
        state: None,
        is_stored: false,
    };
    let first = Tape::default();
    let mut recorders =
        vec![recordings.start_into(Timestamp(0), start(1), Box::new(Slow(first.clone(), wait)))];
    let others: [Tape; 9] = Default::default();
    for tape in &others {
        let size = lightspeed::limits::RECORDER_QUEUE_BYTES_MAX / 8;
        recorders.push(recordings.start_into(Timestamp(0), start(size), Box::new(tape.clone())));
    }
    drop(gate);
    drop(recorders);
    drop(recordings);
    let is_recorded = |tape: &Tape| !tape.0.lock().unwrap().is_empty();
    assert!(is_recorded(&first));
    let recorded: Vec<_> = others.iter().map(is_recorded).collect();
    assert_eq!(recorded.iter().position(|is_recorded| !is_recorded), Some(7), "{recorded:?}");
    assert!(!recorded[8]);
}
