//! What a person may do, and what an author may write by mistake: none of it ends more than it is about.

use lightspeed::{Config, Context, Form, Html, Live, MountError, Runtime, html};
use lightspeed_protocol::close::{CloseReason, RefusalReason};
use lightspeed_protocol::frame::ClientFrame;
use lightspeed_protocol::limits;
use lightspeed_protocol::msgpack::Payload;

use crate::common::{Client, Log, TestServer};

/// Fields of several kinds in one element that has the handler, and as many elements within each other as it is told.
struct Page {
    said: String,
    levels: usize,
}

#[derive(Clone)]
enum Msg {
    Text(String),
    Order(Form<Order>),
    Nest(usize),
    Wait,
    Never,
}

#[derive(Clone, serde::Deserialize)]
struct Order {
    count: i32,
}

impl Live for Page {
    type Msg = Msg;
    type Params = axum::extract::Path<usize>;

    async fn mount(levels: Self::Params, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self { said: String::new(), levels: levels.0 })
    }

    fn update(&mut self, msg: Msg, cx: &mut Context<Self::Msg>) {
        match msg {
            Msg::Text(text) => self.said = text.len().to_string(),
            Msg::Order(form) => {
                self.said = match form.value {
                    Ok(order) => order.count.to_string(),
                    Err(errors) => errors.to_string(),
                }
            }
            Msg::Nest(levels) => self.levels = levels,
            Msg::Wait => {
                for _ in 0..40 {
                    cx.perform(std::future::pending(), |()| Msg::Never);
                }
            }
            Msg::Never => {}
        }
    }

    fn render(&self) -> Html<Msg> {
        let nested = (0..self.levels).fold(html! { "in" }, |html, _| html! { div { (html) } });
        html! {
            fieldset oninput=(Msg::Text) { input; input type="checkbox"; }
            form onsubmit=(Msg::Order) { input name="count" type="number"; }
            button onclick=(Msg::Nest(200)) {}
            button onclick=(Msg::Wait) {}
            p { (self.said) }
            (nested)
        }
    }
}

const TEXT: u32 = 0;
const ORDER: u32 = 1;
const NEST: u32 = 2;
const WAIT: u32 = 3;

async fn server(config: Config) -> TestServer {
    let runtime = Runtime::new(config);
    let app = lightspeed::router().runtime(&runtime).live::<Page>("/{levels}").into();
    TestServer::serve(runtime, app).await
}

async fn joined(server: &TestServer) -> Client {
    let mut client = server.hello().await;
    client.adopt(1, &server.token("/0").await).await;
    client
}

/// An event of the page: what it leads to.
async fn event(client: &mut Client, seq: u64, slot: u32, payload: Payload<'_>) -> crate::common::Frame {
    client.send(1, &ClientFrame::Event { ack: 0, seq, behind: 0, instance: 1, slot, payload }).await;
    loop {
        let frame = client.frame().await;
        if frame.kind != "ack" {
            return frame;
        }
    }
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_refused_and_its_author_told() {
    let (log, _guard) = Log::start();
    let server = server(Config::default()).await;
    let mut client = joined(&server).await;
    let misfits = [
        (TEXT, Payload::Flag(true), "true or false", "a text"),
        (TEXT, Payload::None, "nothing", "a text"),
        (TEXT, Payload::Number(5), "a number", "a text"),
        (ORDER, Payload::Flag(false), "true or false", "a form's fields"),
        (ORDER, Payload::Text("Ada"), "a text", "a form's fields"),
    ];
    for ((slot, payload, received, expected), seq) in misfits.into_iter().zip(1..) {
        let frame = event(&mut client, seq, slot, payload).await;
        assert_eq!(frame.refused, Some((seq, RefusalReason::Unfit)), "{frame:?}");
        assert_eq!(frame.message, "What was entered is not what this part of the page takes.");
        let lines = log.lines("transition=\"unfit\"");
        let line = lines.last().unwrap();
        for part in ["Page", "honest.rs:", received, expected, "Put the handler on the field itself"] {
            assert!(line.contains(part), "{line}");
        }
        assert_eq!(lines.len() as u64, seq);
    }
    // What doesn't decode is the component's to say, and the session is there to say it.
    assert!(event(&mut client, 6, ORDER, Payload::Text("count=lots")).await.program.contains("count: "));
    assert_eq!(event(&mut client, 7, TEXT, Payload::Text("Ada")).await.kind, "patch");
    assert!(log.lines("socket closed").is_empty() && log.lines("session closed").is_empty());
}

#[tokio::test]
async fn an_event_arrives_up_to_the_size_that_the_operator_says() {
    let (log, _guard) = Log::start();
    let server = server(Config::default()).await;
    let mut client = joined(&server).await;
    // What a textarea of 30,000 umlauts and one of 100,000 letters are, URL-encoded; and the largest there may be.
    for (length, seq) in [180_000, 100_000, limits::EVENT_BYTES_MAX - 5].into_iter().zip(1..) {
        let frame = event(&mut client, seq, TEXT, Payload::Text(&"x".repeat(length))).await;
        assert_eq!(frame.kind, "patch", "{length}: {frame:?}");
    }
    let huge = "x".repeat(limits::EVENT_BYTES_MAX + limits::FRAME_HEAD_BYTES_MAX);
    let payload = Payload::Text(&huge);
    let event = ClientFrame::Event { ack: 0, seq: 4, behind: 0, instance: 1, slot: TEXT, payload };
    client.send(1, &event).await;
    client.ended(CloseReason::FrameTooLarge).await;
    assert_eq!(log.lines("frame-too-large").len(), 1);

    let server = self::server(Config::default().with_event_bytes_max(2 << 20)).await;
    let mut client = joined(&server).await;
    let frame = self::event(&mut client, 1, TEXT, Payload::Text(&"x".repeat(2_000_000))).await;
    assert_eq!(frame.kind, "patch");
}

/// 128 within each other work; more than that is an error that says which component, where, and what to do instead.
#[tokio::test]
async fn depth_is_bounded_and_a_deeper_page_is_an_error_with_a_name() {
    let (log, _guard) = Log::start();
    let server = server(Config::default()).await;
    for levels in [100, 127] {
        assert_eq!(server.get(&format!("/{levels}")).await.status(), 200, "{levels}");
        let mut client = server.hello().await;
        client.adopt(1, &server.token(&format!("/{levels}")).await).await;
    }
    for levels in [128, 3_000, 100_000] {
        let before = log.lines("levels deep").len();
        let response = server.get(&format!("/{levels}")).await;
        assert_eq!(response.status(), 500, "{levels}");
        let lines = log.lines("levels deep");
        assert!(lines.len() > before, "{levels}");
        let line = lines.last().unwrap();
        assert!(line.contains("Page") && line.contains("128") && line.contains("honest.rs"), "{line}");
    }
    let mut client = joined(&server).await;
    client
        .send(
            1,
            &ClientFrame::Event {
                ack: 0,
                seq: 1,
                behind: 0,
                instance: 1,
                slot: NEST,
                payload: Payload::None,
            },
        )
        .await;
    client.closed(1, CloseReason::ComponentFailed).await;
    let lines = log.lines("component-failed");
    assert!(lines[0].contains("Page") && lines[0].contains("levels deep"), "{lines:?}");
    assert_eq!(server.get("/1").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_wait_for_long_are_told_of_once() {
    let (log, _guard) = Log::start();
    let server = server(Config::default()).await;
    let mut client = joined(&server).await;
    client
        .send(
            1,
            &ClientFrame::Event {
                ack: 0,
                seq: 1,
                behind: 0,
                instance: 1,
                slot: WAIT,
                payload: Payload::None,
            },
        )
        .await;
    for _ in 0..12 {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        client.send(0, &ClientFrame::Ping {}).await;
    }
    let lines = log.lines("transition=\"tasks-wait\"");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("Page") && lines[0].contains("running=32") && lines[0].contains("waiting=8"),
        "{lines:?}"
    );
}
