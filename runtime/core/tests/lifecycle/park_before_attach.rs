//! Without a socket there is none to lose.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    Created::new().mount().park();
    let _ = CloseReason::Left;
}
