use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::advance;

use super::*;

const IDLE: Duration = limits::MAKES_ROOM_AFTER;

fn address(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

#[track_caller]
fn admit(admissions: &Arc<Admissions>, last: u8) -> Admitted {
    admissions.admit(Some(address(last))).expect("room")
}

fn is_evicted(admitted: &Admitted) -> bool {
    admitted.evicted().now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn an_address_makes_room_itself_and_who_is_served_does_not() {
    let admissions = Arc::new(Admissions::new(100, 2));
    let stranger = admit(&admissions, 2);
    let (first, second) = (admit(&admissions, 1), admit(&admissions, 1));
    assert_eq!(admissions.admit(Some(address(1))).err(), Some(Full::Address), "both have just come");
    advance(IDLE).await;
    first.set_busy();
    let third = admit(&admissions, 1);
    assert!(is_evicted(&second) && !is_evicted(&first) && !is_evicted(&stranger));
    third.set_busy();
    advance(IDLE).await;
    assert_eq!(admissions.admit(Some(address(1))).err(), Some(Full::Address), "both are served");
    first.set_idle();
    advance(IDLE).await;
    let fourth = admit(&admissions, 1);
    assert!(is_evicted(&first) && !is_evicted(&stranger));
    drop((first, second, third, fourth, stranger));
    assert!(admissions.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_full_server_has_the_longest_idle_make_room() {
    let admissions = Arc::new(Admissions::new(3, 3));
    let all: Vec<_> = (1..=3).map(|last| admit(&admissions, last)).collect();
    assert_eq!(admissions.admit(Some(address(4))).err(), Some(Full::Server));
    all[0].set_busy();
    advance(IDLE).await;
    all[1].set_busy();
    all[1].set_idle();
    let fourth = admit(&admissions, 4);
    assert!(is_evicted(&all[2]) && !is_evicted(&all[0]) && !is_evicted(&all[1]));
    advance(IDLE).await;
    let late = admissions.admit(Some(address(5))).err();
    assert_eq!(late, Some(Full::Server), "one that was told has to be gone before more come");
    drop((all, fourth));
    admit(&admissions, 5);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_has_no_bound_of_its_own() {
    let admissions = Arc::new(Admissions::new(10, 2));
    let before: Vec<_> = (0..2).map(|_| admit(&admissions, 1)).collect();
    let is_proxy = |ip: IpAddr| ip == address(1);
    admissions.bound(2, is_proxy);
    let strangers: Vec<_> = (0..2).map(|_| admit(&admissions, 2)).collect();
    let after: Vec<_> = (0..4).map(|_| admissions.admit(None).expect("it is exempt")).collect();
    advance(IDLE).await;
    admit(&admissions, 2);
    assert!(is_evicted(&strangers[0]));
    assert!(before.iter().chain(&after).all(|proxy| !is_evicted(proxy)));
}

#[tokio::test(start_paused = true)]
async fn without_descriptors_the_idle_go_at_once() {
    let admissions = Arc::new(Admissions::new(100, 100));
    let all: Vec<_> = (0..5).map(|_| admit(&admissions, 1)).collect();
    all[0].set_busy();
    assert_eq!(admissions.shed(2), 2);
    assert!(!is_evicted(&all[0]) && is_evicted(&all[1]) && is_evicted(&all[2]) && !is_evicted(&all[3]));
    assert_eq!(admissions.shed(10), 2);
    assert_eq!(admissions.count(), 1);
}
