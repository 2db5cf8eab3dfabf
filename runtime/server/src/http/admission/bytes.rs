//! Bytes that are kept for clients: what they haven't read or acknowledged, and what they have sent and isn't whole.
//!
//! Each piece is bounded where it is; this bounds their sum. Nobody waits and nothing is looked through: a
//! piece adds what it takes to two numbers, that of its address and that of the server, and takes it off when
//! it is dropped.
//!
//! An address may keep as much as is left for all others together, and never more than its own bound. One
//! address alone so takes half of the server's at most, two a third each; whoever comes then still finds as
//! much as each of them has ([Choudhury and Hahne, 1998](https://doi.org/10.1109/90.664262), for the buffers
//! of a switch).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::config::Config;
use crate::limits;

/// What is kept for all clients.
#[derive(Debug)]
pub(crate) struct Accounts {
    max: usize,
    per_address_max: usize,
    kept: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, Weak<Account>>>,
}

/// What is kept for an address.
#[derive(Debug)]
pub(crate) struct Account {
    accounts: Arc<Accounts>,
    /// `None` where no address is known because nobody has asked: only the server's bound counts.
    address: Option<IpAddr>,
    kept: AtomicUsize,
}

/// What is kept in one place for a client; given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    account: Arc<Account>,
    bytes: usize,
    /// So much is kept whatever else is.
    free: usize,
}

impl Accounts {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            max: config.waiting_bytes_max,
            per_address_max: config.waiting_bytes_per_ip_max,
            kept: AtomicUsize::new(0),
            by_address: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Weak<Account>>> {
        // No step below leaves the map at odds when it panics.
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account of an address.
    pub(crate) fn of(self: &Arc<Self>, address: Option<IpAddr>) -> Arc<Account> {
        let new = || Arc::new(Account { accounts: Arc::clone(self), address, kept: AtomicUsize::new(0) });
        let Some(ip) = address else { return new() };
        let mut by_address = self.lock();
        if let Some(account) = by_address.get(&ip).and_then(Weak::upgrade) {
            return account;
        }
        let account = new();
        by_address.insert(ip, Arc::downgrade(&account));
        account
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }
}

impl Account {
    /// Keeps nothing yet.
    pub(crate) fn charge(self: &Arc<Self>) -> Charge {
        self.charge_beyond(limits::WAITING_BYTES_FREE)
    }

    /// The same for one of many small pieces that a client sends.
    pub(crate) fn charge_inbound(self: &Arc<Self>) -> Charge {
        self.charge_beyond(limits::INBOUND_BYTES_FREE)
    }

    fn charge_beyond(self: &Arc<Self>, free: usize) -> Charge {
        Charge { account: Arc::clone(self), bytes: 0, free }
    }

    /// Whether more may be kept for the address.
    pub(crate) fn has_room(&self) -> bool {
        let all = self.accounts.kept.load(Ordering::Relaxed);
        let kept = self.kept.load(Ordering::Relaxed);
        let left = self.accounts.max.saturating_sub(all);
        let bound = if self.address.is_some() { left.min(self.accounts.per_address_max) } else { left };
        kept < bound
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(ip) = self.address {
            let mut by_address = self.accounts.lock();
            // Another may have been made since the last who had this one let go of it.
            if by_address.get(&ip).is_some_and(|account| account.strong_count() == 0) {
                by_address.remove(&ip);
            }
        }
    }
}

impl Charge {
    /// So much is kept from here on. False when it is more than before, more than everybody may keep, and
    /// there was no room left: it is counted all the same, and to be let go of. The last piece for which
    /// there is room may be of any size.
    #[must_use]
    pub(crate) fn set(&mut self, bytes: usize) -> bool {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes <= before {
            if bytes < before {
                self.account.kept.fetch_sub(before - bytes, Ordering::Relaxed);
                self.account.accounts.kept.fetch_sub(before - bytes, Ordering::Relaxed);
            }
            return true;
        }
        let is_admitted = bytes <= self.free || self.account.has_room();
        self.account.kept.fetch_add(bytes - before, Ordering::Relaxed);
        self.account.accounts.kept.fetch_add(bytes - before, Ordering::Relaxed);
        is_admitted
    }

    /// The same for so many more.
    #[must_use]
    pub(crate) fn add(&mut self, bytes: usize) -> bool {
        self.set(self.bytes + bytes)
    }

    /// So many fewer are kept.
    pub(crate) fn take(&mut self, bytes: usize) {
        self.lower(self.bytes.saturating_sub(bytes));
    }

    /// No more than so many are kept.
    pub(crate) fn lower(&mut self, bytes: usize) {
        // Fewer are never too many.
        let _ = self.set(self.bytes.min(bytes));
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let _ = self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn accounts(all: usize, of_address: usize) -> Arc<Accounts> {
        let config = Config::default().with_waiting_bytes_max(all).with_waiting_bytes_per_ip_max(of_address);
        Arc::new(Accounts::new(&config))
    }

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn an_address_has_its_bound_and_a_small_piece_is_always_kept() {
        let accounts = accounts(10_000 * KIB, 1_000 * KIB);
        let mut first = accounts.of(Some(address(1))).charge();
        let mut second = accounts.of(Some(address(1))).charge();
        assert!(first.set(1_000 * KIB));
        assert!(second.set(64 * KIB), "what everybody may keep");
        assert!(!second.set(100 * KIB), "together they are above it");
        assert!(accounts.of(Some(address(2))).charge().set(5_000 * KIB), "one piece of any size");
        assert_eq!(accounts.kept(), 1_100 * KIB);
        assert!(!accounts.of(Some(address(1))).has_room() && accounts.of(Some(address(2))).has_room());
        assert!(second.set(90 * KIB), "less is never too much");
        drop(first);
        assert!(second.set(1_000 * KIB));
        drop(second);
        assert_eq!(accounts.kept(), 0);
        assert!(accounts.lock().is_empty(), "an address that keeps nothing is forgotten");
    }

    #[test]
    fn addresses_that_take_all_they_can_leave_as_much_to_the_next() {
        let accounts = accounts(1_000 * KIB, 1_000 * KIB);
        let mut charges = Vec::new();
        for last in 1..=9 {
            let mut charge = accounts.of(Some(address(last))).charge();
            while charge.add(KIB) && charge.bytes() < 1_000 * KIB {}
            charges.push(charge);
            assert!(accounts.kept() <= 1_000 * KIB + 9 * limits::WAITING_BYTES_FREE);
        }
        assert!(charges[0].bytes() <= 502 * KIB, "{}", charges[0].bytes());
        let mut honest = accounts.of(Some(address(100))).charge();
        assert!(honest.set(limits::WAITING_BYTES_FREE));
        charges.clear();
        assert!(honest.set(400 * KIB));
    }

    #[test]
    fn an_account_is_made_anew_while_its_last_holder_lets_go() {
        let accounts = accounts(1_000 * KIB, 1_000 * KIB);
        for _ in 0..100 {
            let account = accounts.of(Some(address(1)));
            assert!(Arc::ptr_eq(&account, &accounts.of(Some(address(1)))));
        }
        assert!(accounts.lock().is_empty());
    }
}
