use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use lightspeed_core::session::Transmission;
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::msgpack::{Raw, Writer};
use lightspeed_testing::native::inflate::inflated;

use super::compress;
use super::deflate::Deflaters;
use crate::Config;
use crate::http::admission::bytes::Accounts;
use crate::limits::{COMPRESSED_AT_A_TIME_BYTES, COMPRESSED_BYTES_MIN};
use crate::session::outbox::{Outgoing, outbox};

/// What waits for a socket: a patch that takes several turns to compress, and the frame behind it.
fn waiting() -> (Vec<u8>, Outgoing) {
    let mut program = Writer::new();
    program.array(1);
    program.str(&"row ".repeat(COMPRESSED_AT_A_TIME_BYTES));
    let program = Raw::new(program.as_bytes());
    let frame = ServerFrame::Patch { ack: 1, version: 2, program }.encode(1);
    let transmission = Transmission { frame: frame.clone(), templates: Vec::new() };
    (frame, Outgoing::Transmission { transmission, is_compressible: true })
}

/// Which of the two it is.
fn name(outgoing: Option<Outgoing>, patch: &[u8]) -> &'static str {
    match outgoing {
        None => "nothing",
        Some(Outgoing::Transmission { transmission, .. }) if transmission.frame == patch => {
            "the patch as it was"
        }
        Some(Outgoing::Transmission { transmission, .. }) => match inflated(&transmission.frame) {
            Ok(frame) if frame.as_ref() == patch => "the patch, compressed",
            _ => "no frame",
        },
        Some(Outgoing::Frame(_)) => "what waits behind it",
    }
}

#[tokio::test]
async fn a_frame_that_is_being_compressed_when_the_socket_ends_goes_out_first_as_it_is() {
    let deflaters = Deflaters::new(Some(COMPRESSED_BYTES_MIN));
    let (outbox, mut reader) = outbox(None, &Arc::new(Accounts::new(&Config::default())).of(None));
    let (patch, outgoing) = waiting();
    outbox.send(outgoing);
    outbox.send(Outgoing::Frame(b"frame".to_vec()));

    let taken = reader.next().await;
    {
        let mut compressing = pin!(compress(taken, &mut reader, Some(&deflaters)));
        let turn = compressing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(turn, Poll::Pending), "it takes more than one turn");
    }
    let rest = [(); 3].map(|()| name(reader.next_waiting(), &patch));
    assert_eq!(rest, ["the patch as it was", "what waits behind it", "nothing"]);
}

#[tokio::test]
async fn a_frame_that_was_compressed_is_not_sent_again() {
    let deflaters = Deflaters::new(Some(COMPRESSED_BYTES_MIN));
    let (outbox, mut reader) = outbox(None, &Arc::new(Accounts::new(&Config::default())).of(None));
    let (patch, outgoing) = waiting();
    outbox.send(outgoing);
    outbox.send(Outgoing::Frame(b"frame".to_vec()));

    let taken = reader.next().await;
    let sent = compress(taken, &mut reader, Some(&deflaters)).await;
    assert_eq!(name(Some(sent), &patch), "the patch, compressed");
    let rest = [(); 2].map(|()| name(reader.next_waiting(), &patch));
    assert_eq!(rest, ["what waits behind it", "nothing"]);
}
