//! The actor above all sessions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

/// Parent of the session actors. It survives all of them and restarts none: a session that
/// has failed is mounted anew by its page, which knows what the person was doing.
pub(crate) struct Supervisor;

impl Actor for Supervisor {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    /// Overridden because ractor's own stops the supervisor, and with it every session, when one child ends.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(actor, error) = &event {
            tracing::error!(actor = %actor.get_id(), error = %crate::operations::telemetry::one_line(&error), "a session's actor failed outside its component");
        }
        // The event owns what is left of the child's state, and a drop may panic.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(event)));
        Ok(())
    }
}
