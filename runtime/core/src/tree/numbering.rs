//! What a program needs besides its instructions: ids for new instances, and the templates that it refers to.

use alloc::vec::Vec;

use lightspeed_protocol::InstanceId;

use crate::sent_templates::TemplateUse;
use crate::tree::template::Template;

/// What a program needs besides its instructions.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    /// The id of the next new instance.
    pub(crate) next_id: InstanceId,
    /// The templates that the program refers to.
    pub(crate) uses: Vec<TemplateUse>,
    /// How many pieces of raw HTML the hydration layout has told of.
    pub(crate) raw_count: usize,
    /// Those of them that the page leaves out, in ascending order.
    pub(crate) left_out: Vec<usize>,
    /// There are streams in what was built.
    pub(crate) has_streams: bool,
    /// A stream was rendered as what has changed since another place showed it.
    pub(crate) is_misplaced: bool,
}

impl Numbering {
    pub(crate) fn new(next_id: InstanceId) -> Self {
        Self {
            next_id,
            uses: Vec::new(),
            raw_count: 0,
            left_out: Vec::new(),
            has_streams: false,
            is_misplaced: false,
        }
    }

    pub(super) fn number(&mut self, template: &'static Template, needs_html: bool) -> InstanceId {
        self.note(template, needs_html);
        self.take_id()
    }

    /// The program refers to this template.
    pub(super) fn note(&mut self, template: &'static Template, needs_html: bool) {
        match self.uses.iter_mut().rfind(|known| known.template.fingerprint == template.fingerprint) {
            Some(known) => known.needs_html |= needs_html,
            None => self.uses.push(TemplateUse { template, needs_html }),
        }
    }

    pub(super) fn take_id(&mut self) -> InstanceId {
        let id = self.next_id;
        self.next_id = id.checked_add(1).expect("a session makes fewer than 2^32 instances");
        id
    }
}
