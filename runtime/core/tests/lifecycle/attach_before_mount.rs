//! A session that nothing was rendered of has no page whose socket could come.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    Created::new().attach(1);
    let _ = CloseReason::Left;
}
