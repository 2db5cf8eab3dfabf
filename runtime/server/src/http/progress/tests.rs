//! Bytes as signs of life, in time that doesn't pass by itself.

#![allow(clippy::unwrap_used, reason = "a test")]

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_millis(SILENCE_MS_MAX);

/// A connection, and what is at its other end.
fn connection() -> (Counted<tokio::io::DuplexStream>, tokio::io::DuplexStream, Progress) {
    let (near, far) = duplex(1 << 20);
    let progress = Progress::new();
    (Counted::new(near, progress.clone()), far, progress)
}

#[tokio::test(start_paused = true)]
async fn a_slow_message_is_waited_for_as_long_as_enough_of_it_comes() {
    let (mut near, mut far, progress) = connection();
    let mut awaited = Awaited::new(Some(&progress), SILENCE);
    // 60 kB at 1.5 kB a second: 40 seconds, in each of which something comes.
    for _ in 0..40 {
        far.write_all(&[0; 1_500]).await.unwrap();
        near.read_exact(&mut [0; 1_500]).await.unwrap();
        advance(SECOND).await;
        assert_eq!(awaited.look(Instant::now()), Arrived::More);
        assert!(awaited.until(Instant::now()) > Instant::now() + SECOND);
    }
    assert_eq!(awaited.look(Instant::now()), Arrived::Nothing);
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_holds_no_socket() {
    let (mut near, mut far, progress) = connection();
    let mut awaited = Awaited::new(Some(&progress), SILENCE);
    let start = Instant::now();
    let mut until = start + SILENCE;
    while Instant::now() < until {
        far.write_all(&[0]).await.unwrap();
        near.read_exact(&mut [0]).await.unwrap();
        assert_eq!(awaited.look(Instant::now()), Arrived::More);
        until = awaited.until(Instant::now());
        advance(29 * SECOND).await;
    }
    assert_eq!(
        until,
        start + SILENCE,
        "a byte each 29 seconds is less than {INBOUND_BYTES_PER_SECOND_MIN} a second"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_beyond_the_bound() {
    let (mut near, mut far, progress) = connection();
    progress.admit(Some(100));
    let mut awaited = Awaited::new(Some(&progress), SILENCE);
    far.write_all(&[0; 300]).await.unwrap();
    // The buffer of a WebSocket is no larger than what it wants to read at a time.
    let mut bytes = [0; 50];
    near.read_exact(&mut bytes).await.unwrap();
    assert_eq!(awaited.look(Instant::now()), Arrived::More);
    near.read_exact(&mut bytes).await.unwrap();
    assert_eq!(awaited.look(Instant::now()), Arrived::TooMuch);
    let more = tokio::time::timeout(SECOND, near.read(&mut bytes)).await;
    assert!(more.is_err(), "the rest stays where it is");
    progress.admit(None);
    near.read_exact(&mut bytes).await.unwrap();
    assert_eq!(awaited.look(Instant::now()), Arrived::More);
}

#[tokio::test(start_paused = true)]
async fn without_a_count_only_messages_are_signs_of_life() {
    let mut awaited = Awaited::new(None, SILENCE);
    assert_eq!(awaited.look(Instant::now()), Arrived::Nothing);
    assert_eq!(awaited.until(Instant::now()), Instant::now() + SILENCE);
}
