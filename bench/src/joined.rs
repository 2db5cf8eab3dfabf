//! A session with a page that has joined it, driven frame by frame: what a server does for an
//! event, without its socket and without a client's document.

use lightspeed::Adapter;
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::{Component, Input, Join, Output, Session};
use lightspeed_core::{Html, Policy};
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::{self, Rows};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;

/// The number that the page gave the session.
const SESSION: u32 = 1;

/// The root is the first instance of every page.
const ROOT: u32 = 1;

/// A session and what its page knows of it.
#[derive(Debug)]
pub struct Joined<C: Component> {
    session: Session<C>,
    sent_templates: SentTemplates,
    /// The version that the page is at.
    version: u64,
    /// The page's last event.
    seq: u64,
}

impl<C: Component> Joined<C> {
    /// A page that has loaded and joined, and acknowledged its first version.
    pub fn new(component: C, policy: Policy) -> Self {
        let session = Session::with_policy(component, policy);
        let mut joined = Self { session, sent_templates: SentTemplates::default(), version: 0, seq: 0 };
        let (mode, token) = (JoinMode::Adopt, "token");
        let join = Join { session: SESSION, mode, applied: 0, settled: 0, token, is_latest: true };
        joined.session.handle_input(Timestamp(0), Input::Join(join));
        joined.answer();
        joined.acknowledge();
        joined
    }

    /// The component.
    pub fn component(&self) -> &C {
        self.session.component()
    }

    /// The frame of the page's next event, made on the version that it is at.
    pub fn event_frame(&mut self, Place(instance, slot): Place) -> Vec<u8> {
        self.seq += 1;
        let (ack, seq) = (self.version, self.seq);
        ClientFrame::Event { ack, seq, behind: 0, instance, slot, payload: Payload::None }.encode(SESSION)
    }

    /// Takes a frame of the client's, as far as the update.
    ///
    /// # Panics
    ///
    /// When the frame is none.
    pub fn take(&mut self, frame: &[u8]) {
        let (_, frame) = ClientFrame::decode(frame).expect("a client sends frames");
        self.session.handle_input(Timestamp(0), Input::Frame(frame));
    }

    /// Renders and compares; what the session then has for the socket, the templates among it.
    ///
    /// # Panics
    ///
    /// When the session ends: the page named a place that isn't there.
    pub fn answer(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(transmission) => {
                    frames.append(&mut self.sent_templates.announce(&transmission.templates));
                    frames.push(transmission.frame);
                }
                Output::Persist(checkpoint) => {
                    let generation = checkpoint.generation;
                    self.session.handle_input(Timestamp(0), Input::Persisted { generation });
                }
                Output::Close(reason) | Output::Drop(reason) => panic!("the session ended: {reason:?}"),
                _ => {}
            }
        }
        self.version = self.session.version();
        frames
    }

    /// The page has applied what came: the session forgets what it kept in case it hadn't.
    pub fn acknowledge(&mut self) -> usize {
        let frame = ClientFrame::Ack { ack: self.version, behind: 0 }.encode(SESSION);
        self.take(&frame);
        let answer = self.answer();
        assert!(answer.is_empty(), "an acknowledgement has no answer");
        frame.len()
    }

    /// An event from its frame to the frames of its answer, and the acknowledgement.
    pub fn event(&mut self, place: Place) -> Vec<Vec<u8>> {
        let frame = self.event_frame(place);
        self.take(&frame);
        let answer = self.answer();
        self.acknowledge();
        answer
    }

    /// What a message of the server's own leads to, and the acknowledgement.
    pub fn message(&mut self, message: C::Message) -> Vec<Vec<u8>> {
        self.session.handle_input(Timestamp(0), Input::Message(message));
        let answer = self.answer();
        self.acknowledge();
        answer
    }

    /// What the component looks like.
    pub fn render(&self) -> Html<C::Message> {
        self.session.component().render()
    }
}

/// Where a click happens: an instance, and a handler's slot of its template.
#[derive(Debug, Clone, Copy)]
pub struct Place(pub u32, pub u32);

/// The counter's +.
pub const INCREMENT: Place = Place(ROOT, 2);

/// Frames as they were before they were bytes.
///
/// # Panics
///
/// When one is none.
pub fn decoded(frames: &[Vec<u8>]) -> Vec<(u32, ServerFrame<'_>)> {
    frames.iter().map(|frame| ServerFrame::decode(frame).expect("a server sends frames")).collect()
}

/// The operations of the [js-framework-benchmark](https://github.com/krausest/js-framework-benchmark),
/// and the counter's one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`Operation::name` says what they are")]
pub enum Operation {
    Counter,
    Create,
    Replace,
    Append,
    Update,
    Select,
    Swap,
    Remove,
    Clear,
}

impl Operation {
    /// Those of the rows.
    pub const ROWS: [Self; 8] = [
        Self::Create,
        Self::Replace,
        Self::Append,
        Self::Update,
        Self::Select,
        Self::Swap,
        Self::Remove,
        Self::Clear,
    ];

    /// For a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter +1",
            Self::Create => "create",
            Self::Replace => "replace all",
            Self::Append => "append 1,000",
            Self::Update => "update every 10th",
            Self::Select => "select a row",
            Self::Swap => "swap two rows",
            Self::Remove => "remove the 5th",
            Self::Clear => "clear",
        }
    }

    /// One word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Append => "append",
            Self::Update => "update",
            Self::Select => "select",
            Self::Swap => "swap",
            Self::Remove => "remove",
            Self::Clear => "clear",
        }
    }

    /// Where the click happens on a table of `count` rows that were created at once.
    ///
    /// Instances are numbered in the order of the program: the root, then the rows.
    pub const fn place(self, count: u32) -> Place {
        const FIFTH: u32 = ROOT + 5;
        match self {
            Self::Counter => INCREMENT,
            Self::Create | Self::Replace if count == 10_000 => Place(ROOT, 1),
            Self::Create | Self::Replace => Place(ROOT, 0),
            Self::Append => Place(ROOT, 2),
            Self::Update => Place(ROOT, 3),
            Self::Clear => Place(ROOT, 4),
            Self::Swap => Place(ROOT, 5),
            Self::Select => Place(FIFTH, 2),
            Self::Remove => Place(FIFTH, 4),
        }
    }
}

/// A page of the rows as it is before `operation` on `count` rows.
pub fn rows_before<C>(operation: Operation, count: u32, component: C, policy: Policy) -> Joined<C>
where
    C: Component<Message = rows::Msg>,
{
    let mut joined = Joined::new(component, policy);
    if operation != Operation::Create {
        joined.event(Operation::Create.place(count));
    }
    joined
}

/// The table, as a session has it.
pub fn rows() -> Adapter<Rows> {
    Adapter(Rows::default())
}

/// The counter, as a session has it.
pub fn counter() -> Adapter<Counter> {
    Adapter(Counter::default())
}

#[cfg(test)]
mod tests;
