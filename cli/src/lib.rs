//! The `lightspeed` command: what is in a recorded session, whether it runs the same way again,
//! and what the person saw, step by step, in a browser.
//!
//! Recordings are `specs/recording.md`; a server writes them by `lightspeed::Recording`, with the feature
//! `recording`. To run your own components again, make a binary that knows them:
//!
//! ```no_run
//! # use lightspeed::{Context, Html, Live, MountError};
//! # struct Cart;
//! # impl Live for Cart {
//! #     type Msg = ();
//! #     type Params = ();
//! #     async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> { Ok(Self) }
//! #     fn update(&mut self, (): (), _: &mut Context<Self::Msg>) {}
//! #     fn render(&self) -> Html<()> { lightspeed::html! { p { "now" } } }
//! # }
//! fn main() -> std::process::ExitCode {
//!     lightspeed_cli::Cli::new().component::<Cart>().run()
//! }
//! ```
//!
//! # Layout
//!
//! - `arguments`: what can be asked for
//! - `file`: a file becomes a recording that can be followed
//! - `error`, `difference`: what can be wrong with it, and what to do about it
//! - `summary`, `document`, `verify`, `open`: one module for each answer
//! - `print`: text from a file, made safe for a terminal

mod arguments;
mod difference;
mod document;
mod error;
mod file;
mod open;
mod print;
mod summary;
mod verify;

use std::any::type_name;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use lightspeed::{Live, MountError};

use crate::arguments::{Arguments, Command, Replay};
use crate::error::Error;
use crate::file::RecordingFile;
use crate::verify::Rerun;

/// The command, with the components whose recordings it can run again.
#[derive(Default)]
pub struct Cli {
    components: BTreeMap<&'static str, Rerun>,
}

impl Cli {
    /// The command without components.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows a component that is mounted with nothing.
    pub fn component<C: Live<Params = ()>>(self) -> Self {
        self.component_with::<C>(|| Ok(()))
    }

    /// Knows a component that is mounted with what `params` gives.
    pub fn component_with<C: Live>(
        mut self,
        params: impl Fn() -> Result<C::Params, MountError> + 'static,
    ) -> Self {
        let rerun: Rerun = Box::new(move |file| verify::rerun::<C>(&params, file));
        self.components.insert(type_name::<C>(), rerun);
        self
    }

    /// Does what the process's arguments say: 0 when it is done, 1 when it can't be, 2 when they say nothing sensible.
    pub fn run(self) -> ExitCode {
        self.run_with(std::env::args_os())
    }

    /// As [`Cli::run`], with these arguments; the first is the command's name.
    pub fn run_with(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        let arguments = match Arguments::try_parse_from(arguments) {
            Ok(arguments) => arguments,
            Err(error) => {
                // Help and version are no errors and go to stdout. Where nobody reads, there is nobody to tell.
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
        };
        let Command::Replay(replay) = arguments.command;
        let mut out = io::stdout().lock();
        match self.replay(&replay, &mut out) {
            Ok(()) => ExitCode::SUCCESS,
            // Whoever read it has read enough.
            Err(Error::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                let report = miette::Report::new(error);
                let _ = writeln!(io::stderr(), "{report:?}");
                ExitCode::FAILURE
            }
        }
    }

    /// Runs the session of a recording again; gives how many frames are the same, which is all of them. For tests.
    ///
    /// # Errors
    ///
    /// When the file is no recording, its component isn't known, or it doesn't do what it did.
    pub fn verify(&self, file: &Path) -> miette::Result<usize> {
        let bytes = file::read_file(file)?;
        Ok(verify::rerun_known(&self.components, &RecordingFile::new(file, &bytes)?)?)
    }

    fn replay(&self, replay: &Replay, out: &mut dyn Write) -> Result<(), Error> {
        let bytes = file::read_file(&replay.file)?;
        let file = RecordingFile::new(&replay.file, &bytes)?;
        if let Some(offset) = file.recording.cut {
            let left = bytes.len() - offset;
            let _ = writeln!(
                io::stderr(),
                "The file is cut: it is read up to byte {offset}, its last {left} bytes are no whole record."
            );
        }
        let what = &replay.what;
        if let Some(version) = what.at {
            let html = document::indent(&file.document_at(version)?.to_html());
            out.write_all(print::safe(&html).as_bytes())?;
        } else if let Some(versions) = &what.diff {
            let [one, other] = [versions[0], versions[1]];
            document::diff(&file, one, other, out)?;
        } else if what.verify {
            verify::verify(&self.components, &file, out)?;
        } else if what.open {
            open::serve(&file, replay.port, replay.style.as_deref(), out)?;
        } else {
            summary::write(&file, out)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli").field("components", &self.components.keys()).finish()
    }
}
