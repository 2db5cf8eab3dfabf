//! What has ended does not begin again.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let closed = Created::new().mount().close(CloseReason::Left);
    closed.attach(1);
    let _ = CloseReason::Left;
}
