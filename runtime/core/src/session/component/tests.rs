//! What is left of a component that panics, or that can't be saved.

use alloc::vec;
use alloc::vec::Vec;

use super::{Component, LoadError, Supervised};
use crate::session::recovery::Step;
use crate::tree::html::Html;
use crate::tree::template::EMPTY;

/// Counts, and can't be saved at 3.
struct Counter(u8);

impl Component for Counter {
    type Message = ();
    type Effect = u8;

    fn update(&mut self, (): (), effects: &mut Vec<u8>) {
        self.0 += 1;
        effects.push(self.0);
    }

    fn render(&self) -> Html<()> {
        Html::new(&EMPTY, Vec::new())
    }

    fn save(&self) -> Option<Vec<u8>> {
        (self.0 != 3).then(|| vec![self.0])
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.0 = *state.first().ok_or(LoadError)?;
        Ok(())
    }
}

#[test]
fn what_cannot_be_saved_is_undone() {
    let mut component = Supervised::new(Counter(1), true);
    let (effects, state) = component.update((), Some(1), true).expect("2 can be saved");
    assert_eq!((effects, state.as_deref()), (vec![2], Some(&[2][..])));
    component.set_state(state);
    assert!(component.update((), Some(2), true).is_none(), "3 can't");
    assert!(component.undo());
    assert_eq!((component.component().0, component.take_step()), (2, Step::Idle));
}

#[test]
fn who_is_not_stored_has_no_state_to_go_back_to() {
    let mut component = Supervised::new(Counter(1), false);
    assert!(component.state().is_none());
    let (effects, state) = component.update((), None, false).expect("nothing is to be saved");
    assert_eq!((effects, state), (vec![2], None));
    assert!(!component.undo());
}

#[test]
fn a_panic_finds_what_the_component_was_at() {
    let mut component = Supervised::new(Counter(2), true);
    assert!(component.update((), Some(7), true).is_none(), "a panic leaves it in the midst as well");
    assert_eq!(component.take_step(), Step::Update { seq: Some(7) });
    assert_eq!(component.take_step(), Step::Idle, "it has been told");
    component.render();
    component.render_again(Step::Render);
    assert_eq!(component.take_step(), Step::Idle, "both have come back");
}
