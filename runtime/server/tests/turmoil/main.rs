//! The whole stack on a simulated network: axum, hyper, tungstenite, ractor and the client's machine.
//!
//! [`turmoil`] loses and delays segments, and sends none again: what is lost leaves a connection behind
//! that delivers nothing more, and that both ends have to find out about by its silence.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod counter;
mod store;
mod world;

use std::time::Duration;

use counter::{DURABLY, REMOUNT, RESUME};
use lightspeed_interpreter::LinkState;
use tokio::time::sleep;
use world::{Page, SERVER, Setup, World};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// One page lives through `script`.
fn simulate(path: &'static str, script: impl AsyncFnOnce(&Page) + 'static) {
    let mut world = World::new(&Setup::default());
    world.visit("ada", path, script);
    world.run();
}

#[test]
fn every_click_counts_on_a_network_that_works() {
    simulate(RESUME, async |page| {
        page.click_for(secs(10)).await;
        assert_eq!(page.clicks(), 400);
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (1, 1));
    });
}

/// Segments overtake each other, by up to two seconds.
#[test]
fn every_click_counts_on_a_slow_network() {
    let mut world = World::new(&Setup { latency_max: secs(2), ..Setup::default() });
    world.visit("ada", RESUME, async |page| {
        page.click_for(secs(20)).await;
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (1, 1));
    });
    world.run();
}

#[test]
fn a_page_that_nobody_touches_stays_connected() {
    simulate(RESUME, async |page| {
        sleep(secs(120)).await;
        assert_eq!((page.connected_count(), page.stats().parked), (1, 0));
        page.click_for(secs(1)).await;
        page.counts_exactly().await;
    });
}

#[test]
fn both_ends_find_out_about_a_dead_connection_by_its_silence() {
    simulate(RESUME, async |page| {
        page.click_for(ms(100)).await;
        page.settled().await;
        turmoil::partition(SERVER, "ada");
        sleep(secs(14)).await;
        assert_eq!((page.visitor.state(), page.stats().parked), (LinkState::Connected, 0));
        sleep(secs(17)).await;
        assert_eq!((page.visitor.state(), page.stats().parked), (LinkState::Disconnected, 1));
        turmoil::repair(SERVER, "ada");
        page.connected_again(2).await;
        page.click_for(secs(1)).await;
        page.counts_exactly().await;
        assert_eq!(page.mount_count(), 1);
    });
}

#[test]
fn a_partition_loses_no_click() {
    simulate(RESUME, async |page| {
        page.click_for(secs(2)).await;
        turmoil::partition(SERVER, "ada");
        page.click_for(secs(2)).await;
        turmoil::repair(SERVER, "ada");
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (2, 1));
    });
}

#[test]
fn a_long_partition_loses_no_click() {
    simulate(RESUME, async |page| {
        page.click_for(secs(2)).await;
        turmoil::partition(SERVER, "ada");
        page.click_for(secs(60)).await;
        turmoil::repair(SERVER, "ada");
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (2, 1));
    });
}

/// What the page sends is handled, and it never hears of that: it sends it again.
#[test]
fn no_click_counts_twice_when_only_the_answers_are_lost() {
    simulate(RESUME, async |page| {
        page.click_for(secs(2)).await;
        page.settled().await;
        turmoil::partition_oneway(SERVER, "ada");
        page.click_for(secs(5)).await;
        assert!(page.visitor.unsettled_count() >= 100, "{} clicks", page.visitor.unsettled_count());
        sleep(secs(35)).await;
        turmoil::repair_oneway(SERVER, "ada");
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (2, 1));
    });
}

#[test]
fn no_click_is_lost_when_only_the_way_to_the_server_is() {
    simulate(RESUME, async |page| {
        page.click_for(secs(2)).await;
        page.settled().await;
        turmoil::partition_oneway("ada", SERVER);
        page.click_for(secs(5)).await;
        assert!(page.visitor.unsettled_count() >= 100, "{} clicks", page.visitor.unsettled_count());
        sleep(secs(35)).await;
        turmoil::repair_oneway("ada", SERVER);
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (2, 1));
    });
}

#[test]
fn what_is_held_back_arrives_and_costs_no_connection() {
    simulate(RESUME, async |page| {
        page.click_for(secs(2)).await;
        turmoil::hold(SERVER, "ada");
        page.click_for(secs(5)).await;
        assert!(page.visitor.unsettled_count() >= 100, "{} clicks", page.visitor.unsettled_count());
        turmoil::release(SERVER, "ada");
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (1, 1));
    });
}

/// The old connection's segments are still under way when the page has opened the next.
#[test]
fn no_click_counts_twice_when_the_old_connection_still_delivers() {
    simulate(RESUME, async |page| {
        for round in 0..5 {
            page.click_for(ms(500)).await;
            turmoil::hold(SERVER, "ada");
            page.click_for(secs(1)).await;
            page.visitor.cut();
            page.click_for(secs(1)).await;
            turmoil::release(SERVER, "ada");
            page.connected_again(round + 2).await;
        }
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (6, 1));
    });
}

/// With its document the page sends again what isn't acknowledged, though some of it was handled. What was
/// made before it asked comes to the server before that, and counts; until the document is there, nothing can
/// be clicked.
#[test]
fn a_click_counts_once_when_the_page_asks_for_its_document() {
    let mut world = World::new(&Setup { latency_max: ms(500), ..Setup::default() });
    world.visit("ada", RESUME, async |page| {
        for _ in 0..10 {
            page.click_for(secs(1)).await;
            assert!(page.visitor.unsettled_count() > 0);
            page.visitor.break_documents();
        }
        page.settled().await;
        assert!((10..300).contains(&page.clicks()), "{}", page.clicks());
        assert!(page.visitor.refused().is_empty(), "{:?}", page.visitor.refused());
        page.counts_exactly().await;
        assert_eq!((page.connected_count(), page.mount_count()), (1, 1));
    });
    world.run();
}

#[test]
fn every_click_counts_on_a_network_that_breaks_again_and_again() {
    let mut world =
        World::new(&Setup { latency_max: ms(500), fail_rate: 0.002, repair_rate: 0.2, ..Setup::default() });
    world.visit("ada", DURABLY, async |page| {
        page.click_for(secs(90)).await;
        page.counts_exactly().await;
        assert!(page.connected_count() >= 3, "{}", page.connected_count());
    });
    world.run();
}

#[test]
fn a_durable_counter_is_exact_however_often_its_server_is_killed() {
    let mut world = World::new(&Setup::default());
    world.visit("ada", DURABLY, async |page| {
        for round in 0..8 {
            page.click_for(ms(400 + 13 * round)).await;
            page.kill_server().await;
            page.click_for(ms(100 + 211 * round)).await;
            page.start_server().await;
        }
        page.counts_exactly().await;
        assert!(page.connected_count() > 4, "{}", page.connected_count());
    });
    world.visit("ben", DURABLY, async |page| {
        page.click_for(secs(15)).await;
        page.counts_exactly().await;
    });
    let trace = world.run();
    assert!(trace.matches("transition=\"restored\"").count() >= 8, "{trace}");
}

/// The server's end is not told to its peers.
#[test]
fn a_durable_counter_is_exact_when_its_server_loses_power() {
    simulate(DURABLY, async |page| {
        for _ in 0..3 {
            page.click_for(secs(1)).await;
            turmoil::partition(SERVER, "ada");
            page.kill_server().await;
            turmoil::repair(SERVER, "ada");
            page.click_for(secs(1)).await;
            page.start_server().await;
        }
        page.click_for(secs(1)).await;
        page.counts_exactly().await;
        assert_eq!(page.connected_count(), 4);
    });
}

#[test]
fn a_server_that_is_told_to_end_hands_its_sessions_over() {
    let mut world = World::new(&Setup::default());
    world.visit("ada", DURABLY, async |page| {
        page.click_for(secs(2)).await;
        page.stop_server().await;
        page.click_for(secs(1)).await;
        page.start_server().await;
        page.click_for(secs(1)).await;
        page.counts_exactly().await;
        assert_eq!(page.connected_count(), 2);
    });
    for name in ["ben", "cleo", "dan"] {
        world.visit(name, DURABLY, async |page| {
            page.click_for(secs(14)).await;
            page.counts_exactly().await;
            assert_eq!(page.connected_count(), 2);
        });
    }
    let trace = world.run();
    assert!(trace.contains("transition=\"drained\" sessions=0"), "{trace}");
}

#[test]
fn a_resumed_counter_starts_over_when_its_server_is_killed() {
    simulate(RESUME, async |page| {
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
        page.kill_server().await;
        sleep(secs(3)).await;
        page.start_server().await;
        page.connected_again(2).await;
        page.started_over().await;
        assert_eq!(page.mount_count(), 2);
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
    });
}

/// What was under way is refused, and not done by the session that comes after.
#[test]
fn clicks_that_nobody_has_heard_of_are_refused_when_a_resumed_counter_starts_over() {
    simulate(RESUME, async |page| {
        page.kill_server().await;
        page.click_for(secs(1)).await;
        page.start_server().await;
        page.connected_again(2).await;
        page.settled().await;
        assert_eq!(page.visitor.refused().len() as u64, page.clicks());
        page.started_over().await;
    });
}

#[test]
fn a_remounted_counter_starts_over_when_its_connection_is_lost() {
    simulate(REMOUNT, async |page| {
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
        turmoil::partition(SERVER, "ada");
        sleep(secs(31)).await;
        turmoil::repair(SERVER, "ada");
        page.connected_again(2).await;
        page.started_over().await;
        assert_eq!((page.mount_count(), page.stats().sessions), (2, 1));
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
    });
}

/// Two pages, one that loses its connection again and again, two kinds of partition, and a server that is killed.
fn eventful(seed: u64) -> String {
    let mut world = World::new(&Setup { seed, ..Setup::default() });
    world.visit("ada", DURABLY, async |page| {
        page.click_for(secs(1)).await;
        turmoil::partition_oneway(SERVER, "ada");
        page.click_for(secs(1)).await;
        turmoil::repair_oneway(SERVER, "ada");
        for _ in 0..20 {
            page.visitor.cut();
            page.click_for(ms(150)).await;
        }
        page.kill_server().await;
        page.click_for(secs(1)).await;
        page.start_server().await;
        page.click_for(secs(1)).await;
        page.counts_exactly().await;
    });
    world.visit("ben", DURABLY, async |page| {
        page.click_for(secs(2)).await;
        turmoil::hold(SERVER, "ben");
        page.click_for(secs(2)).await;
        turmoil::release(SERVER, "ben");
        page.click_for(secs(2)).await;
        page.counts_exactly().await;
    });
    world.run()
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let mut last = String::new();
    for seed in 1..=8 {
        let (first, second) = (eventful(seed), eventful(seed));
        for (line, (first, second)) in first.lines().zip(second.lines()).enumerate() {
            assert_eq!(first, second, "seed {seed}, line {}", line + 1);
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
        assert!(first.lines().count() > 500, "{first}");
        assert_ne!(first, last, "seed {seed} and the one before");
        last = first;
    }
}
