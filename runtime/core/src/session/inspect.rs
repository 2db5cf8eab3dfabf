//! What a session looks like from outside.

use alloc::string::String;
use core::fmt;

use super::Session;
use super::component::Component;
use super::hibernation::Newest;
use crate::tree::html::Fragment;
use crate::tree::nesting::Misplaced;
use crate::tree::render::{write_fragment, write_page};
use crate::tree::streams;

impl<C: Component> fmt::Debug for Session<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("version", &self.version())
            .field("version_acked", &self.version_acked())
            .field("seq_handled", &self.seq_handled())
            .field("phase", self.delivery.phase())
            .finish_non_exhaustive()
    }
}

impl<C: Component> Session<C> {
    /// The newest version that was rendered, as HTML: before the first patch, the first page.
    ///
    /// With streams of which rows are no longer here, what the component looks like now. Without raw HTML
    /// that a browser would repair or move where it stands: the client puts it in when it adopts the page
    /// (`specs/isa.md`, 5.6).
    pub fn page_html(&self) -> String {
        self.html(|root| write_page(root).0)
    }

    /// The newest version that was rendered, as HTML, with all that a client shows then.
    pub fn whole_html(&self) -> String {
        self.html(|root| {
            let mut out = String::new();
            write_fragment(root, &mut out);
            out
        })
    }

    fn html(&self, write: impl Fn(&Fragment<C::Message>) -> String) -> String {
        let html = |tree: &Fragment<C::Message>| {
            streams::glance(tree, || self.component().render())
                .map_or_else(|| write(tree), |html| write(html.root()))
        };
        match self.revisions.newest() {
            Newest::Tree(tree) => html(tree),
            Newest::Asleep(_) => html(self.component().render().root()),
        }
    }

    /// The first thing in the newest version that a parser would move, drop or close because of what is around it.
    ///
    /// With debug assertions there is none: rendering it is a panic. A release asks once, for the first page.
    pub fn misplaced(&self) -> Option<Misplaced> {
        self.revisions.misplaced()
    }

    /// The component.
    pub fn component(&self) -> &C {
        self.component.component()
    }

    /// The component, and nothing else of the session.
    pub fn into_component(self) -> C {
        self.component.into_component()
    }

    /// The component's state as bytes, if its policy is to be stored.
    pub fn state(&self) -> Option<&[u8]> {
        self.component.state().map(|state| &**state)
    }

    /// The newest version that was rendered.
    pub fn version(&self) -> u64 {
        self.revisions.version()
    }

    /// The last event that was handled or refused.
    pub fn seq_handled(&self) -> u64 {
        self.events.seq_handled()
    }

    /// The newest version that the client has acknowledged.
    pub fn version_acked(&self) -> u64 {
        self.delivery.version_acked()
    }

    /// Patches, and bytes of them, that are kept until they are acknowledged.
    pub fn unacked(&self) -> (usize, usize) {
        (self.delivery.window().len(), self.delivery.window().byte_count())
    }

    /// Bytes that are kept because the client may still need them: patches that it hasn't acknowledged, trees of
    /// older versions that its events may name, and what its page was asked for.
    pub fn waiting_byte_count(&self) -> usize {
        self.delivery.window().byte_count() + self.revisions.seen_byte_count() + self.effects.byte_count()
    }

    /// Whether a socket holds it.
    pub fn is_attached(&self) -> bool {
        self.delivery.is_attached()
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.delivery.is_closed()
    }

    /// Whether it hibernates.
    pub fn is_hibernating(&self) -> bool {
        self.revisions.newest().is_asleep()
    }
}
