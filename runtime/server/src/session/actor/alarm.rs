//! A timer of a session.

use ractor::ActorRef;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::session::mailbox::Post;

/// A message that the actor gets at an instant; it is not sent when this is dropped before.
pub(super) struct Alarm {
    pub(super) at: Instant,
    task: AbortHandle,
}

impl Alarm {
    /// Posts what `post` makes. It is made when the alarm goes off, so that a waiting alarm takes no room for it.
    pub(super) fn set<M: Send + 'static>(
        myself: &ActorRef<Post<M>>,
        at: Instant,
        post: fn(Instant) -> Post<M>,
    ) -> Self {
        let myself = myself.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            // Fails only when the session has ended.
            let _ = myself.send_message(post(at));
        });
        Self { at, task: task.abort_handle() }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.task.abort();
    }
}
