//! Serves the examples; [`lightspeed_examples::gallery`] says what it can be told.

use std::process::ExitCode;

use lightspeed_examples::chat::Chat;
use lightspeed_examples::contacts::Contacts;
use lightspeed_examples::counter::Counter;
use lightspeed_examples::gallery;
use lightspeed_examples::rows::Rows;
use lightspeed_examples::viewport::Table;

#[tokio::main]
async fn main() -> ExitCode {
    gallery::main(|pages| {
        pages
            .live::<Counter>("/counter")
            .live::<Contacts>("/contacts")
            .live::<Rows>("/rows")
            .live::<Chat>("/chat")
            .live::<Table>("/viewport")
    })
    .await
}
