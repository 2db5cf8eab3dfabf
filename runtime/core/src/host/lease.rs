//! Who may join a session: epochs, and which of the tokens that name them still count.
//!
//! Every attachment begins an epoch and hands out a token for the next one. A token counts
//! until the client has shown that it got a newer one, by joining with that or by saying anything
//! after its join was answered. What was stolen or copied before that is worth nothing from then on.
//! (`specs/session.md`, clause 8.)

/// A session's epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lease {
    /// Sockets that have joined so far.
    pub epoch: u64,
    /// The newest epoch whose token the client is known to have.
    pub confirmed: u64,
}

impl Lease {
    /// Whether a token of this epoch still counts.
    pub const fn admits(&self, token_epoch: u64) -> bool {
        token_epoch >= self.confirmed
    }

    /// Whether the token was handed out by another server, after it had taken the session over:
    /// what is here is out of date.
    pub const fn is_behind(&self, token_epoch: u64) -> bool {
        token_epoch > self.epoch
    }

    /// A token of this epoch has been shown: the epoch has begun, here or at another server, and its token has
    /// arrived. Older tokens count no more. This one still does, because the answer to the join may be lost.
    pub const fn show(&mut self, token_epoch: u64) {
        if token_epoch > self.epoch {
            self.epoch = token_epoch;
        }
        self.confirm(token_epoch);
    }

    /// Begins the epoch of a socket that has shown this token, and returns it.
    pub const fn attach(&mut self, token_epoch: u64) -> u64 {
        self.show(token_epoch);
        self.epoch = self.epoch.saturating_add(1);
        self.epoch
    }

    /// The client has said something in this epoch: older tokens count no more.
    pub const fn confirm(&mut self, epoch: u64) {
        if epoch > self.confirmed && epoch <= self.epoch {
            self.confirmed = epoch;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lease;

    #[test]
    fn a_token_counts_until_a_newer_one_is_known_to_have_arrived() {
        let mut lease = Lease::default();
        assert_eq!(lease.attach(0), 1, "the page's own token");
        assert!(lease.admits(0), "the answer may have been lost");
        assert_eq!(lease.attach(0), 2, "it was");
        lease.confirm(2);
        assert!(!lease.admits(0) && !lease.admits(1), "copies of the page come too late");
        assert!(lease.admits(2));
        lease.confirm(1);
        assert_eq!(lease.confirmed, 2, "it never goes back");
        lease.confirm(9);
        assert_eq!(lease.confirmed, 2, "an epoch that never was confirms nothing");
    }

    #[test]
    fn a_token_that_is_shown_has_arrived() {
        let mut lease = Lease { epoch: 7, confirmed: 5 };
        assert!(lease.admits(6));
        assert_eq!(lease.attach(7), 8);
        assert!(!lease.admits(6), "whoever has the seventh needs it no more");
        assert!(lease.admits(7), "the answer may have been lost");
        assert_eq!(lease.attach(7), 9, "it was");
        assert!(lease.admits(8), "or is under way still");
        // At a server that knows less.
        let mut stored = Lease { epoch: 3, confirmed: 2 };
        stored.show(9);
        assert_eq!(stored, Lease { epoch: 9, confirmed: 9 });
    }

    #[test]
    fn a_token_of_an_epoch_that_another_server_began_is_newer_than_what_is_here() {
        let mut lease = Lease { epoch: 3, confirmed: 2 };
        assert!(!lease.is_behind(3));
        assert!(lease.is_behind(4));
        assert_eq!(lease.attach(5), 6);
    }
}
