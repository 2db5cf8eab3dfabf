//! A runtime: everything that live components need, made once and shared.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use futures_util::FutureExt;
use lightspeed_core::session::Session;
use maud::{Markup, Render};
use ractor::{Actor, ActorRef};
use tokio::sync::{OnceCell, Semaphore};

use crate::actor::{SessionActor, Start, panic_text};
use crate::assets::Assets;
use crate::clock::Clock;
use crate::config::Config;
use crate::context::{Adapter, Context, Task};
use crate::live::{Live, MountError};
use crate::registry::{Registry, Reservation, Stats};
use crate::shutdown::Shutdown;
use crate::socket;
use crate::supervisor::Supervisor;
use crate::token::{SessionId, Signer};

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
/// use axum::response::Html as Page;
///
/// async fn front(State(runtime): State<Runtime>) -> Result<Page<String>, MountError> {
///     let clock = runtime.mount::<Clock>(()).await?;
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
/// ```
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
    /// Its permits are the sockets that may yet be opened.
    pub(crate) sockets: Arc<Semaphore>,
    clock: Clock,
    /// Made by the first mount: only then an executor is there for sure.
    supervisor: OnceCell<ActorRef<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.get_cell().stop(None);
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
        let secret = config.secret.unwrap_or_else(|| {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).expect("the system gives random bytes");
            secret
        });
        let inner = Inner {
            signer: Signer::new(&secret),
            registry: Arc::new(Registry::new(&config)),
            assets: Arc::new(Assets::new(&config.prefix)),
            shutdown: Shutdown::new(),
            sockets: Arc::new(Semaphore::new(config.sockets_max.min(Semaphore::MAX_PERMITS))),
            clock: Clock::new(),
            supervisor: OnceCell::new(),
            config,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Mounts a component for the page that is being made. Splice what it gives into the
    /// page once; the page's socket attaches to this very session.
    ///
    /// # Errors
    ///
    /// What [`Live::mount`] returns; a 500 when it or the first render panics; a 503 when
    /// the server holds as many sessions as it may.
    pub async fn mount<C: Live>(&self, params: C::Params) -> Result<Mounted, MountError> {
        let mount = self.prepare::<C>(params).await?;
        self.start(mount).await
    }

    /// Mounts and renders, and starts nothing yet.
    pub(crate) async fn prepare<C: Live>(&self, params: C::Params) -> Result<Mount<C>, MountError> {
        let reservation = self.inner.registry.reserve().map_err(|_| {
            tracing::error!("a page was refused: sessions_max is reached and a socket holds each session");
            MountError::full()
        })?;
        let mounted = AssertUnwindSafe(async {
            let mut cx = Context::new(Vec::new());
            let component = C::mount(params, &mut cx).await?;
            let title = component.title();
            let session = Session::new(Adapter(component));
            let html = session.page_html();
            Ok(Mount { session, tasks: cx.into_tasks(), reservation, title, html })
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
        let supervisor = inner
            .supervisor
            .get_or_try_init(async || {
                inner.registry.keep_swept();
                Supervisor::spawn(None, Supervisor, ()).await.map(|(supervisor, _)| supervisor)
            })
            .await?;
        let id = SessionId::random()?;
        let Mount { session, tasks, reservation, title, html } = mount;
        let start = Start { id, session, tasks, reservation, clock: inner.clock };
        SessionActor::<C>::spawn_linked(None, SessionActor::new(), start, supervisor.get_cell()).await?;
        Ok(Mounted { token: inner.signer.sign(id), title, html })
    }

    /// What the head of a page with live components needs: the client's script and style.
    pub fn head(&self) -> Markup {
        self.inner.assets.head()
    }

    /// The routes of the socket and of the client's files, to be merged into the application's.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        let inner = Arc::clone(&self.inner);
        let socket = async move |request: Request| socket::upgrade(inner, request).await;
        let assets = &self.inner.assets;
        assets.routes().route(&assets.socket_path(), axum::routing::any(socket)).with_state(())
    }

    /// How many sessions there are.
    pub fn stats(&self) -> Stats {
        self.inner.registry.stats()
    }

    /// Tells every socket that the server is going away and returns when they are closed.
    ///
    /// [`Server`](crate::Server) does this for what it serves; for applications that are
    /// served otherwise.
    pub async fn shut_down(&self) {
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
}

/// A mounted component: splice it into a page, once.
///
/// Renders as `<lightspeed-view data-session="token">html</lightspeed-view>`.
#[derive(Debug)]
pub struct Mounted {
    token: String,
    title: String,
    html: String,
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
    }
}
