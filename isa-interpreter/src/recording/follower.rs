//! A client that only follows: frames in, the document that a person saw out.

use core::fmt;

use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::msgpack::DecodeError;
use lightspeed_protocol::recording::Record;
use lightspeed_protocol::{Fingerprint, InstanceId};

use crate::document::Document;
use crate::interpret::{ProgramError, interpret};
use crate::memory::MemoryDocument;
use crate::templates::Templates;
use crate::tree::Tree;

/// The document of a session as its client showed it, version by version.
#[derive(Debug)]
pub struct Follower {
    templates: Templates,
    tree: Tree,
    document: MemoryDocument,
    version: u64,
}

/// Why a frame could not be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowError {
    /// The frame is malformed.
    Frame(DecodeError),
    /// Its program doesn't fit the document.
    Program(ProgramError),
}

impl From<DecodeError> for FollowError {
    fn from(error: DecodeError) -> Self {
        Self::Frame(error)
    }
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => write!(f, "{error}"),
            Self::Program(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for FollowError {}

impl Follower {
    /// Begins with the page that a session was mounted for.
    pub fn new(html: &str) -> Self {
        let document = MemoryDocument::from_html(html);
        Self { templates: Templates::new(), tree: Tree::new(), document, version: 0 }
    }

    /// Takes what a record tells. Returns whether the document is at another version than before.
    ///
    /// # Errors
    ///
    /// As [`Follower::handle_frame`].
    ///
    /// # Panics
    ///
    /// As [`Follower::handle_frame`].
    pub fn handle_record(&mut self, record: &Record<'_>) -> Result<bool, FollowError> {
        let Record::Server { templates, frame } = *record else { return Ok(false) };
        for definition in Record::template_frames(templates) {
            self.handle_frame(definition?)?;
        }
        self.handle_frame(frame)
    }

    /// Takes a frame of the server. Returns whether the document is at another version than before.
    ///
    /// # Errors
    ///
    /// When it is malformed, or its program doesn't fit; the document is then as before.
    ///
    /// # Panics
    ///
    /// When a template's HTML or the page's isn't what its slots say, which no server sends.
    pub fn handle_frame(&mut self, frame: &[u8]) -> Result<bool, FollowError> {
        match ServerFrame::decode(frame)?.1 {
            ServerFrame::Template { fingerprint, namespace, roots, check, html, slots } => {
                let shape = self.templates.define(fingerprint, namespace, roots, check, html, slots)?;
                self.document.define(fingerprint, shape);
                Ok(false)
            }
            ServerFrame::Patch { version, program, .. } | ServerFrame::Snapshot { version, program, .. }
                // A client that comes back is sent again what it may have missed.
                if (version > self.version || self.tree.is_empty()) =>
            {
                interpret(program, 1, 0, 1, &self.templates, &mut self.tree, &mut self.document)
                    .map_err(FollowError::Program)?;
                self.version = version;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The document.
    pub fn document(&self) -> &MemoryDocument {
        &self.document
    }

    /// The templates that came.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// The template of an instance that is there.
    pub fn template_of(&self, instance: InstanceId) -> Option<Fingerprint> {
        self.tree.template(instance)
    }

    /// The document, which is followed no further.
    pub fn into_document(self) -> MemoryDocument {
        self.document
    }

    /// The document's version.
    pub fn version(&self) -> u64 {
        self.version
    }
}
