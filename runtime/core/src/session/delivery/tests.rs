//! What a client is owed, and what it lacks.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::isa::ProgramWriter;
use lightspeed_protocol::{Timestamp, limits};

use super::{Delivery, FRAME_HEAD_BYTES_MAX};
use crate::session::exchange::Transmission;
use crate::session::lifecycle::{Created, Phase};
use crate::session::window::Sent;

fn attached() -> Delivery {
    let mut delivery = Delivery::new(Phase::Mounted(Created::new().mount()));
    assert!(delivery.is_unjoined() && delivery.attach(1));
    delivery
}

fn sent(version: u64) -> Sent {
    let (program, templates) = (ProgramWriter::new().finish(), Vec::new());
    Sent { version, seq_shown: 0, is_snapshot: false, program, templates, at: Timestamp(version) }
}

/// The session's number on the socket, and the first words of the frame.
#[track_caller]
fn said(transmission: Option<Transmission>) -> String {
    let Some(Transmission { frame, .. }) = transmission else { return "nothing".to_string() };
    let (link, frame) = ServerFrame::decode(&frame).expect("a frame of a server");
    let words: Vec<_> = frame.to_string().split_whitespace().take(2).map(str::to_string).collect();
    format!("{link}: {}", words.join(" "))
}

#[test]
fn an_acknowledgement_is_told_once_by_itself_or_with_a_patch() {
    let mut delivery = attached();
    assert_eq!(said(delivery.take_ack(1)), "nothing");
    delivery.owe_ack();
    assert_eq!(said(delivery.take_ack(1)), "1: ack 1");
    assert_eq!(said(delivery.take_ack(1)), "nothing");
    delivery.owe_ack();
    delivery.keep(Sent { seq_shown: 2, ..sent(1) }).expect("it fits");
    assert_eq!(said(delivery.send_newest(Timestamp(2))), "1: patch 2");
    assert_eq!(said(delivery.take_ack(2)), "nothing", "the patch has told it");
    delivery.owe_ack();
    assert!(delivery.attach(2));
    assert_eq!(said(delivery.take_ack(2)), "nothing", "it was owed to the socket before");
}

#[test]
fn refusals_are_told_in_the_order_of_their_events() {
    let mut delivery = attached();
    delivery.owe_refusal(3, RefusalReason::Gone);
    delivery.owe_refusal(0, RefusalReason::Failed);
    delivery.owe_refusal(2, RefusalReason::Gone);
    assert_eq!(delivery.refusal_count(), 3);
    let frames: Vec<_> = delivery.take_refusals().into_iter().map(|frame| said(Some(frame))).collect();
    assert_eq!(frames, ["1: refused 0", "1: refused 2", "1: refused 3"]);
    assert!(delivery.take_refusals().is_empty());
    delivery.owe_refusal(4, RefusalReason::Gone);
    delivery.park();
    assert!(delivery.take_refusals().is_empty(), "nobody is there");
    assert_eq!(delivery.refusal_count(), 0, "whoever joins is told those that it hasn't heard");
}

#[test]
fn a_client_goes_on_from_the_version_before_the_oldest_patch() {
    let mut delivery = attached();
    assert!(delivery.leads_on_from(7, 7), "nothing is missing");
    for version in [5, 6, 7] {
        delivery.keep(Sent { seq_shown: version + 3, ..sent(version) }).expect("it fits");
    }
    assert!(delivery.leads_on_from(4, 7));
    assert!(!delivery.leads_on_from(5, 7), "it hasn't acknowledged what it has");
    delivery.acknowledge(5);
    assert!(delivery.leads_on_from(5, 7) && !delivery.leads_on_from(4, 7));
    assert_eq!(delivery.version_acked(), 5);
    assert_eq!(said(delivery.send(0, Timestamp(9))), "1: patch 9", "what the version of 6 shows");
}

#[test]
fn an_acknowledgement_is_of_what_was_sent_and_takes_none_back() {
    let mut delivery = attached();
    delivery.acknowledge(2);
    assert_eq!([1, 2, 3, 4].map(|acked| delivery.can_acknowledge(acked, 3)), [false, true, true, false]);
}

#[test]
fn a_client_has_until_then_to_acknowledge_and_nobody_is_waited_for_without_a_socket() {
    let mut delivery = attached();
    assert_eq!(delivery.ack_at(), None);
    delivery.keep(sent(1)).expect("it fits");
    assert_eq!(delivery.ack_at(), Some(Timestamp(1 + limits::ACK_MS_MAX)));
    delivery.send_newest(Timestamp(50));
    assert_eq!(delivery.ack_at(), Some(Timestamp(50 + limits::ACK_MS_MAX)), "since it was last sent");
    delivery.park();
    assert_eq!(delivery.ack_at(), None);
}

#[test]
fn a_document_that_is_lost_has_nothing_to_send_again() {
    let mut delivery = attached();
    delivery.keep(sent(1)).expect("it fits");
    delivery.lose_document();
    assert!(delivery.is_document_lost() && delivery.window().len() == 0 && !delivery.is_up_to_date());
    delivery.ask_snapshot();
    assert!(delivery.needs_snapshot());
    delivery.begin_document();
    assert!(!delivery.is_document_lost() && !delivery.needs_snapshot() && delivery.is_up_to_date());
}

#[test]
fn only_who_has_the_newest_version_or_is_gone_asks_for_no_tree() {
    let mut delivery = Delivery::new(Phase::Mounted(Created::new().mount()));
    assert!(!delivery.is_up_to_date(), "its socket will be there in a moment");
    delivery.attach(1);
    assert!(delivery.is_up_to_date());
    delivery.ask_snapshot();
    assert!(!delivery.is_up_to_date());
    delivery.park();
    assert!(delivery.is_up_to_date());
    delivery.close(CloseReason::Left);
    assert!(!delivery.is_up_to_date() && !delivery.close(CloseReason::Left));
}

#[test]
fn what_fits_no_frame_is_not_kept() {
    let mut delivery = attached();
    let program = vec![0; limits::OUTBOUND_FRAME_BYTES_MAX - FRAME_HEAD_BYTES_MAX + 1];
    assert_eq!(delivery.keep(Sent { program, ..sent(1) }), Err(CloseReason::PatchTooLarge));
    assert_eq!(delivery.window().len(), 0);
}
