//! A socket that holds the session is let go first.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let attached = Created::new().mount().attach(1);
    attached.attach(2);
    let _ = CloseReason::Left;
}
