//! What a session starts with: a component that is mounted, or brought back.

use lightspeed_core::host::lease::Lease;
use lightspeed_core::session::Session;

use crate::component::context::{Adapter, Task};
use crate::component::live::Live;
use crate::id::SessionId;
use crate::recording::recorder::Recorder;
use crate::storage::persister::Persister;

/// What a session starts with.
pub(crate) struct Start<C: Live> {
    pub(crate) id: SessionId,
    pub(crate) session: Session<Adapter<C>>,
    /// What the mount asked for.
    pub(crate) tasks: Vec<Task<C::Msg>>,
    pub(crate) lease: Lease,
    /// For a session that is stored.
    pub(crate) persister: Option<Box<Persister>>,
    /// For a session that is recorded.
    pub(crate) recorder: Option<Recorder>,
}
