//! Which templates a page has been sent: each travels at most once.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use lightspeed_protocol::Fingerprint;
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::msgpack::{Raw, Writer};
use lightspeed_protocol::template::{SlotRef, write_slots};

use crate::tree::layout;
use crate::tree::template::{Kind, Template};

/// A template that a frame refers to.
#[derive(Debug, Clone, Copy)]
pub struct TemplateUse {
    /// The template.
    pub template: &'static Template,
    /// The frame builds instances of it; otherwise it only adopts them, and the slots are enough.
    pub needs_html: bool,
}

/// The templates that a page knows. One for each socket, shared by its sessions.
#[derive(Debug, Default)]
pub struct SentTemplates {
    /// Whether the page has the HTML.
    known: BTreeMap<Fingerprint, bool>,
}

impl SentTemplates {
    /// Those of a page that says it has the HTML of the templates `known`.
    pub fn new(known: impl IntoIterator<Item = Fingerprint>) -> Self {
        Self { known: known.into_iter().map(|fingerprint| (fingerprint, true)).collect() }
    }

    /// The frames to send before one that refers to `uses`, for what the page lacks.
    pub fn announce(&mut self, uses: &[TemplateUse]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        for template_use in uses {
            let has_html = self.known.get(&template_use.template.fingerprint).copied();
            if has_html == Some(true) || (has_html == Some(false) && !template_use.needs_html) {
                continue;
            }
            self.known.insert(template_use.template.fingerprint, template_use.needs_html);
            frames.push(template_frame(template_use));
        }
        frames
    }
}

fn template_frame(template_use: &TemplateUse) -> Vec<u8> {
    let template = template_use.template;
    let html = template_html(template);
    let mut slots = Writer::new();
    let refs = template.slots.iter().map(|slot| {
        let (name, event, templates) = match &slot.kind {
            Kind::Splice => ("", None, Vec::new()),
            Kind::Attribute { name, .. }
            | Kind::Flag { name }
            | Kind::Class { name }
            | Kind::Property { name, .. }
            | Kind::BoolProperty { name } => (*name, None, Vec::new()),
            Kind::Handler { event } => ("", Some(*event), Vec::new()),
            Kind::Branch { arms } => ("", None, arms.iter().map(|arm| arm.fingerprint).collect()),
            Kind::List { item } => ("", None, Vec::from([item.fingerprint])),
        };
        SlotRef { path: slot.path, kind: slot.kind.slot_kind(), name, event, templates }
    });
    let refs: Vec<SlotRef<'_>> = refs.collect();
    let check = layout::check(&html, &refs, template.namespace);
    write_slots(refs.into_iter(), &mut slots);
    ServerFrame::Template {
        fingerprint: template.fingerprint,
        namespace: template.namespace.code(),
        roots: u32::from(template.roots),
        check,
        html: template_use.needs_html.then_some(&html),
        slots: Raw::new(slots.as_bytes()),
    }
    .encode(0)
}

/// The template's own HTML: its statics, and `<!>` where a content slot stands.
pub fn template_html(template: &Template) -> String {
    let mut html = String::from(template.statics[0]);
    for (slot, tail) in template.slots.iter().zip(&template.statics[1..]) {
        if slot.kind.slot_kind().is_content() {
            html.push_str("<!>");
        }
        html.push_str(tail);
    }
    html
}
