//! Large patches and snapshots are compressed on their way to a client that can inflate.
//!
//! Each by itself: nothing of one message is in the state that the next one is compressed with
//! (`specs/security.md`, 1).

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use flate2::{Compress, Compression, FlushCompress, Status};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::message;
use lightspeed_protocol::msgpack::{Raw, Reader};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::limits;

/// Of the levels 1 to 9, by `make bench-deflate`: the next ones take more time and save nothing.
const LEVEL: u32 = 3;

/// The kinds of frames that may be compressed: `patch` and `snapshot`. None of them brings a token.
const KINDS: [u32; 2] = {
    let (ack, version, program) = (0, 0, Raw::new(&[]));
    [
        ServerFrame::Patch { ack, version, program }.code(),
        ServerFrame::Snapshot { ack, version, program }.code(),
    ]
};

/// The server's compressors: one for each core, made when they are needed, as each takes 300 kB.
#[derive(Debug)]
pub(crate) struct Deflaters {
    /// Frames of fewer bytes go out as they are; `None` lets all of them do.
    bytes_min: Option<usize>,
    permits: Semaphore,
    idle: Mutex<Vec<Compress>>,
}

impl Deflaters {
    pub(crate) fn new(bytes_min: Option<usize>) -> Self {
        let permits = Semaphore::new(available_parallelism().map_or(1, NonZero::get));
        Self { bytes_min, permits, idle: Mutex::default() }
    }

    /// Whether there is something to try.
    pub(crate) fn takes(&self, frame: &[u8]) -> bool {
        self.bytes_min.is_some_and(|min| frame.len() >= min) && is_document(frame)
    }

    /// The message of a frame: compressed if that is smaller. Other tasks have their turn in between.
    pub(crate) async fn message(&self, frame: Vec<u8>) -> Vec<u8> {
        // They are never closed. Whoever has one waits for nothing but the processor.
        let Ok(_permit) = self.permits.acquire().await else { return frame };
        let idle = self.lock().pop();
        let mut deflating = Deflating::new(self, idle.unwrap_or_else(compressor), &frame);
        let is_smaller = loop {
            match deflating.step() {
                Step::More => yield_now().await,
                Step::Done => break true,
                Step::Useless => break false,
            }
        };
        let message = std::mem::take(&mut deflating.message);
        drop(deflating);
        if is_smaller { message } else { frame }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Compress>> {
        // A list of things that are reset before they are used.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// DEFLATE without a head.
fn compressor() -> Compress {
    Compress::new(Compression::new(LEVEL), false)
}

fn is_document(frame: &[u8]) -> bool {
    let mut reader = Reader::new(frame);
    let is_of_session = reader.array().is_ok() && reader.uint32().is_ok_and(|session| session != 0);
    is_of_session && reader.uint32().is_ok_and(|kind| KINDS.contains(&kind))
}

/// A frame on its way.
struct Deflating<'f> {
    home: &'f Deflaters,
    /// Back home when this is dropped, as when the socket is lost in between.
    compress: Option<Compress>,
    frame: &'f [u8],
    taken: usize,
    message: Vec<u8>,
}

enum Step {
    More,
    Done,
    /// It would be no smaller.
    Useless,
}

impl<'f> Deflating<'f> {
    fn new(home: &'f Deflaters, mut compress: Compress, frame: &'f [u8]) -> Self {
        compress.reset();
        // No room for as many bytes as the frame has: whoever fills it has gained nothing.
        let mut message = Vec::with_capacity(frame.len().saturating_sub(1));
        message.extend(message::head(frame.len()).unwrap_or_default());
        Self { home, compress: Some(compress), frame, taken: 0, message }
    }

    fn step(&mut self) -> Step {
        let Some(compress) = &mut self.compress else { return Step::Useless };
        let rest = &self.frame[self.taken..];
        let (part, flush) = match rest.get(..limits::COMPRESSED_AT_A_TIME_BYTES) {
            Some(part) => (part, FlushCompress::None),
            None => (rest, FlushCompress::Finish),
        };
        let before = compress.total_in();
        let status = compress.compress_vec(part, &mut self.message, flush);
        let taken = usize::try_from(compress.total_in() - before).unwrap_or(usize::MAX);
        self.taken += taken;
        match status {
            Ok(Status::StreamEnd) => Step::Done,
            Ok(Status::Ok) if self.message.len() < self.message.capacity() && taken == part.len() => {
                Step::More
            }
            // The room is full, or the codec has met a fault: the frame goes out as it is.
            _ => Step::Useless,
        }
    }
}

impl Drop for Deflating<'_> {
    fn drop(&mut self) {
        self.home.lock().extend(self.compress.take());
    }
}

/// What the server sends for a frame by default, for measurements: as `Deflaters::message`, without turns.
pub fn message(frame: &[u8]) -> Vec<u8> {
    let home = Deflaters::new(Some(limits::COMPRESSED_BYTES_MIN));
    if home.takes(frame) {
        let mut deflating = Deflating::new(&home, compressor(), frame);
        loop {
            match deflating.step() {
                Step::More => {}
                Step::Done => return std::mem::take(&mut deflating.message),
                Step::Useless => break,
            }
        }
    }
    frame.to_vec()
}

#[cfg(test)]
mod tests;
