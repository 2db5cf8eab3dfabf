//! Connections or sockets, bounded in all and for each address: who is let in, and who makes room (`adr/0016`).
//!
//! A holder that asks for nothing makes room for the next one, the one that has been idle longest first. Holders
//! are kept in that order, so that one more costs about the same however many there are.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;

use lightspeed_protocol::Timestamp;

/// How many holders there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Holders in all.
    pub all_max: usize,
    /// Holders of one address.
    pub per_address_max: usize,
    /// Holders that were told to make room and are not gone yet.
    pub leaving_max: usize,
    /// How long a holder is idle before it may have to make room, in milliseconds.
    pub makes_room_after_ms: u64,
}

/// Where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The host has as many as it may.
    Server,
    /// The address has as many as it may.
    Address,
}

/// Whether one more is let in, and who makes room.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "holders that make room have to be told"]
pub struct Admission<T> {
    /// The number of the new holder, which is idle at first.
    pub admitted: Result<u64, Full>,
    /// What was kept for those that make room, also when there is no room all the same.
    pub evicted: Vec<T>,
}

/// Who holds a connection or socket. `T` is what the host keeps for a holder, to tell it to make room.
#[derive(Debug)]
pub struct Admissions<T> {
    bounds: Bounds,
    admitted: BTreeMap<u64, Holder<T>>,
    /// Those that may have to make room.
    idle: Order,
    by_address: BTreeMap<IpAddr, Address>,
    /// Holders that were told to make room and are not gone yet.
    leaving: usize,
    next_number: u64,
}

/// Since when holders are idle; the number orders those that are idle since the same moment.
type Order = BTreeMap<Since, u64>;
type Since = (Timestamp, u64);

#[derive(Debug)]
struct Holder<T> {
    kept: T,
    /// `None` for those that aren't counted by address: a proxy's.
    address: Option<IpAddr>,
    idle_since: Option<Since>,
}

#[derive(Debug, Default)]
struct Address {
    count: usize,
    idle: Order,
}

impl<T> Admissions<T> {
    /// Nobody is in yet.
    pub const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            admitted: BTreeMap::new(),
            idle: Order::new(),
            by_address: BTreeMap::new(),
            leaving: 0,
            next_number: 0,
        }
    }

    /// Lets one more in. One that has been idle for a while makes room for it if need be.
    pub fn admit(&mut self, now: Timestamp, address: Option<IpAddr>, kept: T) -> Admission<T> {
        let mut evicted = Vec::new();
        let admitted = self.make_room(now, address, &mut evicted).map(|()| {
            let id = self.number();
            self.admitted.insert(id, Holder { kept, address, idle_since: None });
            if let Some(address) = address {
                self.by_address.entry(address).or_default().count += 1;
            }
            self.set_idle(now, id);
            id
        });
        Admission { admitted, evicted }
    }

    fn make_room(
        &mut self,
        now: Timestamp,
        address: Option<IpAddr>,
        evicted: &mut Vec<T>,
    ) -> Result<(), Full> {
        let of_address = address.and_then(|address| self.by_address.get(&address));
        if let Some(of_address) = of_address
            && of_address.count >= self.bounds.per_address_max
        {
            let id = self.longest_idle(now, &of_address.idle).ok_or(Full::Address)?;
            evicted.extend(self.evict(id));
        }
        if self.admitted.len() >= self.bounds.all_max {
            let id = self.longest_idle(now, &self.idle).ok_or(Full::Server)?;
            evicted.extend(self.evict(id));
        }
        // What they hold isn't given back yet.
        if self.leaving > self.bounds.leaving_max { Err(Full::Server) } else { Ok(()) }
    }

    fn longest_idle(&self, now: Timestamp, order: &Order) -> Option<u64> {
        let ((since, _), id) = order.first_key_value()?;
        (since.after_ms(self.bounds.makes_room_after_ms) <= now).then_some(*id)
    }

    /// The holder serves somebody: it doesn't have to make room.
    pub fn set_busy(&mut self, id: u64) {
        self.set_since(id, None);
    }

    /// The holder serves nobody from `now` on. One that isn't counted by address never makes room: what it holds,
    /// others ask for.
    pub fn set_idle(&mut self, now: Timestamp, id: u64) {
        let number = self.number();
        self.set_since(id, Some((now, number)));
    }

    /// The holder is gone.
    pub fn leave(&mut self, id: u64) {
        if self.remove(id).is_none() {
            self.leaving -= 1;
        }
    }

    /// Has up to `count` holders make room, whether they have been idle for a while or not.
    pub fn shed(&mut self, count: usize) -> Vec<T> {
        let mut shed = Vec::new();
        while shed.len() < count {
            let Some(id) = self.idle.first_key_value().map(|(_, id)| *id) else { break };
            shed.extend(self.evict(id));
        }
        shed
    }

    /// An address may have so many holders from here on, and those that are exempt aren't counted by address.
    pub fn bound(&mut self, per_address_max: usize, is_exempt: impl Fn(IpAddr) -> bool) {
        self.bounds.per_address_max = per_address_max;
        let is_exempt = |holder: &Holder<T>| holder.address.is_some_and(&is_exempt);
        let exempt: Vec<_> =
            self.admitted.iter().filter(|(_, holder)| is_exempt(holder)).map(|(id, _)| *id).collect();
        for id in exempt {
            self.set_busy(id);
            if let Some(address) = self.admitted.get_mut(&id).and_then(|holder| holder.address.take()) {
                self.forget_one_of(address);
            }
        }
    }

    /// How many are in.
    pub fn count(&self) -> usize {
        self.admitted.len()
    }

    /// Whether nobody is in, and nothing is remembered of anybody.
    pub fn is_empty(&self) -> bool {
        self.admitted.is_empty() && self.idle.is_empty() && self.by_address.is_empty() && self.leaving == 0
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn set_since(&mut self, id: u64, since: Option<Since>) {
        let Some(holder) = self.admitted.get_mut(&id) else { return };
        let since = since.filter(|_| holder.address.is_some());
        let before = core::mem::replace(&mut holder.idle_since, since);
        let of_address = holder.address.and_then(|address| self.by_address.get_mut(&address));
        for order in [Some(&mut self.idle), of_address.map(|of_address| &mut of_address.idle)] {
            let Some(order) = order else { continue };
            if let Some(before) = before {
                order.remove(&before);
            }
            if let Some(since) = since {
                order.insert(since, id);
            }
        }
    }

    fn evict(&mut self, id: u64) -> Option<T> {
        let holder = self.remove(id)?;
        self.leaving += 1;
        Some(holder.kept)
    }

    fn remove(&mut self, id: u64) -> Option<Holder<T>> {
        self.set_busy(id);
        let holder = self.admitted.remove(&id)?;
        if let Some(address) = holder.address {
            self.forget_one_of(address);
        }
        Some(holder)
    }

    fn forget_one_of(&mut self, address: IpAddr) {
        let Some(of_address) = self.by_address.get_mut(&address) else { return };
        of_address.count -= 1;
        if of_address.count == 0 {
            self.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER_MS: u64 = 2_000;

    struct Door {
        admissions: Admissions<&'static str>,
        now: Timestamp,
    }

    impl Door {
        fn new(all_max: usize, per_address_max: usize) -> Self {
            let bounds = Bounds { all_max, per_address_max, leaving_max: 1, makes_room_after_ms: AFTER_MS };
            Self { admissions: Admissions::new(bounds), now: Timestamp(0) }
        }

        fn wait(&mut self) {
            self.now = self.now.after_ms(AFTER_MS);
        }

        fn admit(&mut self, last: u8, name: &'static str) -> Admission<&'static str> {
            self.admissions.admit(self.now, Some([10, 0, 0, last].into()), name)
        }

        #[track_caller]
        fn enter(&mut self, last: u8, name: &'static str, evicted: &[&str]) -> u64 {
            let admission = self.admit(last, name);
            assert_eq!(admission.evicted, evicted);
            admission.admitted.expect("room")
        }
    }

    #[test]
    fn an_address_makes_room_itself_and_who_is_served_does_not() {
        let mut door = Door::new(100, 2);
        let stranger = door.enter(2, "stranger", &[]);
        let (first, second) = (door.enter(1, "first", &[]), door.enter(1, "second", &[]));
        assert_eq!(door.admit(1, "late").admitted, Err(Full::Address), "both have just come");
        door.wait();
        door.admissions.set_busy(first);
        let third = door.enter(1, "third", &["second"]);
        door.admissions.set_busy(third);
        door.wait();
        assert_eq!(door.admit(1, "late").admitted, Err(Full::Address), "both are served");
        door.admissions.set_idle(door.now, first);
        door.wait();
        let fourth = door.admit(1, "fourth");
        assert_eq!((fourth.admitted, fourth.evicted), (Err(Full::Server), ["first"].into()), "two leave");
        for id in [first, second, third, stranger] {
            door.admissions.leave(id);
        }
        assert!(door.admissions.is_empty());
    }

    #[test]
    fn a_full_host_has_the_longest_idle_make_room() {
        let mut door = Door::new(3, 3);
        let all = [door.enter(1, "a", &[]), door.enter(2, "b", &[]), door.enter(3, "c", &[])];
        assert_eq!(door.admit(4, "late").admitted, Err(Full::Server));
        door.admissions.set_busy(all[0]);
        door.wait();
        door.admissions.set_busy(all[1]);
        door.admissions.set_idle(door.now, all[1]);
        door.enter(4, "d", &["c"]);
        door.wait();
        let late = door.admit(5, "late");
        assert_eq!((late.admitted, late.evicted), (Err(Full::Server), ["b"].into()), "two leave");
        door.admissions.leave(all[1]);
        door.enter(5, "e", &[]);
    }

    #[test]
    fn who_is_exempt_is_not_counted_and_makes_no_room() {
        let mut door = Door::new(10, 2);
        door.enter(1, "proxy", &[]);
        door.enter(1, "proxy", &[]);
        door.admissions.bound(2, |ip| ip == IpAddr::from([10, 0, 0, 1]));
        door.enter(2, "stranger", &[]);
        door.enter(2, "stranger", &[]);
        for _ in 0..4 {
            assert!(door.admissions.admit(door.now, None, "proxy").admitted.is_ok());
        }
        door.wait();
        door.enter(2, "late", &["stranger"]);
        assert_eq!(door.admissions.shed(100), ["stranger", "late"]);
        assert_eq!(door.admissions.count(), 6);
    }
}
