//! Where the server's random numbers come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::session::token::SessionId;

/// The system's, or in simulations a sequence that a seed decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entropy {
    sequence: Option<Arc<AtomicU64>>,
}

impl Entropy {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self { sequence: Some(Arc::new(AtomicU64::new(seed))) }
    }

    pub(crate) fn bytes<const N: usize>(&self) -> Result<[u8; N], getrandom::Error> {
        let mut bytes = [0; N];
        let Some(sequence) = &self.sequence else {
            return getrandom::fill(&mut bytes).map(|()| bytes);
        };
        for chunk in bytes.chunks_mut(8) {
            let word = split_mix(sequence.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed));
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
        Ok(bytes)
    }

    pub(crate) fn session_id(&self) -> Result<SessionId, getrandom::Error> {
        self.bytes().map(SessionId::from_bytes)
    }

    /// A number below `bound`, or 0; for spreading things in time, which no lack of randomness must stop.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.bytes().map_or(0, u64::from_le_bytes) % bound.max(1)
    }
}

/// The output function of [SplitMix64](https://doi.org/10.1145/2714064.2660195).
fn split_mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
