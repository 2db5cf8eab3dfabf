//! What a client is sent, and what it may acknowledge.

use lightspeed_core::session::Join;
use lightspeed_core::{Input, Output};
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::frame::{ClientFrame, JoinMode, ServerFrame};
use lightspeed_protocol::{Timestamp, limits};
use lightspeed_testing::Page;

use crate::board::{Board, Hostile, Msg, board, join};

#[test]
fn a_click_is_one_small_frame_each_way() {
    let mut page = Page::new(Board::default());
    page.click("set");
    page.advance_ms(1_000);
    let start = page.frames.len();
    page.click("set");
    page.advance_ms(1_000);
    let (up, down) = page.bytes_since(start);
    assert!(up <= 20 && down <= 16, "up {up}, down {down}: the budgets of a counter");
    assert_eq!(page.document.text_of("count").as_deref(), Some("2"));
}

#[test]
fn a_client_that_does_not_acknowledge_costs_one_patch_later() {
    let mut client = Hostile::new(Board::default());
    for count in 0..1_000 {
        client.input(Input::Message(Msg::Set(count)));
    }
    // The adoption is one of the window's.
    assert_eq!(client.patches(), limits::PATCHES_UNACKED_MAX);
    let version = client.session.version();
    client.input(Input::Frame(ClientFrame::Ack { ack: version, behind: 0 }));
    assert_eq!(client.patches(), limits::PATCHES_UNACKED_MAX + 1, "990 updates became one patch");
    assert!(client.session.page_html().contains("999"));
}

/// What the frames since `start` say of events: the acknowledgement of each, or the number of a refused one.
fn said(client: &Hostile, start: usize) -> Vec<String> {
    let said =
        client.frames[start..].iter().map(|frame| match ServerFrame::decode(frame).expect("a frame").1 {
            ServerFrame::Patch { ack, .. } => format!("patch {ack}"),
            ServerFrame::Snapshot { ack, .. } => format!("snapshot {ack}"),
            ServerFrame::Joined { ack, .. } => format!("joined {ack}"),
            ServerFrame::Ack { ack } => format!("ack {ack}"),
            ServerFrame::Refused { seq, .. } => format!("refused {seq}"),
            other => other.to_string(),
        });
    said.collect()
}

/// The place of the button that sets the count of a board.
const SET: (u32, u32) = (1, 0);

/// A client that has acknowledged nothing of all that it may lack.
fn behind() -> Hostile {
    let mut client = Hostile::new(Board::default());
    client.input(Input::Frame(ClientFrame::Ack { ack: 0, behind: 0 }));
    for count in 2..i32::try_from(limits::PATCHES_UNACKED_MAX).expect("few") + 2 {
        client.input(Input::Message(Msg::Set(count)));
    }
    client
}

#[test]
fn what_a_full_window_has_put_off_is_acknowledged_when_it_is_shown() {
    let mut client = behind();
    let (start, version) = (client.frames.len(), client.session.version());
    client.event(0, 1, 0, SET.0, SET.1);
    assert_eq!(client.session.seq_handled(), 1);
    assert!(said(&client, start).is_empty(), "{:?}: nothing shows it yet", said(&client, start));
    client.event(0, 1, 0, SET.0, SET.1);
    assert!(said(&client, start).is_empty(), "sent again it is no more than that");
    // A socket that comes meanwhile hears the same, until what was sent is acknowledged.
    client.input(join(JoinMode::Resume, version - 1));
    assert_eq!(said(&client, start), ["joined 0", "patch 0", "patch 1"]);
}

#[test]
fn who_says_more_than_an_honest_client_keeps_loses_its_socket_and_not_its_session() {
    let mut client = behind();
    for seq in 1..=limits::EVENTS_UNACKED_MAX as u64 {
        client.event(0, seq, 0, SET.0, SET.1);
        assert!(client.session.is_attached(), "after {seq}");
    }
    client.event(0, limits::EVENTS_UNACKED_MAX as u64 + 1, 0, SET.0, SET.1);
    assert!(!client.session.is_attached() && client.closed.is_none());
    assert_eq!(client.session.seq_handled(), limits::EVENTS_UNACKED_MAX as u64);
}

#[test]
fn what_shows_nothing_new_is_acknowledged_at_once() {
    let mut client = Hostile::new(Board::default());
    let start = client.frames.len();
    client.event(0, 1, 0, SET.0, SET.1);
    client.event(1, 2, 0, 1, 99);
    assert_eq!(said(&client, start)[0], "patch 1");
}

#[test]
fn a_patch_that_is_sent_again_acknowledges_what_it_did_before() {
    let mut client = Hostile::new(Board::default());
    client.event(0, 1, 0, SET.0, SET.1);
    // The second says the same as the first, so that no version shows it.
    client.event(0, 2, 0, SET.0, SET.1);
    let start = client.frames.len();
    client.input(join(JoinMode::Resume, 0));
    assert_eq!(said(&client, start), ["joined 0", "patch 1"]);
}

#[test]
fn acknowledgements_that_cannot_be_end_the_session() {
    let mut above = Hostile::new(Board::default());
    above.input(Input::Frame(ClientFrame::Ack { ack: 1, behind: 0 }));
    assert_eq!(above.closed, Some(CloseReason::BadAck));

    let mut back = Hostile::new(Board::default());
    back.input(Input::Message(Msg::Set(1)));
    back.input(Input::Frame(ClientFrame::Ack { ack: 1, behind: 0 }));
    back.input(Input::Frame(ClientFrame::Ack { ack: 0, behind: 0 }));
    assert_eq!(back.closed, Some(CloseReason::BadAck));

    let mut behind = Hostile::new(Board::default());
    behind.event(0, 1, 1, 1, 0);
    assert_eq!(behind.closed, Some(CloseReason::BadAck));
}

#[test]
fn a_resumption_of_a_version_that_was_never_sent_ends_the_session() {
    // The window holds the adoption, whose version is 0 and has none before it.
    let mut client = Hostile::new(Board::default());
    client.input(Input::Join(Join {
        session: 2,
        mode: JoinMode::Resume,
        applied: 1,
        settled: 0,
        token: "",
        is_latest: true,
    }));
    assert_eq!(client.closed, Some(CloseReason::BadAck));
    assert_eq!(client.patches(), 1, "nothing is sent again");
}

#[test]
fn after_its_end_a_session_is_silent() {
    let mut client = Hostile::new(Board::default());
    client.event(0, 2, 0, 1, 0);
    let frames = client.frames.len();
    client.input(Input::Message(Msg::Set(1)));
    client.input(join(JoinMode::Rebuild, 0));
    assert_eq!(client.frames.len(), frames);
    assert_eq!(client.session.next_timeout(), None);
}

#[test]
fn a_resync_is_one_frame_that_holds_everything() {
    let mut page = Page::new(board(&[1, 2, 3]));
    page.click("row2");
    page.session.handle_input(page.now, Input::Frame(ClientFrame::Resync { ack: page.session.version() }));
    let start = page.frames.len();
    page.pump();
    let frames = page.frames[start..].iter().map(|frame| ServerFrame::decode(frame.bytes()).unwrap());
    let ours: Vec<_> = frames.filter(|(session, _)| *session == 1).collect();
    assert!(matches!(ours[..], [(1, ServerFrame::Snapshot { version: 2, .. })]), "{ours:?}");
    page.check();
    page.click("row3");
    assert_eq!(page.session.component().rows, [1]);
}

#[test]
fn a_session_without_a_socket_renders_nothing_and_catches_up_with_one_patch() {
    let mut page = Page::new(Board::default());
    page.cut();
    for count in 0..100 {
        page.session.handle_input(page.now, Input::Message(Msg::Set(count)));
    }
    let start = page.frames.len();
    page.advance_ms(limits::RECONNECT_MS_MAX);
    let patches = page.frames[start..].iter().filter(|frame| {
        matches!(
            ServerFrame::decode(frame.bytes()),
            Ok((_, ServerFrame::Patch { .. } | ServerFrame::Snapshot { .. }))
        )
    });
    assert_eq!(patches.count(), 1);
    assert_eq!(page.document.text_of("count").as_deref(), Some("99"));
}

#[test]
fn a_client_that_owes_an_acknowledgement_for_too_long_loses_its_socket_and_not_its_session() {
    let mut client = Hostile::new(Board::default());
    client.input(Input::Hibernate);
    let due = client.session.next_timeout().unwrap();
    assert_eq!(due, Timestamp(limits::ACK_MS_MAX));
    client.session.handle_input(due, Input::Timeout);
    let mut dropped = Vec::new();
    while let Some(output) = client.session.poll_output() {
        if let Output::Drop(reason) = output {
            dropped.push(reason);
        }
    }
    assert_eq!(dropped, [CloseReason::Unacknowledged]);
    assert!(!client.session.is_attached() && !client.session.is_closed());
    assert_eq!(client.session.next_timeout(), None, "nobody is waited for");
    client.input(join(JoinMode::Resume, 0));
    assert!(client.session.is_attached() && client.closed.is_none());
}

#[test]
fn a_client_that_says_more_is_handled_than_was_loses_its_session() {
    let mut client = Hostile::new(Board::default());
    let join =
        Join { session: 1, mode: JoinMode::Resume, applied: 0, settled: 1, token: "", is_latest: true };
    client.input(Input::Join(join));
    assert_eq!(client.closed, Some(CloseReason::BadAck));
}
