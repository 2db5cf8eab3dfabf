//! A session ends once, for one reason.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let closed = Created::new().mount().close(CloseReason::Left);
    closed.close(CloseReason::Replaced);
    let _ = CloseReason::Left;
}
