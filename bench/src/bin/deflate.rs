//! What compression of large frames costs a server and saves, level by level.
//!
//! `make bench-deflate` compresses the patches of the operations on rows as the server's socket does, each by
//! itself with a compressor that is used again, and tells bytes and the least time of many.

use std::time::{Duration, Instant};

use flate2::{Compress, Compression, FlushCompress};
use lightspeed_bench::{machine, wire};

const ROUNDS: usize = 200;

fn main() {
    println!("| frame | bytes | level | compressed | us |\n|---|---|---|---|---|");
    for (name, frame) in wire::large_frames() {
        for level in 1..=9 {
            let mut compress = Compress::new(Compression::new(level), false);
            let mut least = Duration::MAX;
            let mut message = Vec::new();
            for _ in 0..ROUNDS {
                let began = Instant::now();
                compress.reset();
                message = Vec::with_capacity(frame.len());
                compress
                    .compress_vec(&frame, &mut message, FlushCompress::Finish)
                    .expect("a vector takes it");
                least = least.min(began.elapsed());
            }
            println!("| {name} | {} | {level} | {} | {} |", frame.len(), message.len(), least.as_micros());
        }
    }
    println!("\n{}, {}; the least time of {ROUNDS}", machine::describe(), machine::compiler());
}
