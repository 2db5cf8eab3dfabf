//! The link is gone with the socket.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let attached = Created::new().mount().attach(1);
    let _parked = attached.park();
    attached.session();
    let _ = CloseReason::Left;
}
