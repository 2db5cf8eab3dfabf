//! A page to step through a recorded session: the shipping client, over a real socket, is sent what it
//! was sent then, up to the step that is chosen.
//!
//! ```text
//! GET  /KEY/                      the page: slider, buttons, records
//! GET  /KEY/recording             what was recorded, as JSON
//! GET  /KEY/records?from=&count=  records, as JSON
//! PUT  /KEY/views/ID/STEP         where a view is; makes it
//! GET  /KEY/views/ID              the session's first page, for a frame
//! GET  /KEY/client/socket         the client's socket; the view's id is its token
//! ```
//!
//! The key is random: other pages and other people on the machine don't know it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path as UrlPath, Query, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use lightspeed::Assets;
use lightspeed_protocol::frame::{ClientFrame, ServerFrame};
use lightspeed_protocol::recording::Record;
use lightspeed_protocol::{PROTOCOL_VERSION, limits};
use maud::{DOCTYPE, PreEscaped, html};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::error::Error;
use crate::file::{RecordingFile, read_file, version_of};
use crate::summary;
use crate::verify::shown;

/// Views that are kept; the oldest makes room.
const VIEWS_MAX: usize = 16;

/// Records in one answer.
const RECORDS_PER_ANSWER_MAX: usize = 500;

/// Bytes of text that tells of a record.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Nothing but this page's own files.
const PAGE_POLICY: &str =
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What was recorded may hold anything; only the client runs, and nothing is fetched from elsewhere.
const VIEW_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Everything that is served.
struct Stage {
    about: About,
    steps: Vec<Step>,
    html: String,
    style: String,
    assets: Assets,
    /// By the number that a page chose; numbers grow.
    views: Mutex<BTreeMap<u64, watch::Sender<usize>>>,
}

/// What was recorded.
#[derive(Serialize)]
struct About {
    file: String,
    component: String,
    build: String,
    started: String,
    end: String,
    count: usize,
    duration_ms: u64,
    is_redacted: bool,
}

/// A record, as the page shows it.
#[derive(Serialize)]
struct Step {
    at: u64,
    kind: &'static str,
    text: String,
    /// The version that the document is at after it.
    version: u64,
    /// What the client is sent.
    #[serde(skip)]
    frames: Vec<Bytes>,
}

/// Serves until Ctrl-C.
pub(crate) fn serve(
    file: &RecordingFile<'_>,
    port: u16,
    style: Option<&Path>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let style = style.map(read_file).transpose()?.unwrap_or_default();
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::Serve(std::io::Error::other(error)))?;
    let key = random.iter().fold(String::new(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    });
    let stage = Arc::new(Stage::new(file, &key, &style));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Serve)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(Error::Serve)?;
        let port = listener.local_addr().map_err(Error::Serve)?.port();
        writeln!(out, "The session is at http://127.0.0.1:{port}/{key}/ until Ctrl-C.")?;
        out.flush()?;
        lightspeed::Server::new(listener, router(&stage, &key, port)).run().await.map_err(Error::Serve)
    })
}

impl Stage {
    fn new(file: &RecordingFile<'_>, key: &str, style: &[u8]) -> Self {
        let recording = &file.recording;
        let mut version = 0;
        let steps = file.entries().map(|(_, entry)| {
            version = version_of(&entry.record).unwrap_or(version);
            let frames = frames_of(&entry.record);
            Step { at: entry.at.0, kind: entry.record.name(), text: text_of(&entry.record), version, frames }
        });
        let steps: Vec<_> = steps.collect();
        let about = About {
            file: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            component: recording.start.component.to_owned(),
            build: recording.start.build.to_owned(),
            started: recording.start.started.to_owned(),
            end: summary::end(file),
            count: steps.len(),
            duration_ms: steps.last().map_or(0, |step| step.at),
            is_redacted: recording.start.is_redacted,
        };
        Self {
            about,
            steps,
            html: recording.start.html.to_owned(),
            style: String::from_utf8_lossy(style).into_owned(),
            assets: Assets::new(&format!("/{key}/client")),
            views: Mutex::default(),
        }
    }

    fn view(&self, id: u64) -> Option<watch::Receiver<usize>> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.get(&id).map(watch::Sender::subscribe)
    }

    /// Moves a view to a step.
    fn go(&self, id: u64, step: usize) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.entry(id).or_insert_with(|| watch::channel(step).0).send_replace(step);
        while views.len() > VIEWS_MAX {
            views.pop_first();
        }
    }
}

/// What a record tells the client, on the number that the replayed page's only session has.
fn frames_of(record: &Record<'_>) -> Vec<Bytes> {
    let Record::Server { templates, frame } = *record else { return Vec::new() };
    let definitions = Record::template_frames(templates).flatten().map(Bytes::copy_from_slice);
    let frame = ServerFrame::decode(frame).map(|(_, frame)| Bytes::from(frame.encode(1)));
    definitions.chain(frame).collect()
}

fn text_of(record: &Record<'_>) -> String {
    let mut text = match *record {
        Record::Server { templates, frame } => {
            let definitions = Record::template_frames(templates).flatten().map(shown);
            // What a person looks for stands first.
            [shown(frame)].into_iter().chain(definitions).collect()
        }
        Record::Client { frame } => match ClientFrame::decode(frame) {
            Ok((session, frame)) => format!("{session}: {frame}\n"),
            Err(error) => format!("; {error}\n"),
        },
        _ => format!("{record}\n"),
    };
    if text.len() > TEXT_BYTES_MAX {
        let left = text.len() - text.floor_char_boundary(TEXT_BYTES_MAX);
        text.truncate(text.len() - left);
        let _ = writeln!(text, "\n; {left} bytes more");
    }
    text
}

fn router(stage: &Arc<Stage>, key: &str, port: u16) -> Router {
    let at = |path: &str| format!("/{key}{path}");
    let files = Router::new()
        .route(
            &at("/"),
            get(async || page_file("text/html; charset=utf-8", include_str!("../assets/replay.html"))),
        )
        .route(
            &at("/replay.js"),
            get(async || page_file("text/javascript", include_str!("../assets/replay.js"))),
        )
        .route(&at("/replay.css"), get(async || page_file("text/css", include_str!("../assets/replay.css"))))
        .route(&at("/recording"), get(about))
        .route(&at("/records"), get(records))
        .route(&at("/views/{id}"), get(view))
        .route(&at("/views/{id}/{step}"), put(go))
        .route(
            &at("/view.css"),
            get(async |State(stage): State<Arc<Stage>>| page_file("text/css", stage.style.clone())),
        )
        .route(&at("/client/socket"), get(socket))
        .with_state(Arc::clone(stage));
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    Router::new()
        .merge(files)
        .merge(stage.assets.routes())
        .fallback(async || {
            (StatusCode::NOT_FOUND, "There is no such page: use the address that was printed.\n")
        })
        .layer(middleware::from_fn(move |request, next| check_host(hosts.clone(), request, next)))
}

/// A page elsewhere may have its name lead here; its host betrays it.
async fn check_host(hosts: [String; 2], request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| hosts.iter().any(|known| known == host)) {
        return (StatusCode::FORBIDDEN, "Use the address that was printed.\n").into_response();
    }
    next.run(request).await
}

fn page_file(content_type: &'static str, text: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, content_type)], guards(PAGE_POLICY), text).into_response()
}

fn guards(policy: &'static str) -> [(HeaderName, &'static str); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}

async fn about(State(stage): State<Arc<Stage>>) -> Response {
    (guards(PAGE_POLICY), Json(&stage.about)).into_response()
}

#[derive(Deserialize)]
struct Window {
    from: usize,
    count: usize,
}

async fn records(State(stage): State<Arc<Stage>>, Query(window): Query<Window>) -> Response {
    let rest = stage.steps.get(window.from..).unwrap_or_default();
    let steps = &rest[..rest.len().min(window.count).min(RECORDS_PER_ANSWER_MAX)];
    (guards(PAGE_POLICY), Json(steps)).into_response()
}

async fn go(State(stage): State<Arc<Stage>>, UrlPath((id, step)): UrlPath<(u64, usize)>) -> StatusCode {
    stage.go(id, step.min(stage.steps.len()));
    StatusCode::NO_CONTENT
}

/// The page that the session began with.
async fn view(State(stage): State<Arc<Stage>>, UrlPath(id): UrlPath<u64>) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (stage.about.component) }
                style { "body{font:1rem/1.5 system-ui,sans-serif}" }
                link rel="stylesheet" href="../view.css";
                (stage.assets.head())
            }
            body { lightspeed-view data-session=(id) { (PreEscaped(&stage.html)) } }
        }
    };
    let content_type = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (content_type, guards(VIEW_POLICY), page.into_string()).into_response()
}

async fn socket(State(stage): State<Arc<Stage>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(limits::INBOUND_FRAME_BYTES_MAX).on_upgrade(async move |mut socket| {
        // It fails when the view is gone, of which nobody needs to be told.
        let _ = play(&mut socket, &stage).await;
    })
}

/// Speaks as the server did: greets, and sends what was recorded up to the view's step.
async fn play(socket: &mut WebSocket, stage: &Stage) -> Result<(), axum::Error> {
    let mut view: Option<watch::Receiver<usize>> = None;
    let mut sent = 0;
    loop {
        let until = view.as_mut().map_or(0, |view| *view.borrow_and_update());
        for step in stage.steps.get(sent..until).unwrap_or_default() {
            for frame in &step.frames {
                socket.send(Message::Binary(frame.clone())).await?;
            }
        }
        sent = sent.max(until);
        let message = tokio::select! {
            message = socket.recv() => message,
            moved = moved(&mut view) => if moved { continue } else { return Ok(()) },
        };
        let Some(message) = message else { return Ok(()) };
        let Message::Binary(bytes) = message? else { continue };
        match ClientFrame::decode(&bytes) {
            Ok((_, ClientFrame::Hello { .. })) => {
                let build = stage.assets.build();
                let heartbeat_ms = limits::HEARTBEAT_MS;
                let frame = ServerFrame::Welcome {
                    protocol: PROTOCOL_VERSION,
                    build,
                    heartbeat_ms,
                    event_bytes_max: limits::EVENT_BYTES_MAX as u64,
                };
                socket.send(Message::Binary(frame.encode(0).into())).await?;
            }
            Ok((_, ClientFrame::Ping {})) => {
                socket.send(Message::Binary(ServerFrame::Pong {}.encode(0).into())).await?;
            }
            Ok((_, ClientFrame::Join { token, .. })) => {
                view = token.parse().ok().and_then(|id| stage.view(id));
                // A client that has come back knows nothing that it wasn't sent now.
                sent = 0;
            }
            // What a person does to the replayed page changes nothing: what happened has happened.
            _ => {}
        }
    }
}

/// Waits until a view is at another step; false when it is gone.
async fn moved(view: &mut Option<watch::Receiver<usize>>) -> bool {
    match view {
        Some(view) => view.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}
