//! The documents of a page, one for each of its sessions.

use lightspeed_interpreter::{Change, Document, MemoryDocument, TemplateShape};
use lightspeed_protocol::Fingerprint;

/// Hands each program to the document of its session.
#[derive(Debug)]
pub(super) struct Documents {
    documents: Vec<MemoryDocument>,
    /// The one that a program is for.
    current: usize,
}

impl Documents {
    pub(super) fn new(documents: Vec<MemoryDocument>) -> Self {
        Self { documents, current: 0 }
    }

    /// The documents with their sessions' numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, &MemoryDocument)> {
        (1..).zip(&self.documents)
    }

    pub(super) fn get_mut(&mut self, session: u32) -> &mut MemoryDocument {
        &mut self.documents[session as usize - 1]
    }
}

impl Document for Documents {
    fn define(&mut self, fingerprint: Fingerprint, template: &TemplateShape) {
        for document in &mut self.documents {
            document.define(fingerprint, template);
        }
    }

    fn begin(&mut self, session: u32, ack: u64) {
        self.current = session as usize - 1;
        self.documents[self.current].begin(session, ack);
    }

    fn change(&mut self, change: Change<'_>) {
        self.documents[self.current].change(change);
    }

    fn commit(&mut self) {
        self.documents[self.current].commit();
    }

    fn discard(&mut self) {
        self.documents[self.current].discard();
    }
}
