//! The writes of a session's checkpoints, and what is known of the store by them.

use ractor::ActorRef;
use tokio::time::Instant;

use lightspeed_core::host::lease::Lease;
use lightspeed_core::session::checkpoint::Checkpoint;

use super::alarm::Alarm;
use crate::limits;
use crate::operations::crew::{Crew, Lane};
use crate::operations::telemetry::{self, tell};
use crate::session::mailbox::Post;
use crate::storage::persister::{Persister, Saving};
use crate::storage::store::Stamp;

/// The writes of a session. A session that isn't stored has none.
pub(super) struct Stores {
    /// Boxed: 500 bytes that most sessions have no use for.
    persister: Option<Box<Persister>>,
    /// A checkpoint that is being written.
    saving: Option<Saving>,
    /// Goes off when the store takes too long with a checkpoint.
    overdue: Option<Alarm>,
    /// The store has taken too long, and the page is told so whenever it comes.
    is_out: bool,
    /// When what is stored has to be written again, so that it doesn't expire.
    renew_at: Option<Instant>,
}

impl Stores {
    pub(super) fn new(persister: Option<Box<Persister>>) -> Self {
        let mut stores = Self { persister, saving: None, overdue: None, is_out: false, renew_at: None };
        stores.renew_later();
        stores
    }

    /// Whether the session is stored at all.
    pub(super) const fn is_stored(&self) -> bool {
        self.persister.is_some()
    }

    /// Whether the store has taken too long.
    pub(super) const fn is_out(&self) -> bool {
        self.is_out
    }

    pub(super) const fn renew_at(&self) -> Option<Instant> {
        self.renew_at
    }

    /// Has a checkpoint written; the answer is a message to the actor. A write that is waited for holds up what the
    /// page is told: when the store takes too long, the actor gets [`Post::StoreOut`].
    pub(super) fn write<M: Send + 'static>(
        &mut self,
        checkpoint: Checkpoint,
        lease: Lease,
        is_waited_for: bool,
        crew: &Crew,
        myself: &ActorRef<Post<M>>,
    ) {
        let Some(persister) = self.persister.as_deref().cloned() else { return };
        if is_waited_for && self.overdue.is_none() {
            self.overdue = Some(Self::overdue_at(Instant::now() + limits::STORE_OUT_AFTER, myself));
        }
        let (generation, seq, bytes) = (checkpoint.generation, checkpoint.seq, checkpoint.bytes.len());
        let (id, component, myself) = (persister.id, persister.component, myself.clone());
        self.saving = Some(Saving::start(crew, persister.label(), async move {
            let saved = persister.save(lease, checkpoint).await;
            let post = match saved {
                Ok(stamp) => {
                    tell!(debug, telemetry::STORED, component, id, seq, bytes);
                    Post::Stored { generation, stamp }
                }
                Err(_) => Post::Fenced,
            };
            // Fails only when the session has ended.
            let _ = myself.send_message(post);
            saved
        }));
    }

    fn overdue_at<M: Send + 'static>(at: Instant, myself: &ActorRef<Post<M>>) -> Alarm {
        Alarm::set(myself, at, |_| Post::StoreOut)
    }

    /// A checkpoint is stored.
    pub(super) fn note_stored(&mut self, stamp: Stamp) {
        self.saving = None;
        self.is_out = false;
        if let Some(persister) = &mut self.persister {
            persister.set_stamp(stamp);
        }
        self.renew_later();
    }

    /// [`Post::StoreOut`] has come: whether the store has become unavailable by it.
    pub(super) fn note_overdue<M: Send + 'static>(&mut self, myself: &ActorRef<Post<M>>) -> bool {
        self.overdue = None;
        let Some(saving) = &self.saving else { return false };
        let out_at = saving.began + limits::STORE_OUT_AFTER;
        if out_at > Instant::now() {
            // The alarm was for an earlier write.
            self.overdue = Some(Self::overdue_at(out_at, myself));
            return false;
        }
        !std::mem::replace(&mut self.is_out, true)
    }

    fn renew_later(&mut self) {
        let within = self.persister.as_deref().and_then(Persister::renew_within);
        self.renew_at = within.map(|within| Instant::now() + within);
    }

    /// Has what is stored written again, if that is due.
    pub(super) fn renew(&mut self, crew: &Crew) {
        if self.renew_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.renew_later();
        // A checkpoint that is being written is new anyway.
        if let Some(persister) = self.persister.as_ref().filter(|_| self.saving.is_none()) {
            crew.spawn(Lane::Session, persister.label(), (**persister).clone().renew()).detach();
        }
    }

    /// Takes the session out of the store.
    pub(super) fn forget(&mut self, crew: &Crew) {
        if let Some(persister) = self.persister.take() {
            persister.forget(crew, self.saving.take());
        }
    }
}
