//! Only a transition makes a phase.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let _closed = lightspeed_core::session::lifecycle::Parked(());
    let _created = Created::new();
    let _ = CloseReason::Left;
}
