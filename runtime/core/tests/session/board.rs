//! A component with something of everything, and a client that does what a test says.

use lightspeed_core::session::{Join, Session, Unfit};
use lightspeed_core::{Component, Html, Input, Output};
use lightspeed_macros::html;
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::msgpack::Payload;

#[derive(Debug, Clone, Default)]
pub(crate) struct Board {
    pub(crate) count: i32,
    pub(crate) rows: Vec<u32>,
    pub(crate) is_open: bool,
    pub(crate) draft: String,
    pub(crate) is_agreed: bool,
    pub(crate) log: Vec<Msg>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Msg {
    Set(i32),
    Remove(u32),
    Rows(Vec<u32>),
    Toggle,
    Inside,
    Draft(String),
    Agree(bool),
    Save,
}

impl Component for Board {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, message: Msg, _: &mut Vec<()>) {
        self.log.push(message.clone());
        match message {
            Msg::Set(count) => self.count = count,
            Msg::Remove(id) => self.rows.retain(|row| *row != id),
            Msg::Rows(rows) => self.rows = rows,
            Msg::Toggle => self.is_open = !self.is_open,
            Msg::Draft(text) => self.draft = text.trim().into(),
            Msg::Agree(is_agreed) => self.is_agreed = is_agreed,
            Msg::Save => self.draft.clear(),
            Msg::Inside => {}
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            button #set onclick=(Msg::Set(self.count + 1)) { "set" }
            span #count { (self.count) }
            button #toggle onclick=(Msg::Toggle) { "toggle" }
            @if self.is_open { button #inside onclick=(Msg::Inside) { "inside" } }
            form onsubmit=(|(): ()| Msg::Save) {
                input #draft name="draft" value=(self.draft) oninput=(Msg::Draft);
                input #agree type="checkbox" checked[self.is_agreed] onchange=(Msg::Agree);
            }
            ul {
                @for row in &self.rows {
                    li key=(row) { button id={ "row" (row) } onclick=(Msg::Remove(*row)) { (row) } }
                }
            }
        }
    }
}

pub(crate) fn board(rows: &[u32]) -> Board {
    Board { rows: rows.into(), ..Board::default() }
}

pub(crate) fn join<'a>(mode: JoinMode, applied: u64) -> Input<'a, Msg> {
    Input::Join(Join { session: 1, mode, applied, settled: 0, token: "token", is_latest: true })
}

/// A session with a client that does what the test says, and the frames that it got.
pub(crate) struct Hostile {
    pub(crate) session: Session<Board>,
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) unfit: Vec<Unfit>,
    pub(crate) closed: Option<CloseReason>,
}

impl Hostile {
    pub(crate) fn new(board: Board) -> Self {
        let session = Session::new(board);
        let mut it = Self { session, frames: Vec::new(), unfit: Vec::new(), closed: None };
        it.input(join(JoinMode::Adopt, 0));
        it
    }

    pub(crate) fn input(&mut self, input: Input<'_, Msg>) {
        self.session.handle_input(Timestamp(0), input);
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(transmission) => self.frames.push(transmission.frame),
                Output::Unfit(unfit) => self.unfit.push(unfit),
                Output::Close(reason) => self.closed = Some(reason),
                _ => {}
            }
        }
    }

    pub(crate) fn event(&mut self, ack: u64, seq: u64, behind: u64, instance: u32, slot: u32) {
        let payload = Payload::None;
        self.input(Input::Frame(ClientFrame::Event { ack, seq, behind, instance, slot, payload }));
    }

    pub(crate) fn patches(&self) -> usize {
        let patches = self.frames.iter().filter(|frame| {
            matches!(
                ServerFrame::decode(frame),
                Ok((_, ServerFrame::Patch { .. } | ServerFrame::Snapshot { .. }))
            )
        });
        patches.count()
    }
}
