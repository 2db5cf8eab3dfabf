//! How a session ends that nobody has asked to: what is stored of it, and what stays stored.

use lightspeed_protocol::close::CloseReason;

use super::lease::Lease;

/// How a session is let go of that has expired, has to make room, or whose host ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// It is told to suspend: it is stored a last time, if it is stored at all, and then ends in memory.
    Suspend,
    /// It ends at once. Nobody has ever come for it, a crawler's for example: another page is as good.
    End,
}

impl Parting {
    /// How a session with these epochs ends for this reason. (`specs/session.md`, clause 9.5.)
    pub const fn of(lease: Lease, reason: CloseReason) -> Self {
        match reason {
            CloseReason::SessionGone if lease.epoch == 0 => Self::End,
            _ => Self::Suspend,
        }
    }
}

/// Whether the record of a session that has ended stays in the store: what waits for its page stays, and what another
/// host has is not ours to remove. (`specs/session.md`, clause 10.11.)
pub const fn leaves_record(is_suspended: bool, reason: CloseReason) -> bool {
    is_suspended || matches!(reason, CloseReason::Moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_that_nobody_has_joined_ends_unstored_and_not_when_its_host_ends() {
        let joined = Lease { epoch: 1, confirmed: 0 };
        assert_eq!(Parting::of(Lease::default(), CloseReason::SessionGone), Parting::End);
        assert_eq!(Parting::of(Lease::default(), CloseReason::ShuttingDown), Parting::Suspend);
        assert_eq!(Parting::of(joined, CloseReason::SessionGone), Parting::Suspend);
    }

    #[test]
    fn a_record_goes_with_its_session_unless_that_waits_for_its_page_or_has_moved() {
        assert!(!leaves_record(false, CloseReason::Left));
        assert!(leaves_record(true, CloseReason::SessionGone));
        assert!(leaves_record(false, CloseReason::Moved));
    }
}
