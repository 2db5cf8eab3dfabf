//! A person with a page open.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Uri;
use lightspeed_interpreter::{ClientOutput, LinkState};
use lightspeed_protocol::Timestamp;
use lightspeed_protocol::message::DEFLATE_QUERY;
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite;

use super::errors::{NotTaken, OpenError, WaitError};
use super::http::{FetchedPage, fetch};
use super::inflate::inflated;
use super::network::{Network, SystemNetwork};
use super::shown::Shown;
use super::socket::Socket;

/// Settings of a [`Visitor`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VisitorConfig {
    /// The address that the visitor comes from: the system's choice unless set. Each address
    /// of 127.0.0.0/8 has about 28,000 ports for connections to one server.
    pub source: Option<IpAddr>,
    /// Feeds the jitter of the reconnects: another one for each visitor unless set.
    pub seed: Option<u64>,
    /// What the visitor comes over: the system's network unless set, and then `source` has no effect.
    pub network: Option<Arc<dyn Network>>,
    /// Whether [`Shown::frames`] keeps them, for as long as the page is open.
    pub has_frames: bool,
    /// Whether the visitor says that it cannot inflate, as an old browser.
    pub is_inflating_nothing: bool,
}

impl VisitorConfig {
    /// Sets the address that the visitor comes from.
    pub fn with_source(mut self, source: impl Into<IpAddr>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets what feeds the jitter of the reconnects.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets what the visitor comes over.
    pub fn with_network(mut self, network: impl Network) -> Self {
        self.network = Some(Arc::new(network));
        self
    }

    /// Has the server compress nothing, as for a browser that can't inflate.
    pub fn without_inflate(mut self) -> Self {
        self.is_inflating_nothing = true;
        self
    }

    /// Keeps every frame that passes: [`Shown::frames`].
    pub fn with_frames(mut self) -> Self {
        self.has_frames = true;
        self
    }
}

/// A person with a page open, without a browser.
///
/// The page lives in a task of its own until the visitor is closed or dropped: it answers,
/// waits and comes back by itself, as one in a browser does.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use lightspeed_testing::native::Visitor;
///
/// let visitor = Visitor::open("http://127.0.0.1:3000/counter").await?;
/// visitor.wait_connected(Duration::from_secs(10)).await?;
/// visitor.click("inc")?;
/// visitor.wait_until(Duration::from_secs(10), |page| page.has_text("count", "1")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Visitor {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What the visitor and the page's task have in common.
#[derive(Debug)]
struct Shared {
    shown: Mutex<Shown>,
    /// There is something to do for the task.
    wake: Notify,
    /// Something has changed for whoever waits.
    changes: watch::Sender<()>,
    began: Instant,
}

static NEXT_SEED: AtomicU64 = AtomicU64::new(1);

impl Visitor {
    /// Fetches a page, `http://host:port/path`, and begins to connect.
    ///
    /// # Errors
    ///
    /// When the page cannot be fetched or has no live part.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_with(url, VisitorConfig::default()).await
    }

    /// The same with settings.
    ///
    /// # Errors
    ///
    /// As [`Visitor::open`].
    pub async fn open_with(url: &str, config: VisitorConfig) -> Result<Self, OpenError> {
        let url: Uri = url.parse().map_err(|_| OpenError::Url)?;
        if url.scheme_str() != Some("http") {
            return Err(OpenError::Url);
        }
        let network = config.network.unwrap_or_else(|| Arc::new(SystemNetwork { source: config.source }));
        let page = fetch(&*network, &url).await?;
        let seed = config.seed.unwrap_or_else(|| NEXT_SEED.fetch_add(1, Ordering::Relaxed));
        let shared = Arc::new(Shared {
            shown: Mutex::new(Shown::new(&page, seed, config.has_frames)),
            wake: Notify::new(),
            changes: watch::Sender::new(()),
            began: Instant::now(),
        });
        shared.input(|shown, now| shown.input(|client| client.handle_start(now)));
        let query = if config.is_inflating_nothing { "" } else { DEFLATE_QUERY };
        let driver = Driver {
            shared: Arc::clone(&shared),
            url,
            socket_path: page.socket_path + query,
            network,
            socket: None,
            connecting: None,
            refreshing: None,
        };
        Ok(Self { shared, task: tokio::spawn(driver.run()) })
    }

    /// Clicks the element with this `id`; returns the event's number.
    ///
    /// # Errors
    ///
    /// When the page doesn't take the click.
    pub fn click(&self, id: &str) -> Result<u64, NotTaken> {
        self.event(id, EventKind::Click, Payload::None)
    }

    /// Enters a text into the field with this `id`, as with every keystroke.
    ///
    /// # Errors
    ///
    /// When the page doesn't take it.
    pub fn input(&self, id: &str, text: &str) -> Result<u64, NotTaken> {
        self.event(id, EventKind::Input, Payload::Text(text))
    }

    /// Leaves the field with this `id` with a text in it.
    ///
    /// # Errors
    ///
    /// When the page doesn't take it.
    pub fn change(&self, id: &str, text: &str) -> Result<u64, NotTaken> {
        self.event(id, EventKind::Change, Payload::Text(text))
    }

    /// Submits the form with this `id`; `fields` are its names and values.
    ///
    /// # Errors
    ///
    /// When the page doesn't take it.
    pub fn submit(&self, id: &str, fields: &[(&str, &str)]) -> Result<u64, NotTaken> {
        let text = serde_html_form::to_string(fields).expect("pairs of texts are a form");
        self.event(id, EventKind::Submit, Payload::Text(&text))
    }

    /// Something happens at the element with this `id`; returns the event's number.
    ///
    /// # Errors
    ///
    /// When the page doesn't take it.
    pub fn event(&self, id: &str, event: EventKind, payload: Payload<'_>) -> Result<u64, NotTaken> {
        let now = self.shared.now();
        let seq = self.shared.lock().fire(now, id, event, payload)?;
        // One that isn't taken changes nothing, and whoever tries again at each change must not cause one.
        self.shared.changes.send_replace(());
        self.shared.wake.notify_one();
        Ok(seq)
    }

    /// Clicks `count` times, each time as soon as the page takes it. The answers are not waited for.
    ///
    /// # Errors
    ///
    /// When `within` has passed.
    pub async fn click_times(&self, id: &str, count: usize, within: Duration) -> Result<(), WaitError> {
        let mut clicked_count = 0;
        self.wait(within, || {
            while clicked_count < count && self.click(id).is_ok() {
                clicked_count += 1;
            }
            clicked_count == count
        })
        .await
    }

    /// Waits until what the page shows is as wanted.
    ///
    /// # Errors
    ///
    /// When `within` has passed.
    pub async fn wait_until(
        &self,
        within: Duration,
        mut is_true: impl FnMut(&Shown) -> bool,
    ) -> Result<(), WaitError> {
        self.wait(within, || is_true(&self.shared.lock())).await
    }

    /// Waits until the page is connected.
    ///
    /// # Errors
    ///
    /// When `within` has passed.
    pub async fn wait_connected(&self, within: Duration) -> Result<(), WaitError> {
        self.wait_until(within, |page| page.state() == LinkState::Connected).await
    }

    /// Waits until every event is handled or refused.
    ///
    /// # Errors
    ///
    /// When `within` has passed.
    pub async fn wait_settled(&self, within: Duration) -> Result<(), WaitError> {
        self.wait_until(within, |page| page.unsettled_count() == 0).await
    }

    async fn wait(&self, within: Duration, mut is_true: impl FnMut() -> bool) -> Result<(), WaitError> {
        let mut changes = self.shared.changes.subscribe();
        let happens = async {
            // The sender lives as long as the visitor.
            while !is_true() && changes.changed().await.is_ok() {}
        };
        if timeout(within, happens).await.is_ok() {
            return Ok(());
        }
        Err(self.look(|page| WaitError {
            within,
            state: page.state(),
            unsettled_count: page.unsettled_count(),
            html: page.html(),
        }))
    }

    /// Looks at the page.
    pub fn look<T>(&self, at: impl FnOnce(&Shown) -> T) -> T {
        at(&self.shared.lock())
    }

    /// The text within the element with this `id`.
    pub fn text_of(&self, id: &str) -> Option<String> {
        self.look(|page| page.text_of(id))
    }

    /// The live parts as HTML.
    pub fn html(&self) -> String {
        self.look(Shown::html)
    }

    /// How the page's link is.
    pub fn state(&self) -> LinkState {
        self.look(Shown::state)
    }

    /// Events of which it isn't known yet whether they are handled.
    pub fn unsettled_count(&self) -> usize {
        self.look(Shown::unsettled_count)
    }

    /// The numbers of the events that had no effect.
    pub fn refused(&self) -> Vec<u64> {
        self.look(|page| page.refused().to_vec())
    }

    /// Cuts the socket: what is under way in either direction is lost. The page comes back by itself.
    pub fn cut(&self) {
        self.shared.lock().is_cut_wanted = true;
        self.shared.wake.notify_one();
    }

    /// Something else than the client has changed the page, as extensions do: it asks for its documents as a whole.
    pub fn break_documents(&self) {
        self.shared.input(Shown::break_documents);
        self.shared.wake.notify_one();
    }

    /// Leaves the page; the socket is closed when this returns.
    ///
    /// # Panics
    ///
    /// When the page's task has panicked.
    pub async fn close(mut self) {
        self.shared.lock().is_close_wanted = true;
        self.shared.wake.notify_one();
        (&mut self.task).await.expect("the page's task does not panic");
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        // A test that panicked while it looked has changed nothing.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn input<T>(&self, give: impl FnOnce(&mut Shown, Timestamp) -> T) -> T {
        let given = give(&mut self.lock(), self.now());
        self.changes.send_replace(());
        given
    }

    fn now(&self) -> Timestamp {
        Timestamp(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

type Opening<T> = Option<Pin<Box<dyn Future<Output = Result<T, OpenError>> + Send>>>;

/// Does for the client what `client-js` does in a browser.
struct Driver {
    shared: Arc<Shared>,
    url: Uri,
    socket_path: String,
    network: Arc<dyn Network>,
    socket: Option<Socket>,
    connecting: Opening<Socket>,
    refreshing: Opening<FetchedPage>,
}

impl Driver {
    async fn run(mut self) {
        loop {
            let (wanted, due) = {
                let mut shown = self.shared.lock();
                (std::mem::take(&mut shown.wanted), shown.next_timeout())
            };
            self.perform(wanted);
            let due = due.map(|due| self.shared.began + Duration::from_millis(due.0));
            tokio::select! {
                // Not in random order, which no seed decides; last is what may be ready ever again.
                biased;
                () = self.shared.wake.notified() => {
                    if !self.obey() {
                        return;
                    }
                }
                () = reach(due) => {
                    self.shared.input(|shown, now| shown.input(|client| client.handle_timeout(now)));
                }
                opened = finish(&mut self.connecting) => match opened {
                    Ok(socket) => {
                        self.socket = Some(socket);
                        self.shared.input(|shown, now| shown.input(|client| client.handle_open(now)));
                    }
                    Err(_) => self.closed(),
                },
                page = finish(&mut self.refreshing) => self.refreshed(page),
                message = next_message(&mut self.socket) => match message {
                    Some(bytes) => self.heard(&bytes),
                    None => self.closed(),
                },
            }
        }
    }

    fn perform(&mut self, wanted: VecDeque<ClientOutput>) {
        for output in wanted {
            match output {
                ClientOutput::Connect => {
                    self.disconnect();
                    let (url, path) = (self.url.clone(), self.socket_path.clone());
                    let network = Arc::clone(&self.network);
                    self.connecting =
                        Some(Box::pin(async move { Socket::open(&*network, &url, &path).await }));
                }
                ClientOutput::Disconnect => self.disconnect(),
                ClientOutput::Transmit(frame) => {
                    if let Some(socket) = &mut self.socket {
                        let now = self.shared.now();
                        self.shared.lock().note_sent(now, &frame);
                        socket.send(frame);
                    }
                }
                ClientOutput::Refresh => {
                    let (url, network) = (self.url.clone(), Arc::clone(&self.network));
                    self.refreshing = Some(Box::pin(async move { fetch(&*network, &url).await }));
                }
                _ => {}
            }
        }
    }

    /// Does what the visitor wants; false when that is to leave.
    fn obey(&mut self) -> bool {
        let (is_cut, is_closed) = {
            let mut shown = self.shared.lock();
            (std::mem::take(&mut shown.is_cut_wanted), shown.is_close_wanted)
        };
        if is_closed {
            self.disconnect();
        } else if is_cut && (self.socket.is_some() || self.connecting.is_some()) {
            if let Some(socket) = self.socket.take() {
                socket.cut();
            }
            self.closed();
        }
        !is_closed
    }

    /// What can't be inflated is no frame, which the client takes for a reason to leave the socket and come back.
    fn heard(&self, bytes: &[u8]) {
        let frame = inflated(bytes);
        self.shared.input(|shown, now| {
            shown.note_message(bytes.len(), &frame);
            shown.handle_message(now, frame.as_deref().unwrap_or(bytes));
        });
    }

    fn disconnect(&mut self) {
        self.connecting = None;
        if let Some(socket) = self.socket.take() {
            socket.close();
        }
    }

    fn closed(&mut self) {
        self.socket = None;
        self.connecting = None;
        self.shared.input(|shown, now| shown.input(|client| client.handle_closed(now)));
    }

    fn refreshed(&mut self, page: Result<FetchedPage, OpenError>) {
        self.shared.input(|shown, now| match page {
            Ok(page) => {
                let tokens: Vec<_> = page.views.iter().map(|view| Some(view.token.as_str())).collect();
                shown.input(|client| client.handle_tokens(now, &tokens));
            }
            Err(_) => shown.input(|client| client.handle_refresh_failed(now)),
        });
    }
}

/// The socket's next message; `None` when it has closed. Never, when there is no socket.
async fn next_message(socket: &mut Option<Socket>) -> Option<tungstenite::Bytes> {
    match socket {
        Some(socket) => poll_fn(|cx| socket.poll_message(cx)).await,
        None => pending().await,
    }
}

/// What is being opened, and then nothing more is. Never, when nothing is.
async fn finish<T>(opening: &mut Opening<T>) -> Result<T, OpenError> {
    let Some(future) = opening else { return pending().await };
    let result = future.await;
    *opening = None;
    result
}

async fn reach(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
