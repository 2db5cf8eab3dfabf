//! Whose the sessions are: a count and an order of waiting sessions for each address and each identity.
//!
//! The oldest session of an owner is found without looking at the sessions of others, so that a page at an owner's
//! bound costs the same however many sessions wait.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use super::waiting::Waiting;

/// Whose session it is, as far as that is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<W> {
    /// The address that it is counted under; `None` when addresses don't count for it.
    pub address: Option<IpAddr>,
    /// Who is at the browser; `None` when the application doesn't say.
    pub identity: Option<W>,
}

impl<W> Default for Owner<W> {
    fn default() -> Self {
        Self { address: None, identity: None }
    }
}

/// The sessions of each address and of each identity; an owner without sessions takes no room.
#[derive(Debug)]
pub(super) struct Owners<I, W> {
    by_address: BTreeMap<IpAddr, Owned<I>>,
    by_identity: BTreeMap<W, Owned<I>>,
}

#[derive(Debug)]
struct Owned<I> {
    /// Sessions and reservations.
    count: usize,
    waiting: Waiting<I>,
}

impl<I> Default for Owned<I> {
    fn default() -> Self {
        Self { count: 0, waiting: Waiting::default() }
    }
}

impl<I, W> Default for Owners<I, W> {
    fn default() -> Self {
        Self { by_address: BTreeMap::new(), by_identity: BTreeMap::new() }
    }
}

impl<I: Copy, W: Copy + Ord> Owners<I, W> {
    pub(super) fn count_of_address(&self, address: Option<IpAddr>) -> usize {
        address.and_then(|address| self.by_address.get(&address)).map_or(0, |owned| owned.count)
    }

    pub(super) fn count_of_identity(&self, identity: Option<W>) -> usize {
        identity.and_then(|identity| self.by_identity.get(&identity)).map_or(0, |owned| owned.count)
    }

    /// The session of this address that makes room first.
    pub(super) fn first_of_address(&self, address: Option<IpAddr>) -> Option<I> {
        self.by_address.get(&address?)?.waiting.first()
    }

    /// The session of this identity that makes room first.
    pub(super) fn first_of_identity(&self, identity: Option<W>) -> Option<I> {
        self.by_identity.get(&identity?)?.waiting.first()
    }

    /// Counts one more session or reservation.
    pub(super) fn add(&mut self, owner: Owner<W>) {
        if let Some(address) = owner.address {
            self.by_address.entry(address).or_default().count += 1;
        }
        if let Some(identity) = owner.identity {
            self.by_identity.entry(identity).or_default().count += 1;
        }
    }

    /// Counts one session or reservation fewer.
    pub(super) fn subtract(&mut self, owner: Owner<W>) {
        if let Some(address) = owner.address {
            subtract(&mut self.by_address, address);
        }
        if let Some(identity) = owner.identity {
            subtract(&mut self.by_identity, identity);
        }
    }

    /// Changes the orders that a session of this owner waits in.
    pub(super) fn each_order(&mut self, owner: Owner<W>, mut change: impl FnMut(&mut Waiting<I>)) {
        if let Some(owned) = owner.address.and_then(|address| self.by_address.get_mut(&address)) {
            change(&mut owned.waiting);
        }
        if let Some(owned) = owner.identity.and_then(|identity| self.by_identity.get_mut(&identity)) {
            change(&mut owned.waiting);
        }
    }

    /// The orders that a session of this owner waits in.
    pub(super) fn orders(&self, owner: Owner<W>) -> impl Iterator<Item = &Waiting<I>> {
        let of_address = owner.address.and_then(|address| self.by_address.get(&address));
        let of_identity = owner.identity.and_then(|identity| self.by_identity.get(&identity));
        of_address.into_iter().chain(of_identity).map(|owned| &owned.waiting)
    }

    /// Sessions and reservations of all addresses, and of all identities; and how many sessions wait in their orders.
    pub(super) fn totals(&self) -> [(usize, usize); 2] {
        [total(self.by_address.values()), total(self.by_identity.values())]
    }

    /// The most sessions and reservations that an address has.
    pub(super) fn largest_of_address(&self) -> usize {
        self.by_address.values().map(|owned| owned.count).max().unwrap_or(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_address.is_empty() && self.by_identity.is_empty()
    }
}

fn subtract<K: Copy + Ord, I>(owned_by: &mut BTreeMap<K, Owned<I>>, key: K) {
    let Some(owned) = owned_by.get_mut(&key) else { return };
    owned.count -= 1;
    if owned.count == 0 {
        owned_by.remove(&key);
    }
}

fn total<'a, I: Copy + 'a>(owned: impl Iterator<Item = &'a Owned<I>>) -> (usize, usize) {
    owned.fold((0, 0), |(count, waiting), owned| {
        let order = &owned.waiting;
        (count + owned.count, waiting + order.unattached_count() + order.parked_count())
    })
}
