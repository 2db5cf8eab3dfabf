//! What a person can reach: whether a browser would let anybody act on an element as it was rendered.
//!
//! `html!` notes in [`Template::reach`] which elements can be disabled, hidden or inert, and by which slots.
//! An event is checked against them from its slot up to the root. The rules are those of HTML: [disabled form
//! controls](https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#concept-fe-disabled),
//! [`hidden`](https://html.spec.whatwg.org/multipage/interaction.html#the-hidden-attribute) and
//! [`inert`](https://html.spec.whatwg.org/multipage/interaction.html#the-inert-attribute).

use lightspeed_protocol::template::EventKind;

use crate::tree::template::{Kind, Reach, ReachKind, ReachKinds, Slot, Template};

/// What the elements around a slot do to it, as far as they were looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Around {
    /// One of them is hidden or inert.
    is_hidden: bool,
    /// It is in a `fieldset` that is disabled, and not in the legend of it.
    is_disabled: bool,
    /// It is in a `legend` that is a root of the template that was looked at last.
    is_in_legend: bool,
}

impl Around {
    /// Looks at the elements of an instance around its slot, after those of the instances within it. `text`
    /// gives what an attribute or a flag says: `None` when it is off.
    pub(crate) fn look<'a>(
        &mut self,
        template: &'static Template,
        slot: usize,
        text: impl Fn(usize) -> Option<&'a str>,
    ) {
        let Some(Slot { path, .. }) =
            template.slots.get(slot).filter(|_| template.reach.has_any(ReachKinds::AROUND))
        else {
            self.is_in_legend = false;
            return;
        };
        let reach = template.reach.all();
        // Kinds before paths: most templates have none of a kind, and paths take longer to compare.
        let legends =
            || reach.iter().filter(|one| one.kind == ReachKind::Legend && path.starts_with(one.path));
        let is_in_legend_of = |fieldset: &Reach| {
            legends()
                .any(|one| one.path.len() == fieldset.path.len() + 1 && one.path.starts_with(fieldset.path))
        };
        let is_on = |one: &Reach| one.slot.is_none_or(|slot| text(usize::from(slot)).is_some());
        let is_barrier =
            |one: &&Reach| matches!(one.kind, ReachKind::Hidden | ReachKind::Inert | ReachKind::Fieldset);
        for one in reach.iter().filter(is_barrier).filter(|one| path.starts_with(one.path)) {
            match one.kind {
                ReachKind::Hidden => {
                    let text = one.slot.map_or(Some(""), |slot| text(usize::from(slot)));
                    // A browser shows such an element when something in it is looked for.
                    self.is_hidden |= text.is_some_and(|text| !text.eq_ignore_ascii_case("until-found"));
                }
                ReachKind::Inert => self.is_hidden |= is_on(one),
                ReachKind::Fieldset if is_on(one) => {
                    let is_spliced = self.is_in_legend && path.len() == one.path.len() + 1;
                    self.is_disabled |= !is_spliced && !is_in_legend_of(one);
                }
                _ => {}
            }
        }
        self.is_in_legend = legends().any(|one| one.path.len() == 1);
    }

    /// Whether nobody can act on anything in them but what a label or a button elsewhere may activate.
    pub(crate) const fn keeps_from_most(self) -> bool {
        self.is_hidden || self.is_disabled
    }

    /// Whether nobody can have made the event of a handler's slot. The elements around it have been looked at.
    pub(crate) fn keeps_from<'a>(
        self,
        template: &'static Template,
        slot: usize,
        text: impl Fn(usize) -> Option<&'a str>,
    ) -> bool {
        if !self.keeps_from_most() && !template.reach.has_any(ReachKinds::ITSELF) {
            return false;
        }
        let Some(Slot { kind: Kind::Handler { event }, path, .. }) = template.slots.get(slot) else {
            return false;
        };
        let of = |kind| template.reach.all().iter().filter(move |one| one.kind == kind && one.path == *path);
        let is = |kind| of(kind).next().is_some();
        let is_disabled =
            of(ReachKind::Disabled).any(|one| one.slot.is_none_or(|slot| text(usize::from(slot)).is_some()));
        if is_disabled || is(ReachKind::Never) {
            return true;
        }
        if !self.keeps_from_most() {
            return false;
        }
        let is_control = is(ReachKind::Control);
        let is_activated = is(ReachKind::Labelled);
        if self.is_disabled && (is_control || is_activated) {
            return true;
        }
        self.is_hidden
            && match event {
                EventKind::Click => !is_activated,
                EventKind::Submit => !is(ReachKind::Addressed),
                // An element around fields may have one in it that a label elsewhere activates.
                EventKind::Input | EventKind::Change => is_control,
                _ => true,
            }
    }
}
