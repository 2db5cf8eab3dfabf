//! What a person has changed in fields is what the next render is compared with.

use lightspeed_protocol::msgpack::Payload;
use lightspeed_protocol::template::EventKind;
use lightspeed_testing::Page;

use crate::board::Board;

#[test]
fn what_a_person_typed_is_what_the_next_render_is_compared_with() {
    let mut page = Page::new(Board::default());
    let draft = page.document.elements("input")[0];
    let at = page.document.place_of("draft", EventKind::Input).unwrap();
    // The render trims; the page shows the blank; so the trimmed value has to travel.
    page.event(at, Payload::Text("a "));
    assert_eq!(page.document.attribute(draft, "value"), Some("a"));
    // After a submit every field under the form is the server's again.
    let form = page.document.elements("form")[0];
    let at = page.document.place_on(form, EventKind::Submit).unwrap();
    let start = page.frames.len();
    page.event(at, Payload::Text("draft=a"));
    assert_eq!(page.document.attribute(draft, "value"), Some(""));
    assert!(page.frames.len() > start + 1);
}

#[test]
fn a_checkbox_that_the_render_resets_is_reset() {
    let mut page = Page::new(Board::default());
    let at = page.document.place_of("agree", EventKind::Change).unwrap();
    page.event(at, Payload::Flag(true));
    assert!(page.session.component().is_agreed);
}
