//! The `lightspeed` command, with the examples of this repository.

use std::process::ExitCode;

use axum::Extension;
use lightspeed_cli::Cli;
use lightspeed_examples::contacts::{Contacts, Database};
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;

fn main() -> ExitCode {
    Cli::new()
        .component::<Counter>()
        .component::<Rows>()
        .component_with::<Contacts>(|| Ok(Extension(Database::open(None)?)))
        .run()
}
