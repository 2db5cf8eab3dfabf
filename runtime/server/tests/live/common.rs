//! A server on a loopback port, a client that speaks frames, and components to try.

use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Extension;
use axum::extract::Path;
use axum::http::StatusCode;
use futures_util::{SinkExt, StreamExt};
use lightspeed::{Config, Context, Html, Live, LiveRouter, MountError, Runtime, Server, html};
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::isa::Disassembly;
use lightspeed_protocol::msgpack::{Payload, Raw};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};

/// Counts; its mounts are counted too.
pub(crate) struct Counter {
    count: i64,
}

#[derive(Clone)]
pub(crate) enum CounterMsg {
    Change(i64),
    Later,
    Changed(i64),
}

impl Live for Counter {
    type Msg = CounterMsg;
    type Params = Option<Extension<Mounts>>;

    async fn mount(mounts: Self::Params, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        if let Some(Extension(mounts)) = mounts {
            mounts.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Self { count: 0 })
    }

    fn update(&mut self, msg: CounterMsg, cx: &mut Context<Self::Msg>) {
        match msg {
            CounterMsg::Change(by) | CounterMsg::Changed(by) => self.count += by,
            CounterMsg::Later => cx.perform(async { 100 }, CounterMsg::Changed),
        }
    }

    fn render(&self) -> Html<CounterMsg> {
        html! {
            button onclick=(CounterMsg::Change(-1)) { "-" }
            output { (self.count) }
            button onclick=(CounterMsg::Change(1)) { "+" }
            button onclick=(CounterMsg::Later) { "later" }
        }
    }
}

/// The slots of [`Counter`], in document order.
pub(crate) const DECREMENT: u32 = 0;
pub(crate) const COUNT: u32 = 1;
pub(crate) const INCREMENT: u32 = 2;
pub(crate) const LATER: u32 = 3;

/// How often a component was mounted.
#[derive(Clone, Default)]
pub(crate) struct Mounts(pub(crate) Arc<AtomicUsize>);

/// Fails where its path says, or on a click.
pub(crate) struct Fragile {
    is_render_broken: bool,
    is_drop_broken: bool,
}

#[derive(Clone)]
pub(crate) enum FragileMsg {
    Update,
    Render,
    Task,
    Drop,
}

impl Live for Fragile {
    type Msg = FragileMsg;
    type Params = Path<String>;

    async fn mount(Path(how): Path<String>, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        match how.as_str() {
            "mount" => panic!("broken in mount"),
            "missing" => Err(MountError::new(StatusCode::NOT_FOUND, "There is no such <thing>.")),
            "error" => Err(std::io::Error::other("the secret disk is full").into()),
            _ => Ok(Self { is_render_broken: how == "render", is_drop_broken: how == "drop" }),
        }
    }

    fn update(&mut self, msg: FragileMsg, cx: &mut Context<Self::Msg>) {
        match msg {
            FragileMsg::Update => panic!("broken in update"),
            FragileMsg::Render => self.is_render_broken = true,
            FragileMsg::Task => cx.perform(async { panic!("broken in a task") }, |(): ()| FragileMsg::Update),
            FragileMsg::Drop => self.is_drop_broken = true,
        }
    }

    fn render(&self) -> Html<FragileMsg> {
        assert!(!self.is_render_broken, "broken in render");
        html! {
            button onclick=(FragileMsg::Update) { "update" }
            button onclick=(FragileMsg::Render) { "render" }
            button onclick=(FragileMsg::Task) { "task" }
            button onclick=(FragileMsg::Drop) { "drop" }
        }
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.is_drop_broken, "broken in drop");
    }
}

/// Grows by half a megabyte with each click.
pub(crate) struct Huge {
    size: usize,
}

impl Live for Huge {
    type Msg = ();
    type Params = ();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self { size: 0 })
    }

    fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {
        self.size += 1;
    }

    fn render(&self) -> Html<()> {
        // Each text has nothing in common with the one before, so it travels whole.
        let letter = char::from(b'a' + u8::try_from(self.size % 26).unwrap());
        html! {
            button onclick=(()) { "more" }
            p { (String::from(letter).repeat(if self.size == 0 { 0 } else { 700_000 })) }
        }
    }
}

/// Performs as many tasks at a click as may wait; each ends when the gate opens.
pub(crate) struct Busy {
    gate: Gate,
    done: usize,
}

/// Lets tasks through, and knows how many stand before it.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) is_open: watch::Sender<bool>,
    pub(crate) waiting: Arc<AtomicUsize>,
}

#[derive(Clone)]
pub(crate) enum BusyMsg {
    Perform(usize),
    Done,
}

impl Live for Busy {
    type Msg = BusyMsg;
    type Params = Extension<Gate>;

    async fn mount(Extension(gate): Self::Params, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self { gate, done: 0 })
    }

    fn update(&mut self, msg: BusyMsg, cx: &mut Context<Self::Msg>) {
        match msg {
            BusyMsg::Perform(count) => {
                for _ in 0..count {
                    let gate = self.gate.clone();
                    let pass = async move {
                        gate.waiting.fetch_add(1, Ordering::Relaxed);
                        let _ = gate.is_open.subscribe().wait_for(|is_open| *is_open).await;
                    };
                    cx.perform(pass, |()| BusyMsg::Done);
                }
            }
            BusyMsg::Done => self.done += 1,
        }
    }

    fn render(&self) -> Html<BusyMsg> {
        html! {
            button onclick=(BusyMsg::Perform(100)) { "much" }
            button onclick=(BusyMsg::Perform(2000)) { "too much" }
            output { (self.done) }
        }
    }
}

pub(crate) fn pages(router: LiveRouter) -> LiveRouter {
    router.live::<Counter>("/").live::<Fragile>("/fragile/{how}").live::<Huge>("/huge").live::<Busy>("/busy")
}

pub(crate) struct TestServer {
    pub(crate) addr: SocketAddr,
    pub(crate) runtime: Runtime,
    pub(crate) mounts: Mounts,
    pub(crate) gate: Gate,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let runtime = Runtime::new(config);
        let app = pages(lightspeed::router().runtime(&runtime)).into();
        Self::serve(runtime, app).await
    }

    /// An application of a test's own around `runtime`.
    pub(crate) async fn serve(runtime: Runtime, app: axum::Router) -> Self {
        let mounts = Mounts::default();
        let gate = Gate { is_open: watch::Sender::new(false), waiting: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server =
            Server::new(listener, app.layer(Extension(mounts.clone())).layer(Extension(gate.clone())))
                .with_shutdown(async {
                    // Dropped with the test, too.
                    let _ = stopped.await;
                });
        Self { addr, runtime, mounts, gate, stop: Some(stop), task: tokio::spawn(server.run()) }
    }

    /// A server that somebody else has started, as its visitors see it.
    pub(crate) fn at(addr: SocketAddr) -> Self {
        let gate = Gate { is_open: watch::Sender::new(false), waiting: Arc::default() };
        let task = tokio::spawn(std::future::pending());
        Self { addr, runtime: Runtime::default(), mounts: Mounts::default(), gate, stop: None, task }
    }

    /// Asks the server to end; gives what it ends with.
    pub(crate) fn stop(mut self) -> JoinHandle<std::io::Result<()>> {
        self.stop.take().unwrap().send(()).unwrap();
        self.task
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request("GET", path, "").await
    }

    pub(crate) async fn request(&self, method: &str, path: &str, headers: &str) -> Response {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}\r\n", self.addr);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Response { head, body: bytes[end + 4..].to_vec() }
    }

    /// The token of a new session of the page at `path`.
    pub(crate) async fn token(&self, path: &str) -> String {
        self.get(path).await.token()
    }

    pub(crate) async fn connect(&self) -> Client {
        self.try_connect(None).await.unwrap()
    }

    pub(crate) async fn try_connect(
        &self,
        origin: Option<&str>,
    ) -> Result<Client, tokio_tungstenite::tungstenite::Error> {
        self.connect_with(origin.map(|origin| ("origin", origin))).await
    }

    /// A socket whose request has one more header.
    pub(crate) async fn connect_with(
        &self,
        header: Option<(&'static str, &str)>,
    ) -> Result<Client, tokio_tungstenite::tungstenite::Error> {
        let mut request = format!("ws://{}/lightspeed/socket", self.addr).into_client_request().unwrap();
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        // Without Nagle's algorithm: it waits in real time, which a test with paused time doesn't have.
        let (socket, _) = tokio_tungstenite::connect_async_with_config(request, None, true).await?;
        Ok(Client { socket, token: String::new() })
    }

    /// A client that has said hello and been welcomed.
    pub(crate) async fn hello(&self) -> Client {
        self.hello_with(None).await
    }

    /// The same with one more header.
    pub(crate) async fn hello_with(&self, header: Option<(&'static str, &str)>) -> Client {
        let mut client = self.connect_with(header).await.unwrap();
        client.send(0, &hello(PROTOCOL_VERSION)).await;
        assert_eq!(client.frame().await.kind, "welcome");
        client
    }

    /// A client with a session of the page at `path`, joined as 1.
    pub(crate) async fn joined(&self, path: &str) -> Client {
        let token = self.token(path).await;
        let mut client = self.hello().await;
        client.adopt(1, &token).await;
        client
    }
}

pub(crate) struct Response {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn token(&self) -> String {
        let (_, rest) = self.text().split_once("<lightspeed-view data-session=\"").expect("a view");
        rest.split('"').next().unwrap().to_owned()
    }
}

pub(crate) fn hello(protocol: u32) -> ClientFrame<'static> {
    ClientFrame::Hello { protocol, build: "test", templates: Raw::new(&[0x90]) }
}

/// A server's frame, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) session: u32,
    pub(crate) kind: &'static str,
    /// The events that are settled: of whatever acknowledges some.
    pub(crate) ack: u64,
    /// Of a patch or a snapshot.
    pub(crate) version: u64,
    /// Of a patch or a snapshot, disassembled.
    pub(crate) program: String,
    /// Of a close.
    pub(crate) reason: Option<CloseReason>,
    /// Of a close.
    pub(crate) retry_ms: u64,
    /// Of a close or a refusal.
    pub(crate) message: String,
    /// The event that is refused, and why.
    pub(crate) refused: Option<(u64, RefusalReason)>,
}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Of the session that joined last: what the next join shows.
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn send(&mut self, session: u32, frame: &ClientFrame<'_>) {
        self.send_bytes(frame.encode(session)).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::Binary(bytes.into())).await.unwrap();
    }

    /// The next message; pings of the WebSocket are answered on the way, as a browser does.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        loop {
            let message =
                tokio::time::timeout(Duration::from_mins(10), self.socket.next()).await.expect("an answer");
            let message = message.map(|message| message.unwrap());
            if !matches!(message, Some(Message::Ping(_))) {
                return message;
            }
        }
    }

    /// The next frame, templates left out.
    pub(crate) async fn frame(&mut self) -> Frame {
        loop {
            let Some(Message::Binary(bytes)) = self.message().await else { panic!("a frame is expected") };
            let (session, frame) = ServerFrame::decode(&bytes).unwrap();
            let mut taken = Frame {
                session,
                kind: frame.name(),
                ack: 0,
                version: 0,
                program: String::new(),
                reason: None,
                retry_ms: 0,
                message: String::new(),
                refused: None,
            };
            match frame {
                ServerFrame::Template { .. } => continue,
                ServerFrame::Patch { ack, version, program }
                | ServerFrame::Snapshot { ack, version, program } => {
                    taken.ack = ack;
                    taken.version = version;
                    taken.program = Disassembly(program).to_string();
                }
                ServerFrame::Close { reason, message, retry_ms } => {
                    taken.reason = CloseReason::from_code(reason);
                    taken.retry_ms = retry_ms;
                    message.clone_into(&mut taken.message);
                }
                ServerFrame::Refused { seq, reason, message } => {
                    taken.refused = RefusalReason::from_code(reason).map(|reason| (seq, reason));
                    message.clone_into(&mut taken.message);
                }
                ServerFrame::Joined { ack, token } => {
                    taken.ack = ack;
                    token.clone_into(&mut self.token);
                }
                ServerFrame::Ack { ack } => taken.ack = ack,
                _ => {}
            }
            return taken;
        }
    }

    pub(crate) async fn join(&mut self, session: u32, token: &str) {
        self.send(session, &ClientFrame::Join { token, mode: 0, applied: 0, settled: 0 }).await;
    }

    pub(crate) async fn adopt(&mut self, session: u32, token: &str) {
        self.join(session, token).await;
        let joined = self.frame().await;
        assert_eq!((joined.session, joined.kind), (session, "joined"), "{joined:?}");
        let snapshot = self.frame().await;
        assert_eq!((snapshot.session, snapshot.kind), (session, "snapshot"));
        assert!(snapshot.program.starts_with("adopt"), "{}", snapshot.program);
    }

    pub(crate) async fn click(&mut self, session: u32, ack: u64, seq: u64, slot: u32) {
        self.send(session, &click(ack, seq, 1, slot)).await;
    }

    /// Increments the counter that is joined as `session`, once more than `count` times.
    pub(crate) async fn increments(&mut self, session: u32, count: u64) {
        self.click(session, count, count + 1, INCREMENT).await;
        let patch = self.frame().await;
        assert_eq!((patch.session, patch.kind, patch.version), (session, "patch", count + 1), "{patch:?}");
        assert_eq!(patch.program, format!("text 1 {COUNT} {}\n", count + 1));
    }

    /// Expects the close of one session.
    #[track_caller]
    pub(crate) fn closed(&mut self, session: u32, reason: CloseReason) -> impl Future<Output = ()> {
        let location = std::panic::Location::caller();
        async move {
            loop {
                let frame = self.frame().await;
                if frame.kind == "close" {
                    assert_eq!(
                        (frame.session, frame.reason),
                        (session, Some(reason)),
                        "at {location}: {frame:?}"
                    );
                    return;
                }
                assert!(matches!(frame.kind, "ack" | "patch"), "at {location}: {frame:?}");
            }
        }
    }

    /// Expects the end of the socket: the frame, and then the WebSocket's own close.
    pub(crate) async fn ended(&mut self, reason: CloseReason) -> String {
        let frame = self.frame().await;
        assert_eq!((frame.session, frame.reason), (0, Some(reason)), "{frame:?}");
        let Some(Message::Close(Some(close))) = self.message().await else { panic!("a close is expected") };
        assert_eq!(u16::from(close.code), reason.websocket_code());
        assert_eq!(close.reason.as_str(), reason.name());
        frame.message
    }
}

pub(crate) fn click(ack: u64, seq: u64, instance: u32, slot: u32) -> ClientFrame<'static> {
    ClientFrame::Event { ack, seq, behind: 0, instance, slot, payload: Payload::None }
}

/// Has every event looked at in all threads, whoever listens in this one.
///
/// While a process has but one subscriber, tracing asks only the thread that comes to an event first whether
/// anybody wants it: another test, which doesn't listen, would answer for the one that does.
pub(crate) fn listen_everywhere() {
    // Fails when it is done already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Everywhere));
}

/// Collects what sessions tell in threads where nobody listens.
struct Everywhere;

static TOLD_EVERYWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl<S: tracing::Subscriber> Layer<S> for Everywhere {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                let _ = write!(self.0, " {field}={value:?}");
            }
        }
        if event.metadata().target() == lightspeed::telemetry::TARGET {
            let mut text = Text(event.metadata().level().to_string());
            event.record(&mut text);
            TOLD_EVERYWHERE.lock().unwrap().push(text.0);
        }
    }
}

/// The lines that hold `text`, of threads in which no [`Log`] has been started.
pub(crate) fn log_of_all(text: &str) -> Vec<String> {
    TOLD_EVERYWHERE.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect()
}

/// Collects the log of this thread, which on a current-thread runtime is the test's.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        listen_everywhere();
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines that hold `text`.
    pub(crate) fn lines(&self, text: &str) -> Vec<String> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .filter(|line| line.contains(text))
            .map(str::to_owned)
            .collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Waits until `is_true`: what it waits for happens in another task soon.
pub(crate) async fn eventually(is_true: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if is_true() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it did not happen");
}
