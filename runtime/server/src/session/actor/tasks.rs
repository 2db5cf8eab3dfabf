//! The tasks of a session: so many run at a time, the others wait.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use ractor::ActorRef;
use tokio::time::Instant;

use super::alarm::Alarm;
use crate::component::context::Task;
use crate::limits;
use crate::operations::crew::{Crew, Errand, Label, Lane};
use crate::operations::panics::panic_text;
use crate::session::mailbox::Post;

/// The tasks that a component has asked for.
pub(super) struct Tasks<M> {
    /// The tasks that run, and some that have ended; they are aborted when dropped.
    running: Vec<Errand<()>>,
    running_count: usize,
    pub(super) waiting: VecDeque<Task<M>>,
    /// Set while tasks wait, with how many had been started when it was set.
    watch: Option<(Alarm, u64)>,
    started: u64,
    is_told: bool,
}

impl<M> Default for Tasks<M> {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            running_count: 0,
            waiting: VecDeque::new(),
            watch: None,
            started: 0,
            is_told: false,
        }
    }
}

impl<M: Send + 'static> Tasks<M> {
    /// Starts as many as may run.
    pub(super) fn start(&mut self, crew: &Crew, label: Label, myself: &ActorRef<Post<M>>) {
        while self.running_count < limits::TASKS_IN_FLIGHT_MAX
            && let Some(task) = self.waiting.pop_front()
        {
            self.running_count += 1;
            self.started += 1;
            let myself = myself.clone();
            let errand = crew.spawn(Lane::Session, label, async move {
                let result = AssertUnwindSafe(task).catch_unwind().await;
                // Fails only when the session has ended.
                let _ = myself.send_message(Post::Done(result.map_err(|panic| panic_text(&*panic))));
            });
            self.running.push(errand);
        }
        self.watch(myself);
    }

    /// Sets an alarm that looks at the tasks after a while, if some wait.
    pub(super) fn watch(&mut self, myself: &ActorRef<Post<M>>) {
        if self.waiting.is_empty() {
            (self.watch, self.is_told) = (None, false);
        } else if self.watch.is_none() && !self.is_told {
            let at = Instant::now() + limits::TASKS_WAIT_TOLD_AFTER;
            self.watch = Some((Alarm::set(myself, at, Post::TasksWait), self.started));
        }
    }

    /// How many run and how many wait, if none has been started for as long as the alarm took.
    pub(super) fn look(&mut self, at: Instant) -> Option<(usize, usize)> {
        let (_, started) = self.watch.take_if(|(alarm, _)| alarm.at == at)?;
        self.is_told = started == self.started && !self.waiting.is_empty();
        self.is_told.then_some((self.running_count, self.waiting.len()))
    }

    /// A task has sent its message.
    pub(super) fn end_one(&mut self) {
        self.running_count -= 1;
        self.running.retain(|errand| !errand.is_over());
    }
}
