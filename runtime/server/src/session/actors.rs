//! Starts the actors of sessions, and ends them all.

use std::sync::{Arc, OnceLock};

use ractor::{Actor, ActorRef, SpawnErr};
use tokio::sync::OnceCell;

use crate::component::live::Live;
use crate::config::Config;
use crate::http::admission::bytes::Accounts;
use crate::operations::clock::Clock;
use crate::operations::crew::Crew;
use crate::recording::recorder::Recordings;
use crate::session::actor::SessionActor;
use crate::session::registry::{Registry, Reservation};
use crate::session::retry::Retry;
use crate::session::start::Start;
use crate::session::supervisor::Supervisor;
use crate::session::surroundings::Surroundings;
use crate::storage::stored::StoredSessions;

/// The actors of a server, with the threads that run their components. All of them end when the
/// last holder of this value is gone, a [`Runtime`](crate::Runtime) or a socket.
pub(crate) struct Actors {
    config: Arc<Config>,
    registry: Arc<Registry>,
    retry: Retry,
    accounts: Arc<Accounts>,
    stored: Option<StoredSessions>,
    pub(crate) clock: Clock,
    /// The recordings go on for as long as there may be sessions to be recorded.
    pub(crate) recordings: Option<Recordings>,
    /// Made when a component runs for the first time: there is an executor for sure only then.
    surroundings: OnceLock<Arc<Surroundings>>,
    /// Made by the first mount, for the same reason.
    supervisor: OnceCell<ActorRef<()>>,
}

impl Actors {
    pub(crate) fn new(
        config: &Arc<Config>,
        registry: &Arc<Registry>,
        retry: &Retry,
        accounts: &Arc<Accounts>,
        stored: Option<StoredSessions>,
    ) -> Self {
        Self {
            config: Arc::clone(config),
            registry: Arc::clone(registry),
            retry: retry.clone(),
            accounts: Arc::clone(accounts),
            stored,
            clock: Clock::new(),
            #[cfg(not(feature = "recording"))]
            recordings: None,
            #[cfg(feature = "recording")]
            recordings: config.recording.clone().map(Recordings::new),
            surroundings: OnceLock::new(),
            supervisor: OnceCell::new(),
        }
    }

    /// The threads that run what authors wrote.
    pub(crate) fn crew(&self) -> &Crew {
        &self.surroundings().crew
    }

    /// Gives a session its actor.
    pub(crate) async fn start<C: Live>(
        &self,
        start: Start<C>,
        reservation: Reservation,
    ) -> Result<(), SpawnErr> {
        let supervisor = self.supervisor().await?.get_cell();
        let start = (start, reservation, Arc::clone(self.surroundings()));
        SessionActor::<C>::spawn_linked(None, SessionActor::new(), start, supervisor).await?;
        Ok(())
    }

    fn surroundings(&self) -> &Arc<Surroundings> {
        self.surroundings.get_or_init(|| {
            Arc::new(Surroundings {
                registry: Arc::clone(&self.registry),
                retry: self.retry.clone(),
                accounts: Arc::clone(&self.accounts),
                crew: Crew::new(self.config.author_threads),
                clock: self.clock,
                config: Arc::clone(&self.config),
            })
        })
    }

    async fn supervisor(&self) -> Result<&ActorRef<()>, SpawnErr> {
        let start = async || {
            self.registry.keep_swept();
            if let Some(stored) = &self.stored {
                stored.keep_purged(self.crew().clone());
            }
            Supervisor::spawn(None, Supervisor, ()).await.map(|(supervisor, _)| supervisor)
        };
        self.supervisor.get_or_try_init(start).await
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.get_cell().stop(None);
        }
        if let Some(surroundings) = self.surroundings.get() {
            surroundings.crew.close();
        }
    }
}
