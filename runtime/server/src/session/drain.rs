//! The end of a server: every session is handed over, so many at a time.

use std::sync::Arc;

use axum::http::Extensions;
use lightspeed_protocol::close::CloseReason;
use tokio::sync::{OnceCell, watch};
use tokio::time::timeout;

use crate::limits;
use crate::operations::shutdown::ServerShutdown;
use crate::operations::telemetry;
use crate::session::registry::Registry;

/// Whether the sessions are being handed over, or have been.
pub(crate) struct Drain {
    registry: Arc<Registry>,
    phase: watch::Sender<Phase>,
    done: OnceCell<()>,
    /// Made when the first request has told of a server that may end.
    watched: OnceCell<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Phase {
    Running,
    Draining,
    Drained,
}

impl Drain {
    /// Will hand over the sessions of this registry.
    pub(crate) fn new(registry: &Arc<Registry>) -> Self {
        Self {
            registry: Arc::clone(registry),
            phase: watch::Sender::new(Phase::Running),
            done: OnceCell::new(),
            watched: OnceCell::new(),
        }
    }

    /// Whether nothing new is taken on.
    pub(crate) fn has_begun(&self) -> bool {
        *self.phase.borrow() != Phase::Running
    }

    /// Returns when every session is handed over, or the time for that is up.
    pub(crate) async fn over(&self) {
        // The sender is ours, so it cannot be gone.
        let _ = self.phase.subscribe().wait_for(|phase| *phase == Phase::Drained).await;
    }

    /// Hands every session over; however often it is called, once.
    pub(crate) async fn run(&self) {
        self.done
            .get_or_init(async || {
                self.phase.send_replace(Phase::Draining);
                self.registry.close();
                let sessions = self.registry.actor_count();
                tracing::info!(target: telemetry::TARGET, transition = telemetry::DRAINING, sessions);
                if timeout(limits::DRAIN_WITHIN, self.hand_over()).await.is_err() {
                    let sessions = self.registry.actor_count();
                    tracing::error!(
                        target: telemetry::TARGET,
                        transition = telemetry::DRAINED,
                        sessions,
                        "sessions could not be handed over in time: what of them is not stored is lost"
                    );
                } else {
                    tracing::info!(target: telemetry::TARGET, transition = telemetry::DRAINED, sessions = 0);
                }
                self.phase.send_replace(Phase::Drained);
            })
            .await;
    }

    /// Suspends every session; one that is slow to end holds up its own place and nobody else's.
    async fn hand_over(&self) {
        let mut ended = self.registry.ended();
        loop {
            // Seen before it is asked who is next, so that whoever ends after that wakes this.
            ended.mark_unchanged();
            for handle in self.registry.hand_over(limits::DRAIN_BATCH) {
                handle.mailbox.suspend(CloseReason::ShuttingDown);
            }
            if self.registry.is_drained() {
                return;
            }
            // The sender is the registry's, which is there.
            let _ = ended.changed().await;
        }
    }

    /// Drains when the server that a request came through ends.
    pub(crate) fn run_with_server(self: &Arc<Self>, extensions: &Extensions) {
        if self.watched.initialized() {
            return;
        }
        let Some(mut server) = ServerShutdown::watch(extensions) else { return };
        if self.watched.set(()).is_err() {
            return;
        }
        let drain = Arc::downgrade(self);
        tokio::spawn(async move {
            server.told().await;
            if let Some(drain) = drain.upgrade() {
                drain.run().await;
            }
            // Only now may the server, which waits for this one too, end.
            drop(server);
        });
    }
}
