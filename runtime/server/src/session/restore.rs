//! A session comes back from the store: its component is mounted again and given its state.

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use futures_util::FutureExt;
use lightspeed_core::host::claim::{Claim, Fenced, Stored};
use lightspeed_core::session::Session;
use lightspeed_core::session::checkpoint::Checkpoint;
use lightspeed_protocol::close::CloseReason;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::component::context::{Adapter, Context};
use crate::component::live::{Live, MountError};
use crate::config::Config;
use crate::limits;
use crate::operations::crew::note;
use crate::operations::panics::panic_text;
use crate::operations::telemetry::one_line;
use crate::operations::telemetry::{self, tell};
use crate::session::actors::Actors;
use crate::session::mount::refused;
use crate::session::registry::{Owner, Registry};
use crate::session::start::Start;
use crate::session::token::Token;
use crate::storage::store::{Record, Stamp};
use crate::storage::stored::StoredSessions;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Makes a component's parameters of the head of a request for its page.
pub(crate) type MakeParams<C> =
    Arc<dyn Fn(Parts) -> BoxFuture<Result<<C as Live>::Params, MountError>> + Send + Sync>;

/// How each stored component is mounted again, by its name and route.
#[derive(Default)]
pub(crate) struct Restorers {
    known: Mutex<HashMap<(String, String), Known>>,
}

struct Known {
    type_id: TypeId,
    type_name: &'static str,
    restorer: Arc<dyn Restore>,
}

impl Restorers {
    /// A component that is served at `route`, or mounted by the application itself.
    ///
    /// # Panics
    ///
    /// When another component is known by its name there: their records could not be told apart.
    pub(crate) fn add<C: Live>(&self, route: &str, params: MakeParams<C>) {
        let Some(codec) = C::POLICY.codec() else { return };
        let restorer = Arc::new(Restorer::<C> { params });
        let known = Known { type_id: TypeId::of::<C>(), type_name: type_name::<C>(), restorer };
        let before = self.lock().insert((codec.name.to_owned(), route.to_owned()), known);
        if let Some(other) = before.filter(|other| other.type_id != TypeId::of::<C>()) {
            let place = match route {
                "" => "in pages of the application's own".to_owned(),
                route => format!("at {route:?}"),
            };
            panic!(
                "two components are stored under the name {:?} {place}: {} and {}. A session of one would \
                 come back as the other: give one of them another `Snapshot::NAME`",
                codec.name,
                other.type_name,
                type_name::<C>()
            );
        }
    }

    pub(crate) fn knows(&self, component: &str, route: &str) -> bool {
        self.get(component, route).is_some()
    }

    fn get(&self, component: &str, route: &str) -> Option<Arc<dyn Restore>> {
        let known = self.lock();
        known.get(&(component.to_owned(), route.to_owned())).map(|known| Arc::clone(&known.restorer))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parameters that a page at `route` would be mounted with.
///
/// A router of its own extracts them, so that what is in the path is found as ever.
pub(crate) fn params_of_route<C: Live>(route: &str) -> MakeParams<C>
where
    C::Params: FromRequestParts<()>,
{
    let route = route.to_owned();
    Arc::new(move |head| {
        let (sender, receiver) = oneshot::channel::<C::Params>();
        let sender = Mutex::new(Some(sender));
        let extract = async move |request: Request| {
            let (mut head, _) = request.into_parts();
            match C::Params::from_request_parts(&mut head, &()).await {
                Ok(params) => {
                    let sender = sender.lock().unwrap_or_else(PoisonError::into_inner).take();
                    // The receiver is gone when the socket is.
                    sender.map(|sender| sender.send(params));
                    ().into_response()
                }
                Err(rejection) => rejection.into_response(),
            }
        };
        let extract = Arc::new(extract);
        let router: axum::Router = axum::Router::new().route(
            &route,
            axum::routing::get(move |request: Request| {
                let extract = Arc::clone(&extract);
                async move { extract(request).await }
            }),
        );
        Box::pin(async move {
            let response = router.oneshot(Request::from_parts(head, axum::body::Body::empty())).await?;
            match receiver.await {
                Ok(params) => Ok(params),
                Err(_) => Err(MountError::new(response.status(), "The page has refused the request.")),
            }
        })
    })
}

trait Restore: Send + Sync {
    fn restore(
        &self,
        restores: Arc<Restores>,
        head: Parts,
        found: Found,
    ) -> BoxFuture<Result<(), CloseReason>>;
}

/// A record that was found in the store.
struct Found {
    token: Token,
    record: Record,
    claim: Claim,
}

/// What brings sessions back.
pub(crate) struct Restores {
    pub(crate) stored: StoredSessions,
    pub(crate) restorers: Arc<Restorers>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) actors: Arc<Actors>,
    /// How a request's address and person are known.
    pub(crate) config: Arc<Config>,
}

impl Restores {
    /// Brings a session back, if it is stored; afterwards the registry has it.
    ///
    /// `head` is that of the request that opened the socket.
    pub(crate) async fn restore(self: &Arc<Self>, head: &Parts, token: Token) -> Result<(), CloseReason> {
        let restore = async {
            let identity = Owner::of(&self.config, head).identity.as_bytes().copied();
            let claim = |stored| Claim::new(token.epoch, identity, stored);
            let record = match self.stored.load(token.id).await {
                Ok(Some(record)) => record,
                Ok(None) => return claim(Stored::Nothing).map(drop),
                Err(error) => {
                    tracing::error!(session = %token.id, error = %one_line(&error), "a session could not be read from the store");
                    return claim(Stored::Failed).map(drop);
                }
            };
            let bytes = record.bytes.clone();
            let envelope = match self.stored.open(token.id, &bytes) {
                Ok(envelope) => envelope,
                Err(error) => {
                    tracing::error!(session = %token.id, error = %one_line(&error), "a stored session cannot be used");
                    return claim(Stored::Nothing).map(drop);
                }
            };
            let claim = claim(Stored::Record {
                identity: envelope.provenance.identity,
                lease: envelope.lease,
                stamp: record.stamp,
            })?;
            let (component, route) = (&envelope.provenance.component, &envelope.provenance.route);
            let Some(restorer) = self.restorers.get(component, route) else {
                tracing::warn!(session = %token.id, component, route, "a stored session is of a page that there is no more");
                return Err(CloseReason::SessionGone);
            };
            let mut head = head.clone();
            head.method = Method::GET;
            head.uri = envelope.provenance.uri.parse().map_err(|_| CloseReason::SessionGone)?;
            restorer.restore(Arc::clone(self), head, Found { token, record, claim }).await
        };
        timeout(limits::RESTORE_WITHIN, restore).await.unwrap_or_else(|_| {
            tracing::error!(session = %token.id, "bringing a session back took too long");
            Err(CloseReason::Unavailable)
        })
    }
}

struct Restorer<C: Live> {
    params: MakeParams<C>,
}

impl<C: Live> Restore for Restorer<C> {
    fn restore(
        &self,
        restores: Arc<Restores>,
        head: Parts,
        found: Found,
    ) -> BoxFuture<Result<(), CloseReason>> {
        let owner = Owner::of(&restores.config, &head);
        let params = Arc::clone(&self.params);
        Box::pin(async move {
            let Found { token, record, claim } = found;
            let id = token.id;
            let refused_with = |Unrevived { reason, error }| {
                tracing::warn!(component = type_name::<C>(), session = %id, error = %one_line(&error), "a stored session could not be mounted");
                reason
            };
            let reservation = restores.registry.reserve(owner).map_err(|full| {
                refused(full);
                CloseReason::Unavailable
            })?;
            let envelope = restores.stored.open(id, &record.bytes).map_err(|_| CloseReason::SessionGone)?;
            // What makes the parameters is the author's as well, and may panic before it gives a future.
            let revived = async { revive::<C>(params(head).await?, envelope.checkpoint).await };
            let revived = AssertUnwindSafe(revived).catch_unwind().await;
            let (session, tasks) = match revived {
                Ok(revived) => revived.map_err(refused_with)?,
                Err(panic) => {
                    let panic = panic_text(&*panic);
                    tracing::error!(component = type_name::<C>(), session = %id, panic, "a component panicked while it was brought back");
                    return Err(CloseReason::SessionGone);
                }
            };
            // Ours from the moment that the store says so: whoever else has it finds that out at its next write.
            let (lease, claimed) = (claim.lease(), claim.written());
            let persister = restores
                .stored
                .persister(id, type_name::<C>(), envelope.provenance)
                .with_stamp(claim.expected());
            let Stamp { seq, .. } = claim.expected();
            let checkpoint = Checkpoint { generation: 0, seq, bytes: envelope.checkpoint.to_vec() };
            let stamp = persister.clone().save(claimed, checkpoint).await.map_err(|Fenced| Fenced::REASON)?;
            let persister = Some(Box::new(persister.with_stamp(stamp)));
            // A recording begins with a page.
            let start = Start { id, session, tasks, lease, persister, recorder: None };
            let failed = |error: ractor::SpawnErr| {
                tracing::error!(error = %one_line(&error), "a session's actor could not be started");
                CloseReason::Unavailable
            };
            restores.actors.start::<C>(start, reservation).await.map_err(failed)?;
            tell!(info, telemetry::RESTORED, type_name::<C>(), id, epoch = claimed.epoch);
            Ok(())
        })
    }
}

/// Why a stored session cannot go on now.
struct Unrevived {
    reason: CloseReason,
    error: MountError,
}

impl From<MountError> for Unrevived {
    /// A fault of the server passes: what is stored must not be given up for it.
    fn from(error: MountError) -> Self {
        let is_passing = error.status().is_server_error();
        let reason = if is_passing { CloseReason::Unavailable } else { CloseReason::SessionGone };
        Self { reason, error }
    }
}

type Revived<C> = (Session<Adapter<C>>, Vec<crate::component::context::Task<<C as Live>::Msg>>);

/// Mounts the component and has its session go on from the checkpoint.
async fn revive<C: Live>(params: C::Params, checkpoint: &[u8]) -> Result<Revived<C>, Unrevived> {
    let mut cx = Context::new(Vec::new());
    note(type_name::<C>(), "mount", None);
    let component = C::mount(params, &mut cx).await?;
    // A state that this build can't take on, it can't take on later either.
    let session = Session::restore(Adapter(component), C::POLICY.kind(true), checkpoint)
        .map_err(|error| Unrevived { reason: CloseReason::SessionGone, error: error.into() })?;
    Ok((session, cx.into_tasks()))
}
