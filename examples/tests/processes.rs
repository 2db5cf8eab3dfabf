//! The gallery as a process that is killed and cut off, and visitors who come back by themselves.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::time::Duration;

use lightspeed_testing::native::{Balance, Fleet, NotTaken, ProcessConfig, ServerProcess, Shown, Visitor};

const GALLERY: &str = env!("CARGO_BIN_EXE_gallery");

/// What takes longer does not happen.
const WITHIN: Duration = Duration::from_mins(1);

async fn gallery() -> ServerProcess {
    ServerProcess::start(GALLERY).await.unwrap()
}

/// A visitor of a page who has been connected.
async fn visitor(gallery: &ServerProcess, path: &str) -> Visitor {
    let visitor = Visitor::open(&gallery.url(path)).await.unwrap();
    visitor.wait_connected(WITHIN).await.unwrap();
    visitor
}

async fn sees(visitor: &Visitor, id: &str, text: &str) {
    visitor.wait_until(WITHIN, |page| page.has_text(id, text)).await.unwrap();
}

#[tokio::test]
async fn a_hundred_clicks_count_a_hundred() {
    let gallery = gallery().await;
    let visitor = visitor(&gallery, "/counter").await;
    visitor.click_times("inc", 100, WITHIN).await.unwrap();
    sees(&visitor, "count", "100").await;
    visitor.wait_settled(WITHIN).await.unwrap();
    assert!(visitor.refused().is_empty());
    visitor.close().await;
}

#[tokio::test]
async fn a_page_with_two_sessions_has_two_documents() {
    let gallery = gallery().await;
    let visitor = visitor(&gallery, "/embed").await;
    let html = visitor.html();
    assert!(html.contains("class=\"poll\"") && html.contains("class=\"cart\""), "{html}");
    let nowhere = visitor.click("inc").unwrap_err();
    assert_eq!(nowhere, NotTaken::NoHandler { id: "inc".into(), event: "click" });
}

#[tokio::test]
async fn a_person_types_and_submits() {
    let gallery = gallery().await;
    let visitor = visitor(&gallery, "/contacts").await;
    visitor.submit("new-contact", &[("name", "Ada Byron"), ("email", "byron@example.com")]).unwrap();
    sees(&visitor, "notice", "Ada Byron is in the list.").await;
    visitor.input("search", "byron@").unwrap();
    visitor.wait_until(WITHIN, |page| page.html().matches("<li ").count() == 1).await.unwrap();
    assert!(visitor.html().contains("mailto:byron@example.com"));
}

#[tokio::test]
async fn every_click_counts_once_however_often_the_socket_is_cut() {
    let gallery = gallery().await;
    let visitor = visitor(&gallery, "/counter").await;
    for _ in 0..10 {
        // Taken while earlier ones are answered, so that many are under way in both directions.
        visitor.click_times("inc", 100, WITHIN).await.unwrap();
        visitor.cut();
    }
    visitor.wait_settled(WITHIN).await.unwrap();
    sees(&visitor, "count", "1000").await;
    assert_eq!(visitor.refused(), []);
}

/// How often servers are killed: five times, or as often as `ROUNDS` says.
fn rounds() -> u64 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_counter_is_exact_however_often_its_server_is_killed() {
    const CLICKS: usize = 10_000;
    let mut gallery = gallery().await;
    let visitor = visitor(&gallery, "/counter").await;
    let round_count = usize::try_from(rounds()).unwrap();
    let mut clicked = 0;
    for round in 0..round_count {
        let count = (CLICKS - clicked) / (round_count - round);
        clicked += count;
        // Some kills hit before anything is handled, some amid the clicks, some after the last one.
        let pause = Duration::from_millis((round as u64 * 7) % 13);
        let killing = async {
            tokio::time::sleep(pause).await;
            gallery.kill().await.unwrap();
            gallery.restart().await.unwrap();
        };
        let clicking = async { visitor.click_times("inc", count, WITHIN).await.unwrap() };
        tokio::join!(clicking, killing);
    }
    visitor.wait_settled(WITHIN).await.unwrap();
    sees(&visitor, "count", &CLICKS.to_string()).await;
    assert_eq!((clicked, visitor.refused()), (CLICKS, Vec::new()));
    assert!(visitor.look(|page| page.failures().is_empty()));
    println!("{CLICKS} clicks, {round_count} kills: the count is exact");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_while_the_server_is_killed_arrives() {
    let mut gallery = gallery().await;
    let visitor = visitor(&gallery, "/contacts").await;
    for round in 0..rounds() {
        let text = format!("nobody of that name {round}");
        let typing = async {
            for end in (1..=text.len()).filter(|end| text.is_char_boundary(*end)) {
                visitor.input("search", &text[..end]).unwrap();
            }
            visitor.wait_settled(WITHIN).await.unwrap();
        };
        let killing = async {
            gallery.kill().await.unwrap();
            gallery.restart().await.unwrap();
        };
        tokio::join!(typing, killing);
        let value = format!("value=\"{text}\"");
        visitor.wait_until(WITHIN, |page| page.html().contains(&value)).await.unwrap();
    }
    assert_eq!(visitor.refused(), []);
    // A page that is opened now is another session; this one's state is what the server has.
    visitor.submit("new-contact", &[("name", "Ada Byron"), ("email", "ada@example.com")]).unwrap();
    sees(&visitor, "notice", "Ada Byron is in the list.").await;
}

/// The rows are stored every 20 events: a kill undoes no more of them than arrived since, and what waits for
/// the store meanwhile.
#[tokio::test]
async fn a_killed_server_takes_back_no_more_than_its_policy_says() {
    let mut gallery = gallery().await;
    let visitor = visitor(&gallery, "/rows").await;
    let rows = |page: &Shown| u64::try_from(page.html().matches("<tr").count()).unwrap();
    for round in 1..=rounds() {
        let before = visitor.look(rows);
        for step in 1..=2 * (1 + round % 3) {
            visitor.click("add").unwrap();
            visitor.wait_until(WITHIN, |page| rows(page) == before + 1_000 * step).await.unwrap();
        }
        let shown = visitor.look(rows);
        gallery.kill().await.unwrap();
        gallery.restart().await.unwrap();
        visitor.wait_until(WITHIN, |page| page.connected_count() > round).await.unwrap();
        let kept = visitor.look(rows);
        assert!(kept <= shown && shown - kept <= 20 * 1_000, "{kept} rows of {shown}");
        // A moment later everything is stored.
        visitor.click("clear").unwrap();
        visitor.wait_until(WITHIN, |page| rows(page) == 0).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_says_goodbye_and_ends_well() {
    let mut gallery = gallery().await;
    let visitor = visitor(&gallery, "/counter").await;
    let status = gallery.terminate(WITHIN).await.unwrap();
    assert!(status.success(), "{status}: {}", gallery.log());
    assert!(gallery.log().contains("shutting down"));
    gallery.restart().await.unwrap();
    visitor.wait_until(WITHIN, |page| page.connected_count() == 2).await.unwrap();
    assert!(gallery.memory_peak_bytes().unwrap() > 1 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_behind_a_proxy_loses_no_click() {
    let folder = tempfile::tempdir().unwrap();
    let config = ProcessConfig::default()
        .with_variable("LIGHTSPEED_STORE", folder.path().join("sessions.db"))
        .with_variable("LIGHTSPEED_CONTACTS", folder.path().join("contacts.db"));
    let mut fleet = Fleet::start(Path::new(GALLERY), 2, &config, Balance::Source).await.unwrap();
    let mut visitors = Vec::new();
    for _ in 0..8 {
        let visitor = Visitor::open(&fleet.url("/counter")).await.unwrap();
        visitor.wait_connected(WITHIN).await.unwrap();
        visitors.push(visitor);
    }
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let clicks = futures_util::future::join_all(visitors.iter().map(async |visitor| {
        let mut clicks = 0;
        while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
            if visitor.click("inc").is_ok() {
                clicks += 1;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        clicks
    }));
    let rolling = async {
        for _ in 0..3 {
            fleet.roll(WITHIN).await.unwrap();
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (clicks, ()) = tokio::join!(clicks, rolling);
    for (visitor, clicks) in visitors.iter().zip(clicks) {
        visitor.wait_settled(WITHIN).await.unwrap();
        sees(visitor, "count", &clicks.to_string()).await;
        assert_eq!(visitor.refused(), []);
        assert!(clicks > 50, "{clicks} clicks are no load");
    }
}
