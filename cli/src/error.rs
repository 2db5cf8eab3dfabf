//! What can be wrong, where, and what to do about it.

use std::io;
use std::path::PathBuf;

use lightspeed::MountError;
use lightspeed_interpreter::recording::{FollowError, RecordingError, RecordingFault};
use lightspeed_protocol::{PROTOCOL_VERSION, limits};
use miette::Diagnostic;
use thiserror::Error;

use crate::difference::Difference;

/// Why there is no answer.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum Error {
    #[error("{} cannot be read", path.display())]
    #[diagnostic(help("name a file that a server with `lightspeed::Recording` has written"))]
    Read { path: PathBuf, source: io::Error },

    #[error("{} is no recording", path.display())]
    #[diagnostic(help("{}", help_of(source)))]
    Malformed { path: PathBuf, source: RecordingError },

    #[error("the recording is of protocol {recorded}, and this command speaks {PROTOCOL_VERSION}")]
    #[diagnostic(help("use the `lightspeed` of the build that recorded it: {build}"))]
    Protocol { recorded: u32, build: String },

    #[error("record {record} at byte {offset} cannot be followed")]
    #[diagnostic(help("what is before it can be: ask for a version up to {version}"))]
    Follow { record: usize, offset: usize, version: u64, source: FollowError },

    #[error("record {record} at byte {offset} doesn't fit the page that was recorded")]
    #[diagnostic(help("what is before it can be followed: ask for a version up to {version}"))]
    Unfit { record: usize, offset: usize, version: u64 },

    #[error("there is no version {version}: the recording has {available}")]
    #[diagnostic(help("ask for one of these"))]
    NoVersion { version: u64, available: String },

    #[error("the component {name} is not known here")]
    #[diagnostic(help(
        "make a binary that knows it: `lightspeed_cli::Cli::new().component::<..>().run()`; this one knows {known}"
    ))]
    UnknownComponent { name: String, known: String },

    #[error("the component cannot be mounted: {0:?}")]
    #[diagnostic(help("give it what it needs by `Cli::component_with`"))]
    Mount(MountError),

    #[error("{0}")]
    #[diagnostic(help("{}", .0.help()))]
    Differs(Box<Difference>),

    #[error(
        "the session runs the same way up to record {record}, {frames} frames; what follows {what} cannot be compared"
    )]
    #[diagnostic(help("such a record can be passed when it holds a state: let the component save its own"))]
    Incomplete { record: usize, frames: usize, what: &'static str },

    #[error("the page cannot be served: {0}")]
    #[diagnostic(help("leave --port out, or name a port that no other program listens on"))]
    Serve(io::Error),

    #[error("nothing can be printed: {0}")]
    Print(#[from] io::Error),
}

fn help_of(error: &RecordingError) -> String {
    match error.fault {
        RecordingFault::NoRecording if error.offset > 3 => {
            "it was transferred as text, which has rewritten its line ends: fetch it as binary".to_owned()
        }
        RecordingFault::NoRecording => "name a file that ends in .lsr, as a server has written it".to_owned(),
        RecordingFault::NoStart => "nothing of the session is in it: record it again".to_owned(),
        RecordingFault::Format(_) => "use the `lightspeed` of the build that recorded it".to_owned(),
        RecordingFault::TooManyBytes | RecordingFault::TooManyRecords => {
            "record with lower bounds: `Recording::with_bytes_max`, `with_records_max`".to_owned()
        }
        _ => format!(
            "it was changed after it was written: fetch it again, or keep its first {} bytes, up to the damage",
            error.offset.min(limits::RECORDING_BYTES_MAX)
        ),
    }
}
