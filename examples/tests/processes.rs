//! The gallery as a process that is killed and cut off, and visitors who come back by themselves.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::time::Duration;

use lightspeed_interpreter::LinkState;
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
async fn a_click_on_a_cut_socket_counts_once_or_is_known_as_refused() {
    let gallery = gallery().await;
    let visitor = visitor(&gallery, "/counter").await;
    // Taken while earlier ones are answered, so that many are under way in both directions.
    visitor.click_times("inc", 600, WITHIN).await.unwrap();
    visitor.cut();
    visitor.click_times("inc", 400, WITHIN).await.unwrap();
    visitor.wait_settled(WITHIN).await.unwrap();
    let counted = 1000 - visitor.refused().len();
    sees(&visitor, "count", &counted.to_string()).await;
    assert_eq!(visitor.look(Shown::connected_count), 2, "the page was cut off and came back");
}

#[tokio::test]
async fn a_page_comes_back_to_a_server_that_was_killed() {
    let mut gallery = gallery().await;
    let visitor = visitor(&gallery, "/counter").await;
    visitor.click_times("inc", 3, WITHIN).await.unwrap();
    sees(&visitor, "count", "3").await;
    gallery.kill().await.unwrap();
    gallery.restart().await.unwrap();
    // Sessions end with their process.
    sees(&visitor, "count", "0").await;
    visitor.wait_connected(WITHIN).await.unwrap();
    visitor.click_times("inc", 2, WITHIN).await.unwrap();
    sees(&visitor, "count", "2").await;
    assert!(visitor.look(|page| page.failures().is_empty()));
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

#[tokio::test]
async fn pages_come_back_from_a_rolling_restart_behind_a_proxy() {
    let config = ProcessConfig::default();
    let mut fleet = Fleet::start(Path::new(GALLERY), 2, &config, Balance::Source).await.unwrap();
    let visitor = Visitor::open(&fleet.url("/counter")).await.unwrap();
    visitor.wait_connected(WITHIN).await.unwrap();
    fleet.roll(WITHIN).await.unwrap();
    // Whichever server it was on has ended.
    visitor.wait_until(WITHIN, |page| page.connected_count() > 1).await.unwrap();
    // The news of the last restart may be under way still, and a click before it is refused.
    while visitor.look(|page| page.has_text("count", "0")) {
        visitor.click_times("inc", 1, WITHIN).await.unwrap();
        let is_settled = |page: &Shown| page.unsettled_count() == 0 && page.state() == LinkState::Connected;
        visitor.wait_until(WITHIN, is_settled).await.unwrap();
    }
}
