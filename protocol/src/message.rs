//! What a message of the socket carries: a frame as it is, or a frame compressed.
//!
//! A compressed frame is four bytes, its size as it was, big-endian, and behind them
//! [DEFLATE](https://www.rfc-editor.org/rfc/rfc1951) without a head. The largest frame is below 2^24 bytes,
//! so the first byte is 0: no MessagePack array, and so no frame, begins with that. See `specs/protocol.md`,
//! clause 8.
//!
//! The codec is not here: a server's socket compresses, and a client's socket inflates before the machine sees a frame.

use core::fmt;

use crate::limits;

/// Bytes before the deflated ones.
pub const HEAD_BYTES: usize = 4;

/// What a client appends to the socket's address when it can inflate.
pub const DEFLATE_QUERY: &str = "?deflate";

/// The bytes before a deflated frame that had `size` bytes; `None` for more than a frame may have.
pub fn head(size: usize) -> Option<[u8; HEAD_BYTES]> {
    let size = u32::try_from(size).ok()?;
    (size as usize <= limits::OUTBOUND_FRAME_BYTES_MAX).then(|| size.to_be_bytes())
}

/// A message taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// A frame as it is, or nothing that this crate knows.
    Frame(&'a [u8]),
    /// A compressed frame.
    Compressed {
        /// How many bytes it inflates to, neither more nor fewer: within the bound of a frame, and no more than
        /// that many deflated bytes can give.
        size: usize,
        /// DEFLATE without a head.
        deflated: &'a [u8],
    },
}

/// A compressed frame that claims a size which it may not or cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeError {
    /// What it claims, in bytes.
    pub claimed: usize,
    /// What it may have, in bytes.
    pub max: usize,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claimed, max } = self;
        write!(f, "a compressed frame claims to be of {claimed} bytes; it can be of {max} at most")
    }
}

impl core::error::Error for SizeError {}

/// Takes a message apart.
///
/// # Errors
///
/// When a compressed frame claims more than a frame may have, or more than its bytes can inflate to. So a
/// caller can allocate what a message claims.
pub fn read(bytes: &[u8]) -> Result<Message<'_>, SizeError> {
    let Some((head, deflated)) = bytes.split_first_chunk::<HEAD_BYTES>().filter(|(head, _)| head[0] == 0)
    else {
        return Ok(Message::Frame(bytes));
    };
    let size = u32::from_be_bytes(*head) as usize;
    let max = deflated.len().saturating_mul(limits::INFLATE_RATIO_MAX).min(limits::OUTBOUND_FRAME_BYTES_MAX);
    if size > max {
        return Err(SizeError { claimed: size, max });
    }
    Ok(Message::Compressed { size, deflated })
}

#[cfg(test)]
mod tests;
