//! The pages: they come, hear their servers, want something, sleep and start over.

use lightspeed_core::Policy;
use lightspeed_interpreter::{ClientOutput, LinkState, MemoryDocument};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::ServerFrame;

use super::World;
use super::state::Happening;
use crate::page::{Fate, Page, without_values};

impl World {
    pub(super) fn add_page(&mut self, identity: u64) {
        let Some((session, token, html)) = self.mount(identity) else { return };
        let seed = self.random.next();
        let mut page = Page::new(identity, session, token, html, seed);
        page.client.handle_start(self.now);
        self.pages.push(page);
        let page = self.pages.len() - 1;
        self.trace(|| format!("page {page} shows session {session}"));
        self.outputs(page);
    }

    /// Somebody opens the page that another tab was given.
    pub(super) fn duplicate(&mut self, page: usize) {
        let it = &self.pages[page];
        let (identity, session, first) = (it.identity, it.session, it.first.clone());
        if it.renewals > 0 {
            return;
        }
        self.known.entry(session).or_default().has_copies = true;
        let seed = self.random.next();
        let mut copy = Page::new(identity, session, first.0, first.1, seed);
        copy.client.handle_start(self.now);
        self.pages.push(copy);
        let copy = self.pages.len() - 1;
        self.trace(|| format!("page {copy} is a copy of page {page}"));
        self.outputs(copy);
    }

    /// A page gets a message.
    pub(super) fn hear(&mut self, page: usize, bytes: &[u8]) {
        let handled_before = self.highest_handled(page);
        let it = &mut self.pages[page];
        if let Ok((1, ServerFrame::Close { reason, .. })) = ServerFrame::decode(bytes) {
            let reason = CloseReason::from_code(reason);
            it.needs_session |= reason.is_some_and(CloseReason::is_recoverable_by_remount);
            let session = it.session;
            if reason == Some(CloseReason::BadToken)
                && !self.known.get(&session).is_some_and(|it| it.has_copies)
            {
                return self.fail("C7", format!("page {page} is locked out of its own session {session}"));
            }
        }
        // What is understood as long as the state survives.
        let is_lasting = matches!(self.setup.policy, Policy::Durable | Policy::Resume | Policy::Remount)
            && !self.has_panics;
        if let Ok((1, ServerFrame::Refused { seq, reason: 2, .. })) = ServerFrame::decode(bytes)
            && is_lasting
            && !self.known.get(&self.pages[page].session).is_some_and(|it| it.has_copies || it.is_joined_late)
        {
            return self.fail("C3", format!("event {seq} of page {page} is refused as too old"));
        }
        let it = &mut self.pages[page];
        let session = it.session;
        let now = it.now(self.now);
        it.client.handle_message(now, bytes, &mut it.document);
        self.outputs(page);
        let it = &self.pages[page];
        if it.session != session {
            return;
        }
        // C2, C1: whatever came, the document is the one of its version.
        if let (Some(version), Some(known)) = (it.client.version(1), self.known.get(&session))
            && it.state == LinkState::Connected
            && let Some(htmls) = known.versions.get(&version)
        {
            let shown = it.shown();
            let expected = htmls.iter().map(|html| without_values(&MemoryDocument::canonical(html)));
            let expected: Vec<_> = expected.collect();
            if !expected.contains(&shown) {
                let expected = expected.join(" or ");
                self.fail("C1", format!("page {page} at version {version} shows {shown} and not {expected}"));
            }
        }
        self.check_effects(page);
        // C3: what the page was once told is handled stays so.
        if let Ok((1, ServerFrame::Joined { ack, .. })) = ServerFrame::decode(bytes)
            && self.setup.policy == Policy::Durable
            && ack < handled_before
        {
            self.fail("C3", format!("page {page}: a server knows events only up to {ack}"));
        }
    }

    fn highest_handled(&self, page: usize) -> u64 {
        let deeds = self.pages[page].deeds.iter();
        deeds.filter(|(_, deed)| deed.fate == Fate::Handled).map(|(seq, _)| *seq).max().unwrap_or(0)
    }

    /// Does what a page wants.
    pub(super) fn outputs(&mut self, page: usize) {
        while let Some(output) = self.pages[page].client.poll_output() {
            if let Err(what) = self.pages[page].hear(&output) {
                self.fail("C3", format!("page {page}: {what}"));
            }
            if let ClientOutput::Settled { seq, .. } = &output
                && self.setup.policy == Policy::Durable
                && !self.is_spoiled
                && self
                    .known
                    .get(&self.pages[page].session)
                    .is_some_and(|it| it.refused.contains(seq) && !it.has_copies)
            {
                self.fail("C3", format!("event {seq} of page {page} was refused and is told to be handled"));
            }
            if matches!(output, ClientOutput::Settled { .. }) {
                self.check_settled(page);
            }
            if let ClientOutput::State { state, .. } = &output {
                self.trace(|| format!("page {page} is {state:?}"));
            }
            match output {
                ClientOutput::Connect => {
                    let socket = self.next_socket;
                    self.next_socket += 1;
                    self.pages[page].socket = Some(socket);
                    let delay = self.delay();
                    self.later(delay, Happening::Connected { page, socket });
                }
                ClientOutput::Disconnect => {
                    if let Some(socket) = self.pages[page].socket.take() {
                        self.client_closes(socket);
                    }
                }
                ClientOutput::Transmit(bytes) => {
                    if let Some(socket) = self.pages[page].socket {
                        self.send(socket, true, bytes);
                    }
                }
                ClientOutput::Refresh => {
                    let delay = self.delay();
                    self.later(delay, Happening::Fetch { page });
                }
                _ => {}
            }
        }
    }

    /// C3: what a component asks of its page is done once, in order, and when what it belongs to is seen.
    fn check_effects(&mut self, page: usize) {
        let it = &self.pages[page];
        let (done, shown) = (it.done(), it.shown_count());
        let is_whole = self.known.get(&it.session).is_some_and(|known| !known.is_torn && !known.has_copies);
        // Rehydrate tells before it stores: another server may not know what was done.
        if !is_whole || matches!(self.setup.policy, Policy::Rehydrate(_)) {
            return;
        }
        if !done.is_sorted_by(|one, next| one < next) {
            self.fail("C3", format!("page {page} has done {done:?}: twice, or out of order"));
        } else if !self.is_spoiled && done.last().is_some_and(|last| *last > shown) {
            self.fail("C3", format!("page {page} has done {done:?} and shows {shown}"));
        }
    }

    /// C3: a click that is settled is seen, so that nothing goes back that a person was shown before.
    fn check_settled(&mut self, page: usize) {
        let it = &self.pages[page];
        let is_whole = self.known.get(&it.session).is_some_and(|known| !known.is_torn && !known.has_copies);
        // Rehydrate tells before it stores: another server may show less than was settled.
        if self.is_spoiled || !is_whole || matches!(self.setup.policy, Policy::Rehydrate(_)) {
            return;
        }
        let (shown, settled) = (it.shown_count(), it.settled_count());
        if shown < settled {
            self.fail("C3", format!("page {page} shows {shown} of {settled} clicks that are settled"));
        }
    }

    /// A page is fetched again.
    pub(super) fn fetch(&mut self, page: usize) {
        let identity = self.pages[page].identity;
        if !self.pages[page].needs_session {
            // It has asked twice, and the first answer was enough.
            return;
        }
        let is_lucky = self.is_healed || self.random.chance(80);
        let fetched = if is_lucky { self.mount(identity) } else { None };
        let it = &mut self.pages[page];
        let now = it.now(self.now);
        match fetched {
            Some((session, token, _)) => {
                it.client.handle_tokens(now, &[Some(&token)]);
                // Refusals of the old session are told before.
                let mut told = Vec::new();
                while let Some(output) = it.client.poll_output() {
                    told.push(output);
                }
                let mut transmits = Vec::new();
                for output in told {
                    if let Err(what) = it.hear(&output) {
                        self.failure.get_or_insert(("C3", what));
                    }
                    if let ClientOutput::Transmit(bytes) = output {
                        transmits.push(bytes);
                    }
                }
                if !it.is_settled() {
                    let what = format!("page {page} starts over and does not tell what it has dropped");
                    self.failure.get_or_insert(("C3", what));
                }
                it.begin_session(session);
                let socket = it.socket;
                self.trace(|| format!("page {page} starts over with session {session}"));
                for bytes in transmits {
                    if let Some(socket) = socket {
                        self.send(socket, true, bytes);
                    }
                }
            }
            None => it.client.handle_refresh_failed(now),
        }
        self.outputs(page);
    }

    pub(super) fn thaw(&mut self, page: usize) {
        let it = &mut self.pages[page];
        if it.frozen_until.take().is_none() {
            return;
        }
        let now = it.now(self.now);
        let socket = it.socket;
        self.trace(|| format!("page {page} is shown again"));
        match socket.map(|socket| (socket, self.sockets.get(&socket).is_some_and(|it| it.is_client_open))) {
            Some((socket, true)) => self.arrive(socket, false),
            // It was lost meanwhile.
            Some((_, false)) => {
                self.pages[page].socket = None;
                self.pages[page].client.handle_closed(now);
            }
            None => {}
        }
        self.pages[page].client.handle_wake(now);
        self.outputs(page);
    }
}
