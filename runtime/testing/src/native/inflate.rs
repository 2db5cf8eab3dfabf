//! Compressed messages, as `client-js/src/features/inflate.js` reads them.

use std::borrow::Cow;

use flate2::{Decompress, FlushDecompress, Status};
use lightspeed_protocol::message::{self, Message, SizeError};

/// Why a compressed message is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InflateError {
    /// It claims a size that it may not or cannot have. No room is made for it.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// It holds more than it claims. What is above that is never inflated.
    #[error("a compressed frame holds more than the {claimed} bytes that it claims")]
    More {
        /// What it claims, in bytes.
        claimed: usize,
    },
    /// It holds less than it claims, or is cut short.
    #[error("a compressed frame of {claimed} bytes ends after {received}")]
    Fewer {
        /// What it claims, in bytes.
        claimed: usize,
        /// What it holds, in bytes.
        received: usize,
    },
    /// Something stands behind its end.
    #[error("a compressed frame ends after {offset} of its {length} deflated bytes")]
    Trailed {
        /// Where it ends.
        offset: usize,
        /// How many there are.
        length: usize,
    },
    /// It is no DEFLATE.
    #[error("a compressed frame is no DEFLATE: it goes wrong after {received} inflated bytes")]
    Corrupt {
        /// What was inflated before, in bytes.
        received: usize,
    },
}

/// The frame that a message is. Takes no more room than the message claims and a frame may have.
///
/// # Errors
///
/// When a compressed message isn't what it claims to be.
pub fn inflated(bytes: &[u8]) -> Result<Cow<'_, [u8]>, InflateError> {
    let (claimed, deflated) = match message::read(bytes)? {
        Message::Frame(frame) => return Ok(frame.into()),
        Message::Compressed { size, deflated } => (size, deflated),
    };
    let mut frame = vec![0; claimed];
    let mut decompress = Decompress::new(false);
    let status = decompress.decompress(deflated, &mut frame, FlushDecompress::Finish);
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let (taken, received) = (count(decompress.total_in()), count(decompress.total_out()));
    match status {
        Ok(Status::StreamEnd) if received < claimed => Err(InflateError::Fewer { claimed, received }),
        Ok(Status::StreamEnd) if taken < deflated.len() => {
            Err(InflateError::Trailed { offset: taken, length: deflated.len() })
        }
        Ok(Status::StreamEnd) => Ok(frame.into()),
        Ok(_) if received < claimed => Err(InflateError::Fewer { claimed, received }),
        Ok(_) => Err(InflateError::More { claimed }),
        Err(_) => Err(InflateError::Corrupt { received }),
    }
}

#[cfg(test)]
mod tests;
