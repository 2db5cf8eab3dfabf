//! Which versions are kept, which numbers they have, and what a checkpoint has of them.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::{EventKind, Namespace};
use lightspeed_protocol::{Timestamp, limits};

use super::resolution::Unresolved;
use super::{OLD_STATES_BYTES_MAX, Revisions};
use crate::session::component::State;
use crate::session::exchange::AHEAD_MAX;
use crate::session::hibernation::HIBERNATE_AFTER_MS;
use crate::tree::html::{Html, Value};
use crate::tree::nesting::Within;
use crate::tree::slot_address::SlotAddress;
use crate::tree::template::{Kind, Reaches, Slot, Template};

/// A text and a button that sends the number in it.
static COUNTER: Template = Template {
    fingerprint: 1,
    namespace: Namespace::Html,
    roots: 1,
    statics: &["<button>", "", "</button>"],
    slots: &[
        Slot { kind: Kind::Splice, path: &[0, 0], within: Within::ROOT },
        Slot { kind: Kind::Handler { event: EventKind::Click }, path: &[0], within: Within::ROOT },
    ],
    placed: &[],
    reach: Reaches::new(&[]),
    place: "",
};

const CLICK: SlotAddress = SlotAddress { instance: 1, slot: 1 };

fn counter(count: u8) -> Html<u8> {
    let text = Value::Text(alloc::format!("{count}").into());
    Html::new(&COUNTER, vec![text, Value::Message { message: count, clone: u8::clone }])
}

fn page() -> Revisions<u8> {
    let mut revisions = Revisions::new(counter(0), None);
    revisions.number_page();
    revisions
}

/// Shows `count` in the next version, if that shows anything new.
fn advance(revisions: &mut Revisions<u8>, count: u8, state: Option<&State>) -> bool {
    let mut html = counter(count);
    let mut patch = revisions.diff(&mut html);
    let is_new = revisions.advance(html, &mut patch, state);
    if is_new {
        revisions.note_ids(patch.numbering.next_id);
    }
    is_new
}

fn click(revisions: &Revisions<u8>, version_seen: u64) -> Result<u8, Unresolved> {
    revisions.resolve(CLICK, version_seen, &Payload::None).message
}

#[test]
fn what_shows_nothing_new_makes_no_version() {
    let mut revisions = page();
    revisions.note_change();
    assert!(!advance(&mut revisions, 0, None) && !revisions.is_dirty());
    assert_eq!((revisions.version(), revisions.seen_byte_count()), (0, 0));
    assert!(advance(&mut revisions, 1, None));
    assert_eq!((revisions.version(), revisions.seen.len()), (1, 1));
}

#[test]
fn an_event_finds_what_was_rendered_in_the_version_that_was_seen() {
    let mut revisions = page();
    for count in 1..=3 {
        advance(&mut revisions, count, None);
    }
    for seen in 0..=3 {
        assert_eq!(click(&revisions, seen).ok(), u8::try_from(seen).ok());
    }
    revisions.forget_before(2);
    assert!(matches!(click(&revisions, 1), Err(Unresolved::Refused(RefusalReason::Stale))));
    assert_eq!(click(&revisions, 2).ok(), Some(2));
    let nowhere = SlotAddress { instance: revisions.next_id(), slot: 1 };
    let forged = revisions.resolve(nowhere, 3, &Payload::None).message;
    assert!(matches!(forged, Err(Unresolved::Fault(CloseReason::ForgedPlace))));
}

#[test]
fn as_many_older_versions_are_kept_as_are_stated() {
    let mut revisions = page();
    for count in 0..100 {
        advance(&mut revisions, count, None);
    }
    assert_eq!((revisions.version(), revisions.seen.len()), (99, limits::VERSIONS_SEEN_MAX));
    revisions.lose_document();
    assert_eq!((revisions.version(), revisions.seen.len()), (100, 0));
}

#[test]
fn a_document_that_replaces_another_has_instances_of_its_own() {
    let mut revisions = page();
    advance(&mut revisions, 1, None);
    let mut html = counter(1);
    let patch = revisions.reset(&mut html);
    revisions.replace(html, &patch, None);
    revisions.note_ids(patch.numbering.next_id);
    assert_eq!((revisions.version(), revisions.seen.len(), revisions.next_id()), (2, 0, 3));
    assert!(matches!(click(&revisions, 1), Err(Unresolved::Refused(RefusalReason::Stale))));
}

#[test]
fn the_numbers_go_on_from_a_client_that_has_seen_more() {
    let mut revisions = page();
    assert!(!revisions.catch_up(0) && revisions.catch_up(5));
    assert_eq!(revisions.version(), 5);
    assert!(!revisions.catch_up(6 + AHEAD_MAX), "no honest client is so far ahead");
}

#[test]
fn a_tree_that_was_let_go_of_is_had_again_or_is_another() {
    let mut revisions = page();
    revisions.note_busy(Timestamp(1));
    assert_eq!(revisions.hibernate_at(), Some(Timestamp(1 + HIBERNATE_AFTER_MS)));
    revisions.hibernate();
    assert!(revisions.newest().is_asleep() && revisions.hibernate_at().is_none());
    assert!(revisions.wake(counter(0)), "the same look");
    assert_eq!(click(&revisions, 0).ok(), Some(0));
    revisions.hibernate();
    assert!(!revisions.wake(counter(1)), "another one");
    assert!(!revisions.can_hibernate(), "once is enough");
}

#[test]
fn who_has_changed_keeps_the_tree() {
    let mut revisions = page();
    revisions.note_change();
    assert!(!revisions.can_hibernate());
    revisions.forget_change();
    assert!(revisions.can_hibernate());
}

#[test]
fn a_checkpoint_has_the_versions_whose_states_it_has_room_for() {
    let states: Vec<State> = (0..4).map(|byte| Arc::from(vec![byte; OLD_STATES_BYTES_MAX / 2])).collect();
    let mut revisions = Revisions::new(counter(0), Some(&states[0]));
    revisions.number_page();
    for (count, state) in (1..).zip(&states[1..]) {
        advance(&mut revisions, count, Some(state));
    }
    let (versions, _) = revisions.stored();
    let stored: Vec<_> = versions.iter().map(|version| (version.version, version.state[0])).collect();
    assert_eq!(stored, [(1, 1), (2, 2), (3, 3)], "two older ones, and the newest whatever its size");
    assert!(versions.iter().all(|version| version.ids == [1]));
    assert_eq!(revisions.shown_state(), Some(&states[3]));
    // Not only is it not stored: nothing keeps it.
    let first = states.into_iter().next().expect("there are four");
    assert_eq!(Arc::strong_count(&first), 1);
}
