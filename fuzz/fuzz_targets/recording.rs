//! Recordings: whatever a file holds, it is read up to where it is wrong, and followed without a panic of the reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lightspeed_interpreter::recording::Recording;

fuzz_target!(|bytes: &[u8]| {
    let Ok(recording) = Recording::read(bytes) else { return };
    assert!(recording.entries.len() <= bytes.len());
    for entry in &recording.entries {
        assert!(entry.offset < bytes.len());
        let _ = entry.record.to_string();
    }
});
