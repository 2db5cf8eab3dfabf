//! A runtime: the parts that serve live components, made once and joined.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::Extensions;
use axum::http::request::Parts as Head;
use maud::Markup;

use crate::component::live::{Live, MountError};
use crate::config::Config;
use crate::http::admission::bytes::Accounts;
use crate::http::assets::Assets;
use crate::http::host::{self, Hosts};
use crate::http::serve::door::Terms;
use crate::http::visit::{UnseenResponses, Visit, VisitLayer};
use crate::operations::crew::{Crew, Label, Lane};
use crate::operations::entropy::Entropy;
use crate::session::actors::Actors;
use crate::session::drain::Drain;
use crate::session::join::Joins;
use crate::session::mount::{Mounted, Mounts, Origin};
use crate::session::registry::{Registry, Stats};
use crate::session::restore::{Restorers, Restores};
use crate::session::retry::Retry;
use crate::session::token::Signer;
use crate::socket::sockets::Sockets;
use crate::socket::upgrade::upgrade;
use crate::storage::stored::StoredSessions;

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
/// #     async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> { Ok(Self) }
/// #     fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {}
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
/// The response of `front` is one visitor's, and says so: the server that serves it adds
/// `cache-control: private, no-cache`, a `content-security-policy` and who may frame the page, to each
/// response for which something was mounted. For an application that is served otherwise, [`Runtime::layer`]
/// does that.
#[derive(Clone)]
pub struct Runtime {
    parts: Arc<Parts>,
}

/// The parts of a runtime, each of which is handed what it needs and nothing else.
struct Parts {
    config: Arc<Config>,
    assets: Arc<Assets>,
    terms: Terms,
    registry: Arc<Registry>,
    drain: Arc<Drain>,
    restorers: Arc<Restorers>,
    actors: Arc<Actors>,
    mounts: Mounts,
    sockets: Arc<Sockets>,
    unseen: UnseenResponses,
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
        let config = Arc::new(config);
        let registry = Arc::new(Registry::new(&config));
        let accounts = Arc::new(Accounts::new(&config));
        let assets = Arc::new(Assets::new(&config.prefix));
        let terms = Terms::new(&config, &accounts);
        let signer = Signer::new(&secret);
        let stored = config
            .store
            .clone()
            .map(|store| StoredSessions::new(store, &secret, config.stored_ttl, entropy.clone()));
        let retry = {
            let registry = Arc::clone(&registry);
            Retry::new(entropy.clone(), move || registry.stats().sessions)
        };
        let drain = Arc::new(Drain::new(&registry));
        let restorers = Arc::new(Restorers::default());
        let actors = Arc::new(Actors::new(&config, &registry, &retry, &accounts, stored.clone()));
        let restores = stored.clone().map(|stored| {
            Arc::new(Restores {
                stored,
                restorers: Arc::clone(&restorers),
                registry: Arc::clone(&registry),
                actors: Arc::clone(&actors),
                config: Arc::clone(&config),
            })
        });
        let joins = Joins {
            registry: Arc::clone(&registry),
            retry,
            drain: Arc::clone(&drain),
            signer: signer.clone(),
            actors: Arc::clone(&actors),
            restores,
        };
        let sockets =
            Arc::new(Sockets::new(&config, &accounts, assets.build(), terms.clone(), Arc::new(joins)));
        let mounts = Mounts {
            registry: Arc::clone(&registry),
            accounts,
            actors: Arc::clone(&actors),
            drain: Arc::clone(&drain),
            entropy,
            signer,
            stored,
            restorers: Arc::clone(&restorers),
            assets: Arc::clone(&assets),
            seed: config.seed.unwrap_or(0),
        };
        let unseen = UnseenResponses::default();
        let parts =
            Parts { config, assets, terms, registry, drain, restorers, actors, mounts, sockets, unseen };
        Self { parts: Arc::new(parts) }
    }

    /// Mounts a component for the page that the request with this head asks for. Splice what it gives into the
    /// page once; the page's socket attaches to this very session.
    ///
    /// The session is counted for, and bound to, whom the request comes from; and the response becomes one
    /// that no shared cache keeps, and that pages elsewhere don't frame ([`Runtime::layer`]).
    ///
    /// # Errors
    ///
    /// What [`Live::mount`] returns; a 500 when it or the first render panics; a 503 when the server holds as
    /// many sessions as it may, or ends; a 429 when the address or the identity has as many as it may; a 421
    /// when the request is for a host that this server doesn't answer for ([`Config::with_hosts`]).
    pub async fn mount_for<C: Live>(&self, params: C::Params, head: &Head) -> Result<Mounted, MountError> {
        let Parts { config, terms, unseen, .. } = &*self.parts;
        terms.tell(&head.extensions);
        if let Err(refused) = host::check_page(config, head) {
            tracing::warn!(path = head.uri.path(), reason = %refused, "a page was refused");
            return Err(MountError::new(refused.status(), refused.to_string()));
        }
        // First: what the page says when this fails is as much one visitor's.
        if !Visit::note(config) {
            unseen.warn_once();
        }
        let head = head.clone();
        self.mount_in_the_crew::<C>(params, move |config| Origin::of(config, &head, "")).await
    }

    /// The same for the request that this task answers, where that is known: within [`Server`](crate::Server)
    /// and [`Runtime::layer`]. It is the request as it came there: of extensions that layers further in have
    /// added nothing is known, so that what [`Config::with_identity`] reads from them is only found by
    /// [`Runtime::mount_for`].
    ///
    /// Elsewhere, as in a test or a task of its own, the session is nobody's: it counts as one of an address
    /// that all of those share ([`Config::with_sessions_per_ip_max`]), and only a socket without an identity
    /// may join it.
    ///
    /// # Errors
    ///
    /// As [`Runtime::mount_for`].
    pub async fn mount<C: Live>(&self, params: C::Params) -> Result<Mounted, MountError> {
        if let Some(head) = Visit::head() {
            return self.mount_for::<C>(params, &head).await;
        }
        self.parts.unseen.warn_once();
        self.mount_in_the_crew::<C>(params, |_| Origin::default()).await
    }

    async fn mount_in_the_crew<C: Live>(
        &self,
        params: C::Params,
        origin: impl FnOnce(&Config) -> Origin + Send + 'static,
    ) -> Result<Mounted, MountError> {
        let runtime = self.clone();
        let mounted = async move {
            let Parts { config, mounts, .. } = &*runtime.parts;
            let mount = mounts.prepare::<C>(params, origin(config)).await?;
            mounts.start(mount).await
        };
        self.crew().run(Lane::Page, Label::of::<C>("mount"), mounted).await
    }

    /// Sees to requests whose handlers mount components, for applications that aren't served by
    /// [`Server`](crate::Server), or where [`Runtime::mount`] is to know what layers around this one have
    /// added:
    ///
    /// - A request for a host that this server doesn't answer for is refused ([`Config::with_hosts`]).
    /// - The response of one for which something was mounted says `cache-control: private, no-cache`, unless
    ///   it says `private` or `no-store` itself; a `content-security-policy`, unless it has one itself
    ///   ([`Config::with_content_security_policy`]); and in any case who may frame it
    ///   ([`Config::with_framers`]).
    ///
    /// ```
    /// let runtime = lightspeed::Runtime::new(lightspeed::Config::default());
    /// let app: axum::Router = axum::Router::new().merge(runtime.router()).layer(runtime.layer());
    /// ```
    pub fn layer(&self) -> VisitLayer {
        VisitLayer { hosts: Hosts::of(&self.parts.config) }
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
        F: Fn(Head) -> R + Send + Sync + 'static,
        R: Future<Output = Result<C::Params, MountError>> + Send + 'static,
    {
        self.parts.restorers.add::<C>("", Arc::new(move |parts| Box::pin(params(parts))));
    }

    /// What the head of a page with live components needs: the client's script and style.
    pub fn head(&self) -> Markup {
        self.parts.assets.head()
    }

    /// The markup that has a browser load the features which `page` needs, before the client asks for them.
    pub(crate) fn preloads(&self, page: &str) -> Markup {
        self.parts.assets.preloads(page)
    }

    /// The routes of the socket and of the client's files, to be merged into the application's.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        let (actors, sockets) = (Arc::clone(&self.parts.actors), Arc::clone(&self.parts.sockets));
        let socket = async move |request: Request| {
            // The operator's closures are asked whom the request is from.
            let crew = actors.crew().clone();
            crew.run(Lane::Session, Label::new("identity"), upgrade(sockets, request)).await
        };
        let assets = &self.parts.assets;
        let hosts = Hosts::of(&self.parts.config);
        let guard = axum::middleware::from_fn(move |request, next| host::guard(hosts.clone(), request, next));
        let router = assets.routes().route(&assets.socket_path(), axum::routing::any(socket));
        router.route_layer(guard).with_state(())
    }

    /// How many sessions there are.
    pub fn stats(&self) -> Stats {
        self.parts.registry.stats()
    }

    /// Hands every session over: stores those that are to be, and tells their pages to come back
    /// in a while, spread over time. Returns when all sockets are closed: the sessions take at most
    /// 8 seconds, after which what could not be done is left undone, and then the sockets at most 5,
    /// if their clients neither read nor close.
    ///
    /// [`Server`](crate::Server) does this for what it serves; for applications that are
    /// served otherwise.
    pub async fn shut_down(&self) {
        self.parts.drain.run().await;
        self.parts.sockets.close_all().await;
    }

    /// Notes the server that the request with these extensions came through: what this runtime's operator has set of
    /// its connections, and that the sessions are handed over when it ends.
    pub(crate) fn note_server(&self, extensions: &Extensions) {
        self.parts.terms.tell(extensions);
        self.parts.drain.run_with_server(extensions);
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.parts.config
    }

    /// The threads that run what authors wrote.
    pub(crate) fn crew(&self) -> &Crew {
        self.parts.actors.crew()
    }

    pub(crate) fn mounts(&self) -> &Mounts {
        &self.parts.mounts
    }

    pub(crate) fn restorers(&self) -> &Restorers {
        &self.parts.restorers
    }

    #[cfg(test)]
    pub(crate) fn sockets(&self) -> &Arc<Sockets> {
        &self.parts.sockets
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("config", &self.parts.config).field("stats", &self.stats()).finish()
    }
}
