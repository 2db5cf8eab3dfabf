//! A file becomes a recording that can be followed.

use std::fs::File;
use std::io::Read;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use indicatif::ProgressBar;
use lightspeed_interpreter::MemoryDocument;
use lightspeed_interpreter::recording::{Entry, FollowError, Follower, Recording};
use lightspeed_protocol::frame::ServerFrame;
use lightspeed_protocol::recording::Record;
use lightspeed_protocol::{PROTOCOL_VERSION, limits};

use crate::error::Error;

/// Records from which on a person is shown how far it is.
const LONG_RECORDS: usize = 10_000;

/// A recording and where it came from.
pub(crate) struct RecordingFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) byte_count: usize,
    pub(crate) recording: Recording<'a>,
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let error = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(error)?;
    // One more than may be tells the reader that there are too many.
    let bound = u64::try_from(limits::RECORDING_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    file.take(bound).read_to_end(&mut bytes).map_err(error)?;
    Ok(bytes)
}

/// The wires whose recordings mean today what they meant then: the last change only added to them.
const PROTOCOLS: std::ops::RangeInclusive<u32> = 3..=PROTOCOL_VERSION;

impl<'a> RecordingFile<'a> {
    pub(crate) fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let recording =
            Recording::read(bytes).map_err(|source| Error::Malformed { path: path.to_owned(), source })?;
        let recorded = recording.start.protocol;
        if !PROTOCOLS.contains(&recorded) {
            return Err(Error::Protocol { recorded, build: recording.start.build.to_owned() });
        }
        Ok(Self { path, byte_count: bytes.len(), recording })
    }

    /// The records with their numbers, from 1; a bar shows how far they are read.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (usize, &Entry<'a>)> {
        let entries = &self.recording.entries;
        let bar = if entries.len() > LONG_RECORDS {
            ProgressBar::new(entries.len() as u64)
        } else {
            ProgressBar::hidden()
        };
        (1..).zip(bar.wrap_iter(entries.iter()))
    }

    /// Whether more may have happened than is recorded.
    pub(crate) fn is_open_ended(&self) -> bool {
        let last = self.recording.entries.last();
        let is_ended = last.is_some_and(|last| matches!(last.record, Record::Closed { .. }));
        !is_ended
    }

    /// What the client showed at a version.
    pub(crate) fn document_at(&self, version: u64) -> Result<MemoryDocument, Error> {
        self.check_version(version)?;
        let start = self.recording.start;
        let mut follower =
            quietly(|| Follower::new(start.html)).ok_or(Error::Unfit { record: 0, offset: 0, version: 0 })?;
        for (number, entry) in self.entries() {
            if version == 0 {
                break;
            }
            let (offset, before) = (entry.offset, follower.version());
            match quietly(|| follower.handle_record(&entry.record)) {
                Some(Ok(_)) if follower.version() >= version => break,
                Some(Ok(_)) => {}
                Some(Err(source)) => return Err(follow_error(number, offset, before, source)),
                None => return Err(Error::Unfit { record: number, offset, version: before }),
            }
        }
        Ok(follower.into_document())
    }

    fn check_version(&self, version: u64) -> Result<(), Error> {
        let versions = self.versions();
        if version == 0 || versions.contains(&version) {
            return Ok(());
        }
        let available = match (versions.first(), versions.last()) {
            (Some(_), Some(last)) => format!("versions up to {last}"),
            _ => "version 0 alone".to_owned(),
        };
        Err(Error::NoVersion { version, available })
    }

    /// The versions that were sent, each once, in order.
    pub(crate) fn versions(&self) -> Vec<u64> {
        let mut versions: Vec<u64> =
            self.recording.entries.iter().filter_map(|entry| version_of(&entry.record)).collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }
}

fn follow_error(record: usize, offset: usize, version: u64, source: FollowError) -> Error {
    Error::Follow { record, offset, version, source }
}

/// The version that a record takes the document to.
pub(crate) fn version_of(record: &Record<'_>) -> Option<u64> {
    let Record::Server { frame, .. } = record else { return None };
    match ServerFrame::decode(frame) {
        Ok((_, ServerFrame::Patch { version, .. } | ServerFrame::Snapshot { version, .. })) => Some(version),
        _ => None,
    }
}

/// Runs what a file that no server wrote may make panic; `None` when it did.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    panic::set_hook(hook);
    result.ok()
}
