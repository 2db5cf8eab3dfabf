//! What can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Tools for Lightspeed, live pages written in Rust.
#[derive(Debug, Parser)]
#[command(name = "lightspeed", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Looks into a recorded session; alone, prints a summary of it
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The recording, as a server has written it
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) what: What,

    /// With --open: the port to serve on, instead of one that is free
    #[arg(long, default_value_t = 0, hide_default_value = true, requires = "open")]
    pub(crate) port: u16,

    /// With --open: a stylesheet for the replayed page, as a recording holds none
    #[arg(long, value_name = "FILE", requires = "open")]
    pub(crate) style: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct What {
    /// Prints the HTML that the client showed at a version
    #[arg(long, value_name = "VERSION")]
    pub(crate) at: Option<u64>,

    /// Prints what is different between two versions
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub(crate) diff: Option<Vec<u64>>,

    /// Runs the component again on what was recorded, and compares every frame
    #[arg(long)]
    pub(crate) verify: bool,

    /// Serves a page to step through the session in a browser, until Ctrl-C
    #[arg(long)]
    pub(crate) open: bool,
}
