//! A runtime: everything that live components need, made once and shared.

use std::any::type_name;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::Request;
use axum::http::request::Parts;
use futures_util::FutureExt;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::session::Session;
use lightspeed_protocol::close::CloseReason;
use maud::{Markup, Render};
use ractor::{Actor, ActorRef};
use tokio::sync::OnceCell;

use crate::component::context::{Adapter, Context, Task};
use crate::component::live::{Live, MountError};
use crate::config::Config;
use crate::http::admission::Admissions;
use crate::http::admission::bytes::Accounts;
use crate::http::assets::Assets;
use crate::http::host::{self, Hosts};
use crate::http::visit::{Visit, VisitLayer};
use crate::limits;
use crate::operations::clock::Clock;
use crate::operations::crew::{Crew, Label, Lane, note};
use crate::operations::entropy::Entropy;
use crate::operations::shutdown::Shutdown;
use crate::operations::telemetry::{self, tell};
use crate::recording::recorder::{self, Recordings};
use crate::session::actor::{SessionActor, Start, panic_text};
use crate::session::drain::Drain;
use crate::session::registry::{Full, Owner, Registry, Reservation, Stats};
use crate::session::restore::Restorers;
use crate::session::supervisor::Supervisor;
use crate::session::token::{SessionId, Signer};
use crate::socket;
use crate::socket::deflate::Deflaters;
use crate::storage::persister::{Keeper, Provenance};
use crate::storage::store::SnapshotStore;

/// Runs sessions. For applications that put live components into pages of their own;
/// [`router`](crate::router) has one of its own otherwise.
///
/// Cheap to clone: put it into the application's state. With the last clone its sessions end.
///
/// ```no_run
/// # use lightspeed::{Context, Html, Live, MountError, Runtime};
/// # struct Clock;
/// # impl Live for Clock {
/// #     type Msg = ();
/// #     type Params = ();
/// #     async fn mount((): (), _: &mut Context<Self>) -> Result<Self, MountError> { Ok(Self) }
/// #     fn update(&mut self, (): (), _: &mut Context<Self>) {}
/// #     fn render(&self) -> Html<()> { lightspeed::html! { p { "now" } } }
/// # }
/// use axum::extract::State;
/// use axum::http::request::Parts;
/// use axum::response::Html as Page;
///
/// async fn front(State(runtime): State<Runtime>, head: Parts) -> Result<Page<String>, MountError> {
///     let clock = runtime.mount_for::<Clock>((), &head).await?;
///     let page = maud::html! {
///         (maud::DOCTYPE)
///         html { head { title { "Shop" } (runtime.head()) } body { h1 { "Shop" } (clock) } }
///     };
///     Ok(Page(page.into_string()))
/// }
///
/// let runtime = Runtime::new(lightspeed::Config::default());
/// let app: axum::Router = axum::Router::new()
///     .route("/", axum::routing::get(front))
///     .merge(runtime.router())
///     .with_state(runtime);
/// # async fn serve(app: axum::Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// lightspeed::serve(listener, app).await
/// # }
/// ```
///
/// The response of `front` is one visitor's, and says so: the server that serves it adds `cache-control: private, no-cache`, a
/// `content-security-policy` and who may frame the page, to each response for which something was mounted. For an application that is served otherwise,
/// [`Runtime::layer`] does that.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

/// What sockets and mounts share.
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) signer: Signer,
    pub(crate) registry: Arc<Registry>,
    pub(crate) assets: Arc<Assets>,
    pub(crate) shutdown: Shutdown,
    pub(crate) sockets: Arc<Admissions>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) restorers: Restorers,
    pub(crate) drain: Drain,
    pub(crate) deflaters: Deflaters,
    recordings: Option<Recordings>,
    /// It is said once that responses lack what a page has to say.
    is_unseen_said: AtomicBool,
    /// Made when it is needed first: only then an executor is there for sure.
    crew: OnceLock<Crew>,
    /// Made by the first mount: only then an executor is there for sure.
    supervisor: OnceCell<ActorRef<()>>,
}

impl Inner {
    /// Who runs what authors wrote.
    pub(crate) fn crew(&self) -> &Crew {
        self.crew.get_or_init(|| Crew::new(self.config.author_threads))
    }

    /// The actor above all sessions.
    pub(crate) async fn supervisor(&self) -> Result<&ActorRef<()>, ractor::SpawnErr> {
        let start = async || {
            self.registry.keep_swept();
            if let Some(store) = self.config.store.clone() {
                keep_purged(store, self.crew().clone());
            }
            Supervisor::spawn(None, Supervisor, ()).await.map(|(supervisor, _)| supervisor)
        };
        self.supervisor.get_or_try_init(start).await
    }

    /// A component is mounted where nobody sees to the response.
    fn warn_unseen(&self) {
        if !self.is_unseen_said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a component was mounted for a response that nobody here sees: a shared cache may keep it, and pages elsewhere may \
                 frame it. Serve the application by `lightspeed::serve`, or add `Runtime::layer` to it"
            );
        }
    }

    /// How long a client whose session ends so should stay away: many spread over a time in which
    /// a server can take them all on.
    pub(crate) fn retry_ms(&self, reason: CloseReason) -> u64 {
        if !reason.is_recoverable_by_rejoin() {
            return 0;
        }
        if reason == CloseReason::Unavailable {
            // Nothing here tells how long the store, or room, takes to come back.
            return UNAVAILABLE_MS + self.entropy.below(4 * UNAVAILABLE_MS);
        }
        let sessions = u64::try_from(self.registry.stats().sessions).unwrap_or(u64::MAX);
        let spread_ms = sessions.saturating_mul(1_000) / limits::RETURNS_PER_SECOND;
        RETRY_MS_MIN + self.entropy.below(spread_ms.clamp(RETRY_MS_MIN, limits::RETRY_MS_MAX - RETRY_MS_MIN))
    }
}

/// The least that a client is told to stay away, in milliseconds: another server has to take over.
const RETRY_MS_MIN: u64 = 100;

/// The same where the server can't go on with a session now.
const UNAVAILABLE_MS: u64 = 1_000;

/// How often what has expired is taken out of the store.
const PURGE_EVERY: Duration = Duration::from_mins(1);

/// Keeps the store free of what has expired, as long as anybody else uses it.
fn keep_purged(store: Arc<dyn SnapshotStore>, crew: Crew) {
    let store = {
        let weak = Arc::downgrade(&store);
        drop(store);
        weak
    };
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(PURGE_EVERY).await;
            let Some(store) = store.upgrade() else { return };
            let purged = crew.run(Lane::Page, Label::new("store"), async move { store.purge().await }).await;
            match purged {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "stored sessions have expired"),
                Err(error) => {
                    tracing::warn!(error = %telemetry::one_line(&error), "the store could not be purged");
                }
            }
        }
    });
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.get_cell().stop(None);
        }
        if let Some(crew) = self.crew.get() {
            crew.close();
        }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Runtime {
    /// A runtime with these settings.
    ///
    /// # Panics
    ///
    /// When no secret is set and the system has no randomness to make one of.
    pub fn new(config: Config) -> Self {
        let entropy = config.seed.map_or_else(Entropy::default, Entropy::from_seed);
        let secret = config.secret.unwrap_or_else(|| entropy.bytes().expect("the system gives random bytes"));
        if config.store.is_some() && config.secret.is_none() {
            tracing::warn!(
                "a store without a secret: what is stored is of no use to the next process. \
                 Set `Config::with_secret` to one that outlives this one"
            );
        }
        let inner = Inner {
            signer: Signer::new(&secret),
            registry: Arc::new(Registry::new(&config)),
            assets: Arc::new(Assets::new(&config.prefix)),
            shutdown: Shutdown::new(),
            sockets: Arc::new(Admissions::new(config.sockets_max, config.sockets_of_an_address_max())),
            accounts: Arc::new(Accounts::new(&config)),
            deflaters: Deflaters::new(config.compressed_bytes_min),
            clock: Clock::new(),
            entropy,
            restorers: Restorers::default(),
            drain: Drain::default(),
            recordings: config.recording.clone().map(Recordings::new),
            is_unseen_said: AtomicBool::new(false),
            crew: OnceLock::new(),
            supervisor: OnceCell::new(),
            config,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Mounts a component for the page that the request with this head asks for. Splice what it gives into the
    /// page once; the page's socket attaches to this very session.
    ///
    /// The session is counted for, and bound to, whom the request comes from; and the response becomes one
    /// that no shared cache keeps, and that pages elsewhere don't frame ([`Runtime::layer`]).
    ///
    /// # Errors
    ///
    /// What [`Live::mount`] returns; a 500 when it or the first render panics; a 503 when
    /// the server holds as many sessions as it may, or ends; a 429 when the address or the identity has as many as it may;
    /// a 421 when the request is for a host that this server doesn't answer for ([`Config::with_hosts`]).
    pub async fn mount_for<C: Live>(&self, params: C::Params, head: &Parts) -> Result<Mounted, MountError> {
        let config = &self.inner.config;
        self.inner.tell_door(&head.extensions);
        if let Err(refused) = host::check_page(config, head) {
            tracing::warn!(path = head.uri.path(), reason = %refused, "a page was refused");
            return Err(MountError::new(refused.status(), refused.to_string()));
        }
        // First: what the page says when this fails is as much one visitor's.
        if !Visit::note(config) {
            self.inner.warn_unseen();
        }
        let head = head.clone();
        self.mount_in_the_crew::<C>(params, move |config| Origin::of(config, &head, "")).await
    }

    /// The same for the request that this task answers, where that is known: within [`Server`](crate::Server) and
    /// [`Runtime::layer`]. It is the request as it came there: of extensions that layers further in have added nothing is known, so that what
    /// [`Config::with_identity`] reads from them is only found by [`Runtime::mount_for`].
    ///
    /// Elsewhere, as in a test or a task of its own, the session is nobody's: it counts as one of an address
    /// that all of those share ([`Config::with_sessions_per_ip_max`]), and only a socket without an identity may join it.
    ///
    /// # Errors
    ///
    /// As [`Runtime::mount_for`].
    pub async fn mount<C: Live>(&self, params: C::Params) -> Result<Mounted, MountError> {
        if let Some(head) = Visit::head() {
            return self.mount_for::<C>(params, &head).await;
        }
        self.inner.warn_unseen();
        self.mount_in_the_crew::<C>(params, |_| Origin::default()).await
    }

    async fn mount_in_the_crew<C: Live>(
        &self,
        params: C::Params,
        origin: impl FnOnce(&Config) -> Origin + Send + 'static,
    ) -> Result<Mounted, MountError> {
        let runtime = self.clone();
        let mounted = async move {
            let mount = runtime.prepare::<C>(params, origin(&runtime.inner.config)).await?;
            runtime.start(mount).await
        };
        self.inner.crew().run(Lane::Page, Label::of::<C>("mount"), mounted).await
    }

    /// Sees to requests whose handlers mount components, for applications that aren't served by [`Server`](crate::Server), or where
    /// [`Runtime::mount`] is to know what layers around this one have added:
    ///
    /// - A request for a host that this server doesn't answer for is refused ([`Config::with_hosts`]).
    /// - The response of one for which something was mounted says `cache-control: private, no-cache`, unless it says `private` or
    ///   `no-store` itself; a `content-security-policy`, unless it has one itself ([`Config::with_content_security_policy`]); and in any case
    ///   who may frame it ([`Config::with_framers`]).
    ///
    /// ```
    /// let runtime = lightspeed::Runtime::new(lightspeed::Config::default());
    /// let app: axum::Router = axum::Router::new().merge(runtime.router()).layer(runtime.layer());
    /// ```
    pub fn layer(&self) -> VisitLayer {
        VisitLayer { hosts: Hosts::of(&self.inner.config) }
    }

    /// Says how a component that [`Runtime::mount`] or [`Runtime::mount_for`] has mounted, and whose
    /// [`POLICY`](Live::POLICY) is to be stored, is mounted again when its session comes back from
    /// the store: `params` makes its parameters of the head of the request that opens the socket,
    /// with the address of the page in place of the socket's.
    ///
    /// Pages of a [`router`](crate::router) need none of this.
    ///
    /// # Panics
    ///
    /// When another component with the same [`Snapshot::NAME`](crate::Snapshot::NAME) was given before.
    pub fn restore_with<C, F, R>(&self, params: F)
    where
        C: Live,
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<C::Params, MountError>> + Send + 'static,
    {
        self.inner.restorers.add::<C>("", Arc::new(move |parts| Box::pin(params(parts))));
    }

    /// Mounts and renders, and starts nothing yet.
    pub(crate) async fn prepare<C: Live>(
        &self,
        params: C::Params,
        origin: Origin,
    ) -> Result<Mount<C>, MountError> {
        let reservation = self.inner.registry.reserve(origin.owner).map_err(refused)?;
        if !self.inner.accounts.of(origin.owner.ip).has_room() {
            tracing::warn!("a page was refused: waiting_bytes_max or that of its address is reached");
            return Err(MountError::too_many());
        }
        let policy = C::POLICY.kind(self.inner.config.store.is_some());
        let mounted = AssertUnwindSafe(async {
            let mut cx = Context::new(Vec::new());
            note(type_name::<C>(), "mount", None);
            let component = C::mount(params, &mut cx).await?;
            note(type_name::<C>(), "title", None);
            let title = component.title();
            let session = Session::with_policy(Adapter(component), policy);
            if let Some(misplaced) = session.misplaced() {
                let component = std::any::type_name::<C>();
                tracing::error!(component, "a browser reads another page than was rendered: {misplaced}");
            }
            let html = session.page_html();
            let wish = cx.is_recorded();
            Ok(Mount { session, tasks: cx.into_tasks(), reservation, title, html, origin, wish })
        });
        mounted.catch_unwind().await.unwrap_or_else(|panic| {
            let component = std::any::type_name::<C>();
            tracing::error!(
                component,
                panic = panic_text(&*panic),
                "a component panicked while it was mounted"
            );
            Err(MountError::failed())
        })
    }

    /// Gives a mounted component its actor.
    pub(crate) async fn start<C: Live>(&self, mount: Mount<C>) -> Result<Mounted, MountError> {
        let inner = &self.inner;
        if inner.drain.has_begun() {
            return Err(refused(Full::Closed));
        }
        let supervisor = inner.supervisor().await?;
        let id = inner.entropy.session_id()?;
        let Mount { session, tasks, reservation, title, html, origin, wish } = mount;
        let recorder = inner.recordings.as_ref().and_then(|recordings| {
            let start = recorder::Start {
                component: std::any::type_name::<C>(),
                build: inner.assets.build().to_owned(),
                seed: inner.config.seed.unwrap_or(0),
                html: html.clone(),
                state: session.state().map(<[u8]>::to_vec),
                is_stored: inner.config.store.is_some(),
            };
            recordings.start(inner.clock.now(), start, wish)
        });
        let identity = origin.owner.identity;
        let keeper = self.keeper::<C>(id, origin);
        let lease = Lease::default();
        let inner = Arc::clone(inner);
        let start = Start { id, session, tasks, reservation, lease, keeper, recorder, inner };
        SessionActor::<C>::spawn_linked(None, SessionActor::new(), start, supervisor.get_cell()).await?;
        tell!(debug, telemetry::MOUNTED, std::any::type_name::<C>(), id);
        let behind = self.inner.assets.behind(&html);
        Ok(Mounted { token: self.inner.signer.sign(id, 0, identity), title, html, behind })
    }

    /// A place in the store, for a component that is to be stored.
    fn keeper<C: Live>(&self, id: SessionId, origin: Origin) -> Option<Box<Keeper>> {
        let inner = &self.inner;
        let (store, codec) = (inner.config.store.clone()?, C::POLICY.codec()?);
        if !inner.restorers.knows(codec.name, &origin.route) {
            tracing::warn!(
                component = std::any::type_name::<C>(),
                "is stored and could not be brought back: call `Runtime::restore_with` for it"
            );
        }
        let identity = origin.owner.identity.as_bytes().copied();
        let Origin { route, uri, .. } = origin;
        let provenance = Provenance { component: codec.name.to_owned(), route, uri, identity };
        let ttl = inner.config.stored_ttl;
        let (signer, component) = (inner.signer.clone(), std::any::type_name::<C>());
        Some(Box::new(Keeper::new(store, signer, id, component, provenance, ttl, &inner.entropy)))
    }

    /// What the head of a page with live components needs: the client's script and style.
    pub fn head(&self) -> Markup {
        self.inner.assets.head()
    }

    /// The routes of the socket and of the client's files, to be merged into the application's.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        let inner = Arc::clone(&self.inner);
        let socket = async move |request: Request| {
            // It asks the operator's closures who it is.
            let crew = inner.crew().clone();
            crew.run(Lane::Session, Label::new("identity"), socket::upgrade(inner, request)).await
        };
        let assets = &self.inner.assets;
        let hosts = Hosts::of(&self.inner.config);
        let guard = axum::middleware::from_fn(move |request, next| host::guard(hosts.clone(), request, next));
        let router = assets.routes().route(&assets.socket_path(), axum::routing::any(socket));
        router.route_layer(guard).with_state(())
    }

    /// How many sessions there are.
    pub fn stats(&self) -> Stats {
        self.inner.registry.stats()
    }

    /// Hands every session over: stores those that are to be, and tells their pages to come back
    /// in a while, spread over time. Returns when all sockets are closed: the sessions take at most
    /// 8 seconds, after which what could not be done is left undone, and then the sockets at most 5,
    /// if their clients neither read nor close.
    ///
    /// [`Server`](crate::Server) does this for what it serves; for applications that are
    /// served otherwise.
    pub async fn shut_down(&self) {
        self.inner.drain().await;
        self.inner.shutdown.tell();
        self.inner.shutdown.all_gone().await;
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("config", &self.inner.config).field("stats", &self.stats()).finish()
    }
}

/// A component that is mounted and has no actor yet.
pub(crate) struct Mount<C: Live> {
    session: Session<Adapter<C>>,
    tasks: Vec<Task<C::Msg>>,
    reservation: Reservation,
    title: String,
    html: String,
    origin: Origin,
    /// Whether it is to be recorded, as far as the component has said.
    wish: Option<bool>,
}

/// The request that a session is mounted for.
#[derive(Debug)]
pub(crate) struct Origin {
    owner: Owner,
    route: String,
    uri: String,
}

impl Default for Origin {
    /// One that is not known: nobody's, and counted with all others of that kind.
    fn default() -> Self {
        Self { owner: Owner::unknown(), route: String::new(), uri: "/".to_owned() }
    }
}

impl Origin {
    pub(crate) fn of(config: &Config, head: &Parts, route: &str) -> Self {
        Self { owner: Owner::of(config, head), route: route.to_owned(), uri: head.uri.to_string() }
    }
}

/// What a person is told when there is no room.
pub(crate) fn refused(full: Full) -> MountError {
    match full {
        Full::Server => {
            tracing::error!("a page was refused: sessions_max is reached and a socket holds each session");
            MountError::full()
        }
        Full::Owner => {
            tracing::warn!("a page was refused: its address or identity has as many sessions as it may");
            MountError::too_many()
        }
        Full::Closed => {
            tracing::info!("a page was refused: the server ends");
            MountError::ending()
        }
    }
}

/// A mounted component: splice it into a page, once.
///
/// Renders as `<lightspeed-view data-session="token">html</lightspeed-view>`.
pub struct Mounted {
    token: String,
    title: String,
    html: String,
    /// Scripts that elements in it need.
    behind: String,
}

impl fmt::Debug for Mounted {
    /// Without the token, which opens the session, and what the page shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mounted").field("title", &self.title).finish_non_exhaustive()
    }
}

impl Mounted {
    /// What [`Live::title`] said.
    pub fn title(&self) -> &str {
        &self.title
    }
}

impl Render for Mounted {
    fn render_to(&self, buffer: &mut String) {
        // The token is base64url and the HTML is escaped where it was rendered.
        buffer.push_str("<lightspeed-view data-session=\"");
        buffer.push_str(&self.token);
        buffer.push_str("\">");
        buffer.push_str(&self.html);
        buffer.push_str("</lightspeed-view>");
        buffer.push_str(&self.behind);
    }
}
