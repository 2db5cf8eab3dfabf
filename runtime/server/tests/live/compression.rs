//! Large patches and snapshots are compressed, and nothing else changes.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lightspeed::axum::Router;
use lightspeed::axum::extract::ws::{Message as Sent, WebSocketUpgrade};
use lightspeed::axum::response::Html as Response;
use lightspeed::axum::routing::get;
use lightspeed::{Config, Context, Html, Live, MountError, Runtime, html};
use lightspeed_protocol::PROTOCOL_VERSION;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::limits::OUTBOUND_FRAME_BYTES_MAX;
use lightspeed_testing::Passed;
use lightspeed_testing::native::inflate::{InflateError, inflated};
use lightspeed_testing::native::{Visitor, VisitorConfig};
use tokio_tungstenite::tungstenite::Message;

use crate::common::{TestServer, hello};

const SOON: Duration = Duration::from_secs(30);
const ROWS: usize = 1000;

/// A list that a click fills, and a number.
#[derive(Default)]
struct List<const IS_COMPRESSED: bool> {
    rows: Vec<usize>,
    count: u32,
}

#[derive(Clone, Copy)]
enum Msg {
    Fill,
    Count,
}

impl<const IS_COMPRESSED: bool> Live for List<IS_COMPRESSED> {
    type Msg = Msg;
    type Params = ();

    const IS_COMPRESSED: bool = IS_COMPRESSED;

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Self::Msg>) {
        match msg {
            Msg::Fill => self.rows.extend(0..ROWS),
            Msg::Count => self.count += 1,
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            button #fill onclick=(Msg::Fill) { "fill" }
            button #more onclick=(Msg::Count) { "more" }
            output #count { (self.count) }
            output #rows { (self.rows.len()) }
            p { ("All the rows. ".repeat(20)) }
            ul { @for (key, row) in self.rows.iter().enumerate() { li key=(key) { (format!("Row number {row}")) } } }
        }
    }
}

async fn server(config: Config) -> TestServer {
    let runtime = Runtime::new(config);
    let router = lightspeed::router().runtime(&runtime);
    TestServer::serve(runtime, router.live::<List<true>>("/").live::<List<false>>("/secret").into()).await
}

async fn visitor(server: &TestServer, path: &str, config: VisitorConfig) -> Visitor {
    let visitor = Visitor::open_with(&format!("http://{}{path}", server.addr), config).await.unwrap();
    visitor.wait_connected(SOON).await.unwrap();
    visitor
}

/// Fills the list and counts right behind it.
async fn fill(visitor: &Visitor) {
    visitor.click("fill").unwrap();
    for _ in 0..3 {
        visitor.click("more").unwrap();
    }
    visitor.wait_settled(SOON).await.unwrap();
    visitor
        .wait_until(SOON, |page| page.has_text("count", "3") && page.has_text("rows", "1000"))
        .await
        .unwrap();
    assert_eq!(visitor.html().matches("<li>Row number ").count(), ROWS);
    assert!(visitor.look(|page| page.inflate_errors().is_empty()));
    assert!(visitor.refused().is_empty());
}

fn received(visitor: &Visitor) -> (usize, usize) {
    visitor.look(|page| (page.compressed_count(), page.received_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_patch_is_compressed_and_what_is_behind_it_comes_behind_it() {
    let server = server(Config::default()).await;
    let visitor = visitor(&server, "/", VisitorConfig::default().with_frames()).await;
    fill(&visitor).await;
    assert_eq!(received(&visitor).0, 1);
    let versions = visitor.look(|page| {
        let down = page.frames().iter().filter_map(|(_, frame)| match frame {
            Passed::Down(bytes) => Some(ServerFrame::decode(bytes).unwrap().1),
            Passed::Up(_) => None,
        });
        let versions = down.filter_map(|frame| match frame {
            ServerFrame::Patch { version, .. } => Some(version),
            _ => None,
        });
        versions.collect::<Vec<_>>()
    });
    assert!(versions.is_sorted() && !versions.is_empty(), "{versions:?}");
    let plain = self::visitor(&server, "/", VisitorConfig::default().without_inflate()).await;
    fill(&plain).await;
    let (count, plain_bytes) = received(&plain);
    assert_eq!(count, 0, "it has not said that it can inflate");
    let bytes = received(&visitor).1;
    assert!(bytes * 2 < plain_bytes, "{bytes} bytes of {plain_bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_and_the_component_have_their_say() {
    for (config, path) in [
        (Config::default().without_compression(), "/"),
        (Config::default().with_compressed_bytes_min(1_000_000), "/"),
        (Config::default(), "/secret"),
    ] {
        let server = server(config).await;
        let visitor = visitor(&server, path, VisitorConfig::default()).await;
        fill(&visitor).await;
        assert_eq!(received(&visitor).0, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_cut_in_the_middle_of_it_recovers() {
    let server = server(Config::default()).await;
    let visitor = visitor(&server, "/", VisitorConfig::default()).await;
    for round in 1..=5 {
        visitor.click("fill").unwrap();
        visitor.click("more").unwrap();
        visitor.cut();
        let rows = (round * ROWS).to_string();
        let count = round.to_string();
        visitor
            .wait_until(SOON, |page| page.has_text("rows", &rows) && page.has_text("count", &count))
            .await
            .unwrap();
        assert_eq!(visitor.html().matches("<li>Row number ").count(), round * ROWS);
    }
    visitor.wait_settled(SOON).await.unwrap();
    assert!(visitor.refused().is_empty() && visitor.look(|page| page.inflate_errors().is_empty()));
}

#[tokio::test]
async fn no_token_is_ever_compressed() {
    // All that may be compressed is.
    let server = server(Config::default().with_compressed_bytes_min(0)).await;
    let token = server.token("/").await;
    let url = format!("ws://{}/lightspeed/socket?deflate", server.addr);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let join = ClientFrame::Join { token: &token, mode: 2, applied: 0, settled: 0 };
    for frame in [hello(PROTOCOL_VERSION).encode(0), join.encode(1)] {
        socket.send(Message::Binary(frame.into())).await.unwrap();
    }
    let mut kinds: Vec<(&str, bool)> = Vec::new();
    while kinds.last().is_none_or(|last| last.0 != "snapshot") {
        let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() else { continue };
        let frame = inflated(&bytes).unwrap();
        kinds.push((ServerFrame::decode(&frame).unwrap().1.name(), bytes[0] == 0));
        assert!(kinds.len() < 10, "{kinds:?}");
    }
    kinds.retain(|kind| kind.0 != "template");
    assert_eq!(kinds, [("welcome", false), ("joined", false), ("snapshot", true)]);
}

/// A server that answers every hello with a message of 40 kB that inflates to 32 MiB.
async fn bomber() -> std::net::SocketAddr {
    let page = "<lightspeed-view data-session=\"token\"><p></p></lightspeed-view>\
                <script type=\"module\" src=\"/lightspeed/build/client.js\"></script>";
    let bomb = async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            let _ = socket.recv().await;
            let mut message = vec![0, 0x10, 0, 0];
            message.extend(zeros());
            let _ = socket.send(Sent::Binary(message.into())).await;
            // It is the client that leaves.
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    let app =
        Router::new().route("/", get(async move || Response(page))).route("/lightspeed/socket", get(bomb));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { lightspeed::serve(listener, app).await });
    address
}

/// 32 MiB of zeros, deflated.
fn zeros() -> Vec<u8> {
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    let mut deflated = Vec::with_capacity(64 * 1024);
    let zeros = vec![0; 4 * OUTBOUND_FRAME_BYTES_MAX];
    compress.compress_vec(&zeros, &mut deflated, flate2::FlushCompress::Finish).unwrap();
    deflated
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_costs_its_socket_and_no_room() {
    let visitor = Visitor::open(&format!("http://{}/", bomber().await)).await.unwrap();
    // The client leaves and comes back, as after everything that is no frame.
    visitor.wait_until(SOON, |page| page.inflate_errors().len() >= 2).await.unwrap();
    let errors = visitor.look(|page| page.inflate_errors().to_vec());
    assert_eq!(errors[0], InflateError::More { claimed: 0x10_0000 });
    assert_eq!(errors[0].to_string(), "a compressed frame holds more than the 1048576 bytes that it claims");
    assert_eq!(visitor.look(lightspeed_testing::native::Shown::connected_count), 0);
}
