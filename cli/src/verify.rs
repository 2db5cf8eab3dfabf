//! Runs a component again on what was recorded, and compares everything that it says.

use std::any::type_name;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::io::Write;

use lightspeed::{Adapter, Live, MountError};
use lightspeed_core::Policy;
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::{Component, Input, Join, Output, Session};
use lightspeed_interpreter::recording::Entry;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::isa::Disassembly;
use lightspeed_protocol::recording::Record;

use crate::difference::Difference;
use crate::error::Error;
use crate::file::{RecordingFile, quietly};
use crate::print::{count, safe};

/// Runs a recording's component again; gives how many frames are the same.
pub(crate) type Rerun = Box<dyn Fn(&RecordingFile<'_>) -> Result<usize, Error>>;

/// Runs the recording's component again, if it is known.
pub(crate) fn verify(
    components: &BTreeMap<&'static str, Rerun>,
    file: &RecordingFile<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let frames = rerun_known(components, file)?;
    let records = count(file.recording.entries.len(), "record", "records");
    writeln!(out, "The session runs the same way: {records}, {}.", count(frames, "frame", "frames"))?;
    Ok(())
}

/// Runs the recording's component again, if it is known; gives how many frames are the same.
pub(crate) fn rerun_known(
    components: &BTreeMap<&'static str, Rerun>,
    file: &RecordingFile<'_>,
) -> Result<usize, Error> {
    let name = file.recording.start.component;
    let rerun = components.get(name).ok_or_else(|| {
        let known: Vec<_> = components.keys().copied().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::UnknownComponent { name: safe(name), known }
    })?;
    rerun(file)
}

/// Runs a session of `C` on the inputs of a recording.
pub(crate) fn rerun<C: Live>(
    params: &dyn Fn() -> Result<C::Params, MountError>,
    file: &RecordingFile<'_>,
) -> Result<usize, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Entered for as long as the component lives: it may hold on to the executor.
    let _guard = runtime.enter();
    let mounted = runtime
        .block_on(async { Adapter::<C>::mount(params().map_err(Error::Mount)?).await.map_err(Error::Mount) });
    // What it asked to be done is not: its messages are in the recording.
    let (component, _tasks) = mounted?;
    let start = file.recording.start;
    let policy = Adapter::<C>::policy(start.is_stored);
    let mut again = Again {
        session: Session::with_policy(component, policy),
        sent_templates: SentTemplates::default(),
        said: VecDeque::new(),
        closed: None,
        has_panicked: false,
        frame_count: 0,
        file,
    };
    if let Some(state) = start.state {
        again.session = start_from::<C>(again.session, policy, state).map_err(|_| Error::Incomplete {
            record: 0,
            frames: 0,
            what: "the component's state",
        })?;
    }
    let html = again.session.page_html();
    if !again.is_same(start.html.as_bytes(), html.as_bytes()) {
        let shown = |html: &str| crate::document::indent(html);
        return Err(again.difference(0, None, "the first page", shown(start.html), shown(&html)));
    }
    for (number, entry) in file.entries() {
        again.take(number, entry)?;
    }
    if !file.is_open_ended() {
        again.expect_silence(file.recording.entries.len(), file.recording.entries.last())?;
    }
    Ok(again.frame_count)
}

/// A session whose first page shows the state that was recorded.
fn start_from<C: Live>(
    session: Session<Adapter<C>>,
    policy: Policy,
    state: &[u8],
) -> Result<Session<Adapter<C>>, LoadError> {
    let mut component = session.into_component();
    component.load(state)?;
    Ok(Session::with_policy(component, policy))
}

/// What a session has said and a recording has not yet.
struct Said {
    templates: Vec<Vec<u8>>,
    frame: Vec<u8>,
}

/// A session that runs again.
struct Again<'a, C: Live> {
    session: Session<Adapter<C>>,
    sent_templates: SentTemplates,
    said: VecDeque<Said>,
    closed: Option<CloseReason>,
    has_panicked: bool,
    frame_count: usize,
    file: &'a RecordingFile<'a>,
}

impl<C: Live> Again<'_, C> {
    fn take(&mut self, number: usize, entry: &Entry<'_>) -> Result<(), Error> {
        let now = entry.at;
        match entry.record {
            Record::Server { templates, frame } => return self.compare(number, entry, templates, frame),
            Record::Truncated {} => return Ok(()),
            _ => self.expect_silence(number, Some(entry))?,
        }
        match entry.record {
            Record::Join { session, mode, applied, settled } => match JoinMode::from_code(mode) {
                Some(mode) => {
                    // Tokens are recorded empty; which of them was the latest doesn't matter to a session that is whole.
                    let join = Join { session, mode, applied, settled, token: "", is_latest: true };
                    self.input(now, Input::Join(join));
                }
                None => return Err(self.malformed(number, entry, "the mode of a join")),
            },
            Record::Client { frame } => match ClientFrame::decode(frame) {
                Ok((_, frame)) => self.input(now, Input::Frame(frame)),
                Err(_) => return Err(self.malformed(number, entry, "a frame of the client")),
            },
            Record::Detach {} => self.input(now, Input::Detach),
            Record::Timeout {} => self.input(now, Input::Timeout),
            Record::Stored { generation } => self.input(now, Input::Persisted { generation }),
            Record::Asked { effects } if self.session.put_asked(effects.bytes).is_err() => {
                return Err(self.malformed(number, entry, "what a page is asked for"));
            }
            Record::Message { state } => self.put(now, number, state, "a task's message")?,
            // What it undid, and what was told of it, is the server's: what came before is compared.
            Record::Restart { .. } => return Err(self.incomplete(number, "a restart after a panic")),
            Record::Closed { reason } => self.end(number, entry, reason)?,
            _ => {}
        }
        Ok(())
    }

    fn put(
        &mut self,
        now: Timestamp,
        number: usize,
        state: Option<&[u8]>,
        what: &'static str,
    ) -> Result<(), Error> {
        if state.is_some_and(|state| self.session.put_state(now, state).is_ok()) {
            self.drain();
            return Ok(());
        }
        Err(self.incomplete(number, what))
    }

    const fn incomplete(&self, number: usize, what: &'static str) -> Error {
        Error::Incomplete { record: number - 1, frames: self.frame_count, what }
    }

    fn input(&mut self, now: Timestamp, input: Input<'_, C::Msg>) {
        let session = &mut self.session;
        self.has_panicked |= quietly(|| session.handle_input(now, input)).is_none();
        self.drain();
    }

    fn drain(&mut self) {
        while !self.has_panicked {
            let session = &mut self.session;
            match quietly(|| session.poll_output()) {
                Some(Some(Output::Transmit(transmission))) => {
                    let templates = self.sent_templates.announce(&transmission.templates);
                    self.said.push_back(Said { templates, frame: transmission.frame });
                }
                Some(Some(Output::Close(reason))) => self.closed = Some(reason),
                // What is to be done was done then; its message is recorded.
                Some(Some(_)) => {}
                Some(None) => return,
                None => self.has_panicked = true,
            }
        }
    }

    fn compare(
        &mut self,
        number: usize,
        entry: &Entry<'_>,
        templates: lightspeed_protocol::msgpack::Raw<'_>,
        frame: &[u8],
    ) -> Result<(), Error> {
        let recorded: Result<Vec<_>, _> = Record::template_frames(templates).collect();
        let Ok(recorded) = recorded else { return Err(self.malformed(number, entry, "a template")) };
        let Some(said) = self.said.pop_front() else {
            let what =
                if self.has_panicked { "the component panics; its frame" } else { "the server's frame" };
            return Err(self.difference(number, Some(entry), what, shown(frame), String::new()));
        };
        if !self.is_same(frame, &said.frame) {
            let what = "the server's frame";
            return Err(self.difference(number, Some(entry), what, shown(frame), shown(&said.frame)));
        }
        let is_same = recorded.len() == said.templates.len()
            && recorded.iter().zip(&said.templates).all(|(recorded, said)| self.is_same(recorded, said));
        if !is_same {
            let recorded: String = recorded.iter().map(|frame| shown(frame)).collect();
            let said: String = said.templates.iter().map(|frame| shown(frame)).collect();
            return Err(self.difference(number, Some(entry), "the definition of a template", recorded, said));
        }
        self.frame_count += 1;
        Ok(())
    }

    /// Whether bytes are those that were recorded; what was replaced then may be anything of that length.
    fn is_same(&self, recorded: &[u8], said: &[u8]) -> bool {
        let is_redacted = self.file.recording.start.is_redacted;
        recorded.len() == said.len()
            && recorded.iter().zip(said).all(|(one, other)| one == other || (is_redacted && *one == b'*'))
    }

    /// Before an input, all that was said must have been recorded.
    fn expect_silence(&self, number: usize, entry: Option<&Entry<'_>>) -> Result<(), Error> {
        match self.said.front() {
            Some(said) => {
                let what = "what the server says before it";
                Err(self.difference(number, entry, what, String::new(), shown(&said.frame)))
            }
            None => Ok(()),
        }
    }

    fn end(&self, number: usize, entry: &Entry<'_>, reason: u32) -> Result<(), Error> {
        let recorded = CloseReason::from_code(reason);
        let is_same = match (self.closed, recorded) {
            (Some(said), recorded) => Some(said) == recorded,
            (None, Some(CloseReason::ComponentFailed)) => true,
            // The machine's own reasons; the others are of what is around it.
            (None, recorded) => !matches!(
                recorded,
                None | Some(
                    CloseReason::Left
                        | CloseReason::UnknownKind
                        | CloseReason::ForgedPlace
                        | CloseReason::BadPayload
                        | CloseReason::BadAck
                        | CloseReason::SequenceGap
                        | CloseReason::PatchTooLarge
                )
            ),
        };
        if is_same {
            return Ok(());
        }
        let name = |reason: Option<CloseReason>| reason.map_or("no end\n".to_owned(), |it| format!("{it}\n"));
        let recorded = recorded.map_or(format!("reason {reason}\n"), |reason| name(Some(reason)));
        Err(self.difference(number, Some(entry), "the end", recorded, name(self.closed)))
    }

    fn malformed(&self, number: usize, entry: &Entry<'_>, what: &'static str) -> Error {
        self.difference(number, Some(entry), what, entry.record.to_string(), String::new())
    }

    fn difference(
        &self,
        record: usize,
        entry: Option<&Entry<'_>>,
        what: &'static str,
        recorded: String,
        said: String,
    ) -> Error {
        let is_redacted = self.file.recording.start.is_redacted;
        let (offset, at) = entry.map_or((0, Timestamp(0)), |entry| (entry.offset, entry.at));
        Error::Differs(Box::new(Difference { record, offset, at, what, recorded, said, is_redacted }))
    }
}

impl<C: Live> fmt::Debug for Again<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Again of {}", type_name::<C>())
    }
}

/// A frame of the server, its program an instruction a line.
pub(crate) fn shown(frame: &[u8]) -> String {
    let mut out = String::new();
    let _ = match ServerFrame::decode(frame) {
        Ok((session, ServerFrame::Patch { ack, version, program })) => {
            write!(out, "{session}: patch {ack} {version}\n{}", Disassembly(program))
        }
        Ok((session, ServerFrame::Snapshot { ack, version, program })) => {
            write!(out, "{session}: snapshot {ack} {version}\n{}", Disassembly(program))
        }
        Ok((session, frame)) => writeln!(out, "{session}: {frame}"),
        Err(error) => writeln!(out, "; {error}"),
    };
    out
}
