//! A live component without a browser and without a server: for an application's tests.
//!
//! A [`Page`] joins the two halves that ship in one process: the session that runs the component, and the
//! client with a document in memory. Every frame passes as bytes and is kept, and the clock is a number that
//! the test moves. After each frame that changes the document, the document is compared with the server's
//! render.
//!
//! ```
//! use lightspeed::{Adapter, Context, Html, Live, MountError, html};
//! use lightspeed_test::Page;
//!
//! struct Counter {
//!     count: i64,
//! }
//!
//! impl Live for Counter {
//!     type Msg = i64;
//!     type Params = ();
//!
//!     async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
//!         Ok(Self { count: 0 })
//!     }
//!
//!     fn update(&mut self, by: i64, _: &mut Context<Self::Msg>) {
//!         self.count += by;
//!     }
//!
//!     fn render(&self) -> Html<i64> {
//!         html! { button #inc onclick=(1) { "+" } output #count { (self.count) } }
//!     }
//! }
//!
//! let mut page = Page::new(Adapter(Counter { count: 0 }));
//! page.click("inc");
//! assert_eq!(page.document.text_of("count").as_deref(), Some("1"));
//! ```
//!
//! Tasks that a component asks for by `Context::perform` wait in [`Page::effects`]: the test says by
//! [`Page::message`] how they end.

use std::collections::VecDeque;

use lightspeed_core::Policy;
use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_core::session::checkpoint::Checkpoint;
use lightspeed_core::session::{Component, Input, Join, Output, Session};
use lightspeed_interpreter::{Address, Client, ClientOutput, MemoryDocument};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_protocol::{PROTOCOL_VERSION, Timestamp, limits};

/// A frame that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// From the client.
    Up(Vec<u8>),
    /// From the server.
    Down(Vec<u8>),
}

impl Passed {
    /// The frame's bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Up(bytes) | Self::Down(bytes) => bytes,
        }
    }
}

/// What a session heard or said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A frame came from the client.
    Up(Vec<u8>),
    /// A frame went to the client.
    Down(Vec<u8>),
    /// The socket was lost.
    Cut,
}

/// A recorded session: what happened and when.
pub type Recording = Vec<(Timestamp, Happened)>;

/// A component's session, a client, and the client's document.
#[derive(Debug)]
pub struct Page<C: Component> {
    /// The server half.
    pub session: Session<C>,
    /// The client half.
    pub client: Client,
    /// The page that the session began with.
    pub html: String,
    /// What the client shows.
    pub document: MemoryDocument,
    /// Every frame that passed.
    pub frames: Vec<Passed>,
    /// What the server heard and said, and when.
    pub recording: Recording,
    /// What the component asked for and nobody has done yet.
    pub effects: Vec<C::Effect>,
    /// Events that were refused.
    pub refused: Vec<u64>,
    /// What was stored last.
    pub stored: Option<Checkpoint>,
    /// Why the session ended, if it has.
    pub closed: Option<CloseReason>,
    /// The clock, in milliseconds.
    pub now: Timestamp,
    sent_templates: SentTemplates,
    is_online: bool,
    to_server: VecDeque<Vec<u8>>,
    to_client: VecDeque<Vec<u8>>,
}

impl<C: Component> Page<C> {
    /// A page that has loaded `component`'s first HTML and joined.
    pub fn new(component: C) -> Self {
        let mut page = Self::unjoined(component);
        page.client.handle_start(page.now);
        page.pump();
        page
    }

    /// A page that has loaded and not yet joined.
    pub fn unjoined(component: C) -> Self {
        Self::over(Session::new(component))
    }

    /// A page that has loaded a session's first HTML and not yet joined.
    pub fn over(session: Session<C>) -> Self {
        let html = session.page_html();
        let document = MemoryDocument::from_html(&html);
        let mut client = Client::new("test", 1);
        client.add_session("token");
        Self {
            session,
            client,
            html,
            document,
            frames: Vec::new(),
            recording: Recording::new(),
            effects: Vec::new(),
            refused: Vec::new(),
            stored: None,
            closed: None,
            now: Timestamp(0),
            sent_templates: SentTemplates::default(),
            is_online: false,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
        }
    }

    /// A page that has nothing and asks for the whole document.
    pub fn rebuilt(component: C) -> Self {
        let mut page = Self::unjoined(component);
        page.document = MemoryDocument::new();
        page.is_online = true;
        let join = Join {
            session: 1,
            mode: JoinMode::Rebuild,
            applied: 0,
            settled: 0,
            token: "token",
            is_latest: true,
        };
        page.session.handle_input(page.now, Input::Join(join));
        page.client.handle_start(page.now);
        page.client.handle_open(page.now);
        while page.client.poll_output().is_some() {}
        page.welcome();
        page.drain_session();
        while let Some(frame) = page.to_client.pop_front() {
            page.client.handle_message(page.now, &frame, &mut page.document);
        }
        page
    }

    /// Clicks the element with this id.
    ///
    /// # Panics
    ///
    /// When it has no handler for clicks.
    pub fn click(&mut self, id: &str) {
        let at = self.document.place_of(id, EventKind::Click);
        self.event(at.expect("the element has a click handler"), Payload::None);
    }

    /// An event happens at a place.
    pub fn event(&mut self, at: Address, payload: Payload<'_>) {
        self.fire(at, payload);
        self.pump();
    }

    /// An event happens, and nothing passes yet. A field holds what the person entered.
    pub fn fire(&mut self, at: Address, payload: Payload<'_>) -> Option<u64> {
        self.document.enter(at, payload);
        let seq = self.client.handle_event(self.now, 1, at.instance, at.slot, payload);
        self.drain_client();
        seq
    }

    /// The component gets a message from its own tasks.
    pub fn message(&mut self, message: C::Message) {
        self.session.handle_input(self.now, Input::Message(message));
        self.pump();
    }

    /// What the client has sent reaches the server; what the server answers is under way.
    pub fn pass_up(&mut self) {
        self.drain_client();
        while let Some(frame) = self.to_server.pop_front() {
            self.deliver_up(&frame);
            self.drain_session();
        }
    }

    /// The connection is cut; what is under way is lost.
    pub fn cut(&mut self) {
        self.is_online = false;
        self.to_client.clear();
        self.to_server.clear();
        self.client.handle_closed(self.now);
        self.recording.push((self.now, Happened::Cut));
        self.session.handle_input(self.now, Input::Detach);
        self.drain_session();
    }

    /// The server is killed, and another goes on from what was stored, with a `component` that is
    /// mounted anew. The page isn't told.
    ///
    /// # Panics
    ///
    /// When nothing was stored, or it can't be read.
    pub fn restart(&mut self, component: C, policy: Policy) {
        let stored = self.stored.as_ref().expect("the session was stored");
        self.session = Session::restore(component, policy, &stored.bytes).expect("a checkpoint");
        self.is_online = false;
        self.to_client.clear();
        self.to_server.clear();
        self.client.handle_closed(self.now);
    }

    /// Time passes, a timeout at a time.
    pub fn advance_ms(&mut self, milliseconds: u64) {
        let until = self.now.after_ms(milliseconds);
        while let Some(at) = self.client.next_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.client.handle_timeout(self.now);
            self.pump();
        }
        self.now = until;
    }

    /// Passes frames until both sides are silent, and compares what the client shows with the render.
    ///
    /// # Panics
    ///
    /// When they differ.
    pub fn pump(&mut self) {
        loop {
            self.drain_session();
            self.drain_client();
            if let Some(frame) = self.to_server.pop_front() {
                self.deliver_up(&frame);
            } else if let Some(frame) = self.to_client.pop_front() {
                self.client.handle_message(self.now, &frame, &mut self.document);
                self.check();
            } else {
                return;
            }
        }
    }

    /// Compares what the client shows with the server's render, if it is at the same version.
    ///
    /// # Panics
    ///
    /// When they differ.
    pub fn check(&self) {
        if self.client.version(1) == Some(self.session.version()) && self.to_client.is_empty() {
            // Before it is adopted the page lacks what its program puts in.
            let is_adopted = self.frames.iter().any(|frame| match frame {
                Passed::Down(bytes) => {
                    matches!(ServerFrame::decode(bytes), Ok((_, ServerFrame::Snapshot { .. })))
                }
                Passed::Up(_) => false,
            });
            let html = if is_adopted { self.session.whole_html() } else { self.session.page_html() };
            let expected = MemoryDocument::canonical(&html);
            assert_eq!(self.document.to_html(), expected, "the client's document is the server's render");
        }
    }

    /// The bytes of the frames since `start`: up and down.
    pub fn bytes_since(&self, start: usize) -> (usize, usize) {
        self.frames[start..].iter().fold((0, 0), |(up, down), frame| match frame {
            Passed::Up(bytes) => (up + bytes.len(), down),
            Passed::Down(bytes) => (up, down + bytes.len()),
        })
    }

    fn welcome(&mut self) {
        self.send_down(welcome());
    }

    fn send_down(&mut self, frame: Vec<u8>) {
        self.frames.push(Passed::Down(frame.clone()));
        self.recording.push((self.now, Happened::Down(frame.clone())));
        self.to_client.push_back(frame);
    }

    fn deliver_up(&mut self, bytes: &[u8]) {
        self.recording.push((self.now, Happened::Up(bytes.to_vec())));
        let (session, frame) = ClientFrame::decode(bytes).expect("a client sends what a server reads");
        match (session, frame) {
            (0, ClientFrame::Hello { templates, .. }) => {
                let mut known = templates.reader();
                let count = known.array().expect("an array");
                self.sent_templates =
                    SentTemplates::new((0..count).map(|_| known.uint32().expect("a fingerprint")));
                self.welcome();
            }
            (0, ClientFrame::Ping {}) => self.send_down(ServerFrame::Pong {}.encode(0)),
            (session, ClientFrame::Join { token, mode, applied, settled }) => {
                let mode = JoinMode::from_code(mode).expect("a mode");
                let join = Join { session, mode, applied, settled, token, is_latest: true };
                self.session.handle_input(self.now, Input::Join(join));
            }
            (_, frame) => self.session.handle_input(self.now, Input::Frame(frame)),
        }
    }

    fn drain_session(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(transmission) => {
                    if !self.is_online {
                        continue;
                    }
                    for frame in self.sent_templates.announce(&transmission.templates) {
                        self.send_down(frame);
                    }
                    self.send_down(transmission.frame);
                }
                Output::Effect(effect) => self.effects.push(effect),
                Output::Persist(checkpoint) => {
                    let generation = checkpoint.generation;
                    self.stored = Some(checkpoint);
                    self.session.handle_input(self.now, Input::Persisted { generation });
                }
                Output::Close(reason) => {
                    self.closed = Some(reason);
                    if self.is_online {
                        let (reason, message) = (reason.code(), reason.name());
                        let close = ServerFrame::Close { reason, message, retry_ms: 0 };
                        self.send_down(close.encode(1));
                    }
                }
                _ => {}
            }
        }
    }

    fn drain_client(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                ClientOutput::Connect => {
                    self.is_online = true;
                    self.client.handle_open(self.now);
                }
                ClientOutput::Disconnect => {
                    self.is_online = false;
                    self.to_client.clear();
                    self.recording.push((self.now, Happened::Cut));
                    self.session.handle_input(self.now, Input::Detach);
                }
                ClientOutput::Transmit(frame) => {
                    self.frames.push(Passed::Up(frame.clone()));
                    self.to_server.push_back(frame);
                }
                ClientOutput::Refused { seq, .. } => self.refused.push(seq),
                _ => {}
            }
        }
    }
}

/// What the server greets a client with.
#[doc(hidden)]
pub fn welcome() -> Vec<u8> {
    ServerFrame::Welcome {
        protocol: PROTOCOL_VERSION,
        build: "test",
        heartbeat_ms: limits::HEARTBEAT_MS,
        event_bytes_max: limits::EVENT_BYTES_MAX as u64,
    }
    .encode(0)
}
