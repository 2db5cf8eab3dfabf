//! The templates that a page knows, shared by its sessions.

use alloc::string::String;
use alloc::vec::Vec;

use lightspeed_protocol::msgpack::{DecodeError, Expected, Raw};
use lightspeed_protocol::template::{Namespace, SlotShape, read_slots};
use lightspeed_protocol::{Fingerprint, limits};

/// A template as a client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateShape {
    /// What its roots are parsed as.
    pub namespace: Namespace,
    /// How many root nodes it has, a content slot being one: where an adopted instance ends.
    pub roots: u32,
    /// What the HTML of an instance looks like, summed up: `specs/isa.md`, 5.5.
    pub check: u32,
    /// Its HTML, with `<!>` where a content slot stands; unknown while instances are only adopted.
    pub html: Option<String>,
    /// Its slots.
    pub slots: Vec<SlotShape>,
}

/// The templates of a page, by fingerprint.
#[derive(Debug, Default)]
pub struct Templates {
    /// Sorted by fingerprint.
    shapes: Vec<(Fingerprint, TemplateShape)>,
}

impl Templates {
    /// No templates.
    pub const fn new() -> Self {
        Self { shapes: Vec::new() }
    }

    /// The template with this fingerprint.
    pub fn get(&self, fingerprint: Fingerprint) -> Option<&TemplateShape> {
        let index = self.shapes.binary_search_by_key(&fingerprint, |(known, _)| *known).ok()?;
        Some(&self.shapes[index].1)
    }

    /// Takes a template as a frame carries it and returns it.
    ///
    /// # Errors
    ///
    /// When the slots are malformed, or the page knows too many templates.
    pub fn define(
        &mut self,
        fingerprint: Fingerprint,
        namespace: u32,
        roots: u32,
        check: u32,
        html: Option<&str>,
        slots: Raw<'_>,
    ) -> Result<&TemplateShape, DecodeError> {
        let error = |expected| DecodeError::new(slots.offset, expected);
        let namespace = Namespace::from_code(namespace).ok_or(error(Expected::Code))?;
        let mut reader = slots.reader();
        let slots = read_slots(&mut reader)?;
        let mut shape = TemplateShape { namespace, roots, check, html: html.map(String::from), slots };
        reader.end()?;
        let index = match self.shapes.binary_search_by_key(&fingerprint, |(known, _)| *known) {
            Ok(index) => {
                if shape.html.is_none() {
                    shape.html = self.shapes[index].1.html.take();
                }
                self.shapes[index].1 = shape;
                index
            }
            Err(_) if self.shapes.len() == limits::TEMPLATES_PER_PAGE_MAX => {
                return Err(error(Expected::WithinBound));
            }
            Err(index) => {
                self.shapes.insert(index, (fingerprint, shape));
                index
            }
        };
        Ok(&self.shapes[index].1)
    }

    /// The fingerprints of the templates whose HTML is known, in ascending order.
    pub fn with_html(&self) -> impl Iterator<Item = Fingerprint> {
        self.shapes.iter().filter(|(_, shape)| shape.html.is_some()).map(|(fingerprint, _)| *fingerprint)
    }
}
