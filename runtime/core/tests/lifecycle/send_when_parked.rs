//! Nothing is sent without a link.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let parked = Created::new().mount().attach(1).park();
    parked.session();
    let _ = CloseReason::Left;
}
