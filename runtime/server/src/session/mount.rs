//! A component is mounted for a page: rendered, given an actor and a token.

use std::any::type_name;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::http::request::Parts;
use futures_util::FutureExt;
use lightspeed_core::host::lease::Lease;
use lightspeed_core::session::Session;
use maud::Render;

use crate::component::context::{Adapter, Context, Task};
use crate::component::live::{Live, MountError};
use crate::config::Config;
use crate::http::admission::bytes::Accounts;
use crate::http::assets::Assets;
use crate::id::SessionId;
use crate::operations::crew::note;
use crate::operations::entropy::Entropy;
use crate::operations::panics::panic_text;
use crate::operations::telemetry::{self, tell};
use crate::recording::recorder;
use crate::session::actors::Actors;
use crate::session::drain::Drain;
use crate::session::registry::{Full, Owner, Registry, Reservation};
use crate::session::restore::Restorers;
use crate::session::start::Start;
use crate::session::token::Signer;
use crate::storage::envelope::Provenance;
use crate::storage::persister::Persister;
use crate::storage::stored::StoredSessions;

/// What mounts components.
pub(crate) struct Mounts {
    pub(crate) registry: Arc<Registry>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) actors: Arc<Actors>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) entropy: Entropy,
    pub(crate) signer: Signer,
    /// `None` where nothing is stored.
    pub(crate) stored: Option<StoredSessions>,
    pub(crate) restorers: Arc<Restorers>,
    /// The client, which a recording and a page name.
    pub(crate) assets: Arc<Assets>,
    /// The seed that a recording names; 0 when the randomness is the system's.
    pub(crate) seed: u64,
}

impl Mounts {
    /// Mounts and renders a component, without an actor.
    pub(crate) async fn prepare<C: Live>(
        &self,
        params: C::Params,
        origin: Origin,
    ) -> Result<Mount<C>, MountError> {
        let reservation = self.registry.reserve(origin.owner).map_err(refused)?;
        if !self.accounts.of(origin.owner.ip).has_room() {
            tracing::warn!("a page was refused: waiting_bytes_max or that of its address is reached");
            return Err(MountError::too_many());
        }
        let policy = C::POLICY.kind(self.stored.is_some());
        let mounted = AssertUnwindSafe(async {
            let mut cx = Context::new(Vec::new());
            note(type_name::<C>(), "mount", None);
            let component = C::mount(params, &mut cx).await?;
            note(type_name::<C>(), "title", None);
            let title = component.title();
            let session = Session::with_policy(Adapter(component), policy);
            if let Some(misplaced) = session.misplaced() {
                let component = type_name::<C>();
                tracing::error!(component, "a browser reads another page than was rendered: {misplaced}");
            }
            let html = session.page_html();
            let wish = cx.is_recorded();
            Ok(Mount { session, tasks: cx.into_tasks(), reservation, title, html, origin, wish })
        });
        mounted.catch_unwind().await.unwrap_or_else(|panic| {
            let component = type_name::<C>();
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
        if self.drain.has_begun() {
            return Err(refused(Full::Closed));
        }
        let id = self.entropy.session_id()?;
        let Mount { session, tasks, reservation, title, html, origin, wish } = mount;
        let recorder = self.actors.recordings.as_ref().and_then(|recordings| {
            let start = recorder::Start {
                component: type_name::<C>(),
                build: self.assets.build().to_owned(),
                seed: self.seed,
                html: html.clone(),
                state: session.state().map(<[u8]>::to_vec),
                is_stored: self.stored.is_some(),
            };
            recordings.start(self.actors.clock.now(), start, wish)
        });
        let identity = origin.owner.identity;
        let persister = self.persister::<C>(id, origin).map(Box::new);
        let lease = Lease::default();
        let start = Start { id, session, tasks, lease, persister, recorder };
        self.actors.start::<C>(start, reservation).await?;
        tell!(debug, telemetry::MOUNTED, type_name::<C>(), id);
        let behind = self.assets.behind(&html);
        Ok(Mounted { token: self.signer.sign(id, 0, identity), title, html, behind })
    }

    /// Makes what writes the session into the store; `None` for a component that isn't stored.
    fn persister<C: Live>(&self, id: SessionId, origin: Origin) -> Option<Persister> {
        let (stored, codec) = (self.stored.as_ref()?, C::POLICY.codec()?);
        if !self.restorers.knows(codec.name, &origin.route) {
            tracing::warn!(
                component = type_name::<C>(),
                "is stored and could not be brought back: call `Runtime::restore_with` for it"
            );
        }
        let identity = origin.owner.identity.as_bytes().copied();
        let Origin { route, uri, .. } = origin;
        let provenance = Provenance { component: codec.name.to_owned(), route, uri, identity };
        Some(stored.persister(id, type_name::<C>(), provenance))
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
    /// Whether the session is to be recorded, when the component has said so.
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
    /// The origin of a session whose request isn't known: it is nobody's, and counted with all others of that kind.
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
    /// The scripts that its elements need.
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
