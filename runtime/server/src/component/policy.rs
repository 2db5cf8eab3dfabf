//! What an author promises for a component: what becomes of it when a connection, or a server, is lost.

use std::fmt;

use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::session::policy::{Cadence, Policy as Kind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::component::live::Live;
use crate::operations::telemetry::one_line;

/// What becomes of a component's session when its connection or its server is lost:
/// [`Live::POLICY`]. `docs/guarantees.md` tells what each of them promises, and no more.
///
/// | policy | connection lost | server told to end | server killed |
/// |---|---|---|---|
/// | [`remount`](Policy::remount) | starts over | starts over | starts over |
/// | [`resume`](Policy::resume) | goes on | starts over | starts over |
/// | [`rehydrate`](Policy::rehydrate) | goes on | goes on | goes on from the last snapshot |
/// | [`durable`](Policy::durable) | goes on | goes on | goes on, nothing that was acknowledged is lost |
///
/// The last two need [`Config::with_store`](crate::Config::with_store); without a store they are `resume`.
pub struct Policy<C> {
    kind: Kind,
    codec: Option<Codec<C>>,
}

/// How a component becomes bytes and back.
pub(crate) struct Codec<C> {
    pub(crate) name: &'static str,
    save: fn(&C) -> Option<Vec<u8>>,
    load: fn(&mut C, &[u8]) -> Result<(), LoadError>,
}

impl<C: Live> Policy<C> {
    /// The session ends with its socket, and the page mounts another: for components that are
    /// as good new as old, and would only cost memory while nobody is there.
    pub const fn remount() -> Self {
        Self { kind: Kind::Remount, codec: None }
    }

    /// The session waits in memory for its page to come back. The default.
    pub const fn resume() -> Self {
        Self { kind: Kind::Resume, codec: None }
    }
}

impl<C: Snapshot> Policy<C> {
    /// The session is stored as well: when the connection is lost, when the server is told to
    /// end, and every 20 events or 5 seconds. A server that is killed loses at most those, and what came
    /// while they were being written.
    pub const fn rehydrate() -> Self {
        Self::rehydrate_every(20, 5_000)
    }

    /// As [`rehydrate`](Policy::rehydrate), in another rhythm: after so many events, or so many
    /// milliseconds after a change.
    pub const fn rehydrate_every(events: u32, ms: u64) -> Self {
        Self { kind: Kind::Rehydrate(Cadence { events, ms }), codec: Some(Self::CODEC) }
    }

    /// The session is stored before the page is told that an event was handled, and before it is
    /// shown what came of it. Each event takes effect exactly once, whatever happens to the server; what panics
    /// of the component undo is in `docs/guarantees.md`.
    /// Costs a write to the store for each event that arrives while none is being written.
    pub const fn durable() -> Self {
        Self { kind: Kind::Durable, codec: Some(Self::CODEC) }
    }

    const CODEC: Codec<C> = Codec { name: C::NAME, save: save::<C>, load: load::<C> };
}

impl<C> Policy<C> {
    /// What the session machine is told, which knows nothing of stores.
    pub(crate) const fn kind(&self, has_store: bool) -> Kind {
        if self.kind.is_stored() && !has_store { Kind::Resume } else { self.kind }
    }

    pub(crate) const fn codec(&self) -> Option<&Codec<C>> {
        self.codec.as_ref()
    }
}

impl<C> Codec<C> {
    pub(crate) fn save(&self, component: &C) -> Option<Vec<u8>> {
        (self.save)(component)
    }

    pub(crate) fn load(&self, component: &mut C, state: &[u8]) -> Result<(), LoadError> {
        (self.load)(component, state)
    }
}

impl<C> fmt::Debug for Policy<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A component whose state can be stored, so that its session outlives the server.
///
/// To bring a session back the component is mounted as ever, for what isn't state (a database,
/// subscriptions, work under way), and is then given its state. After a panic the state of
/// before is given to the component that is there.
///
/// Everything that [`Live::render`] shows must be in the state. What isn't, is shown anew: the
/// page then gets its document as a whole, which costs it open menus and scroll positions
/// within the component.
///
/// ```
/// use lightspeed::{Context, Html, Live, MigrateError, MountError, OldState, Policy, Snapshot, html};
/// use serde::{Deserialize, Serialize};
///
/// struct Counter { state: State }
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct State { count: i64, step: i64 }
///
/// impl Live for Counter {
///     type Msg = i64;
///     type Params = ();
///     const POLICY: Policy<Self> = Policy::durable();
///     async fn mount((): (), _: &mut Context<i64>) -> Result<Self, MountError> {
///         Ok(Self { state: State { count: 0, step: 1 } })
///     }
///     fn update(&mut self, by: i64, _: &mut Context<i64>) { self.state.count += by; }
///     fn render(&self) -> Html<i64> { html! { button onclick=(self.state.step) { (self.state.count) } } }
/// }
///
/// impl Snapshot for Counter {
///     type State = State;
///     const NAME: &'static str = "counter";
///     const SCHEMA: u32 = 2;
///     fn save(&self) -> State { self.state.clone() }
///     fn load(&mut self, state: State) { self.state = state; }
///     // Version 1 was the count alone.
///     fn migrate(schema: u32, old: OldState<'_>) -> Result<State, MigrateError> {
///         match schema {
///             1 => Ok(State { count: old.decode()?, step: 1 }),
///             _ => Err(MigrateError::unknown(schema)),
///         }
///     }
/// }
/// ```
pub trait Snapshot: Live {
    /// What is stored: MessagePack by serde. Other builds will read it, see [`Snapshot::SCHEMA`].
    type State: Serialize + DeserializeOwned;

    /// Names the component in the store. Stays when the type is renamed or moved; no two
    /// components of an application have the same.
    const NAME: &'static str;

    /// The version of [`Snapshot::State`]: to be raised when what was stored before can no longer be read as one.
    const SCHEMA: u32 = 1;

    /// The state.
    fn save(&self) -> Self::State;

    /// Takes a state on.
    fn load(&mut self, state: Self::State);

    /// Makes a state of one that another build has stored.
    ///
    /// # Errors
    ///
    /// When there is no way; the session then starts over.
    fn migrate(schema: u32, old: OldState<'_>) -> Result<Self::State, MigrateError> {
        let _ = old;
        Err(MigrateError::unknown(schema))
    }
}

/// A state that was stored with another [`Snapshot::SCHEMA`].
#[derive(Debug, Clone, Copy)]
pub struct OldState<'a>(&'a [u8]);

impl OldState<'_> {
    /// Reads it as the type that it was then.
    ///
    /// # Errors
    ///
    /// When it is another.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, MigrateError> {
        rmp_serde::from_slice(self.0).map_err(|error| MigrateError(error.to_string()))
    }
}

/// Why a state of another build could not be taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrateError(String);

impl MigrateError {
    /// The build knows no such schema.
    pub fn unknown(schema: u32) -> Self {
        Self(format!("schema {schema} is unknown to this build: `Snapshot::migrate` has no way from it"))
    }

    /// For another reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MigrateError {}

/// The schema's number in front of the state.
const SCHEMA_BYTES: usize = size_of::<u32>();

fn save<C: Snapshot>(component: &C) -> Option<Vec<u8>> {
    let mut bytes = Vec::from(C::SCHEMA.to_be_bytes());
    match rmp_serde::encode::write_named(&mut bytes, &component.save()) {
        Ok(()) => Some(bytes),
        Err(error) => {
            tracing::error!(
                component = C::NAME,
                error = %one_line(&error),
                "the state cannot be stored: what `Snapshot::State` holds must be serializable as MessagePack"
            );
            None
        }
    }
}

fn load<C: Snapshot>(component: &mut C, bytes: &[u8]) -> Result<(), LoadError> {
    let (schema, state) = bytes.split_first_chunk::<SCHEMA_BYTES>().ok_or(LoadError)?;
    let schema = u32::from_be_bytes(*schema);
    let state = if schema == C::SCHEMA {
        rmp_serde::from_slice(state).map_err(|error| MigrateError(error.to_string()))
    } else {
        C::migrate(schema, OldState(state))
    };
    match state {
        Ok(state) => {
            component.load(state);
            Ok(())
        }
        Err(error) => {
            tracing::error!(component = C::NAME, schema, error = %one_line(&error), "a stored state could not be read");
            Err(LoadError)
        }
    }
}
