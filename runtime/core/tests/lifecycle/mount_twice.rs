//! A session is mounted once.

use lightspeed_core::session::lifecycle::Created;
use lightspeed_protocol::close::CloseReason;

fn main() {
    let created = Created::new();
    let _mounted = created.mount();
    created.mount();
    let _ = CloseReason::Left;
}
