//! How sockets learn that their server is going away.

use axum::http::Extensions;
use tokio::sync::watch;

/// Tells it, and knows when everybody who was told is gone.
#[derive(Debug)]
pub(crate) struct Shutdown(watch::Sender<bool>);

/// Waits for it. As long as one exists, the work that it belongs to goes on.
#[derive(Debug, Clone)]
pub(crate) struct ShutdownWatch(watch::Receiver<bool>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn watch(&self) -> ShutdownWatch {
        ShutdownWatch(self.0.subscribe())
    }

    pub(crate) fn tell(&self) {
        self.0.send_replace(true);
    }

    /// Returns when every watch is dropped.
    pub(crate) async fn all_gone(&self) {
        self.0.closed().await;
    }
}

impl ShutdownWatch {
    /// Returns when the server is going away; never when nobody would tell.
    pub(crate) async fn told(&mut self) {
        if self.0.wait_for(|is_told| *is_told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The watch of the server that a request came through; [`Server`](crate::Server) adds it to each.
#[derive(Debug, Clone)]
pub(crate) struct ServerShutdown(pub(crate) ShutdownWatch);

impl ServerShutdown {
    pub(crate) fn watch(extensions: &Extensions) -> Option<ShutdownWatch> {
        extensions.get::<Self>().map(|shutdown| shutdown.0.clone())
    }
}
