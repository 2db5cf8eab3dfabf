//! A phase cannot be copied: a session is in one.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let attached = Created::new().mount().attach(1);
    let _other = attached.clone();
    let _ = CloseReason::Left;
}
