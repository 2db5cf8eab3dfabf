//! Serves cases to `browser-fuzz/run.js`: pages with many components each, and what those have heard and look like.
//!
//! # Layout
//!
//! - `pools`, `generate`: a seed to a case
//! - `case`: a case as data, as source, and with some of it left out
//! - `evaluate`, in the crate `lightspeed_templates`: source to templates, by the code of `html!`
//! - `state`: the component that shows a case
//! - here: `/page` mounts cases, `/states` tells what became of them, `/case` what they are

mod case;
mod generate;
mod pools;
#[path = "../../runtime/simulation/src/random.rs"]
mod random;
mod state;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Parser;
use lightspeed::{Config, Runtime};
use maud::Render;
use serde::{Deserialize, Serialize};

use crate::case::{Act, Case, Compiled};
use crate::state::{Heard, Running};

/// Pages that are remembered.
const PAGES_MAX: u64 = 64;

#[derive(Parser)]
struct Arguments {
    /// Where the client lies: `client.js` and `client.wasm`.
    #[arg(long)]
    client: PathBuf,
}

/// What the routes share.
#[derive(Clone)]
struct Server {
    runtime: Runtime,
    client: Arc<PathBuf>,
    pages: Arc<Mutex<Pages>>,
}

#[derive(Default)]
struct Pages {
    next: u64,
    running: BTreeMap<u64, Vec<Running>>,
}

/// Names of cases, one behind the other: a seed, and behind semicolons the edits that make it smaller.
#[derive(Deserialize)]
struct Named {
    cases: String,
}

/// What the driver is told of a case.
#[derive(Serialize)]
struct Plan<'a> {
    name: String,
    knobs: &'a [&'static str],
    acts: &'a [Act],
}

#[derive(Serialize)]
struct Shown {
    html: String,
    heard: Vec<Heard>,
}

/// A case for a person, and for what makes it smaller.
#[derive(Serialize)]
struct Told<'a> {
    source: String,
    values: Vec<String>,
    knobs: &'a [&'static str],
    acts: &'a [Act],
    smaller: Vec<String>,
    /// How many cases of the seed the macro has refused.
    refused: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter("error").with_ansi(false).init();
    let config = Config::default()
        .with_sessions_max(1_000_000)
        .with_unattached_max(1_000_000)
        .with_sessions_per_ip_max(1_000_000)
        .with_event_rate(1_000_000, 1_000_000)
        .with_parked_ttl(Duration::from_secs(1))
        .with_seed(1)
        .without_compression();
    let server =
        Server { runtime: Runtime::new(config), client: Arc::new(arguments.client), pages: Arc::default() };
    let app = Router::new()
        .route("/page", get(page))
        .route("/states/{page}", get(states))
        .route("/case", get(tell))
        .route("/driver.js", get(async || script(include_str!("../page/driver.js"))))
        // Scripts that stand in a page are forbidden to one with live components.
        .route(
            "/begin.js",
            get(async || script("fuzz.begin(JSON.parse(document.getElementById('plans').textContent))")),
        )
        .route("/lightspeed/fuzz/{file}", get(client))
        .merge(server.runtime.router())
        .with_state(server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    lightspeed::serve(listener, app).await
}

/// The case of this name: `12` or `12;-4;^5;!2`, or what the macro says of it.
fn named(name: &str, prefix: &str) -> Result<(Compiled, u64), String> {
    let mut parts = name.split(';');
    let seed = parts.next().and_then(|seed| seed.parse().ok());
    let seed = seed.ok_or_else(|| format!("a case is a seed and edits: {name}"))?;
    let edits: Vec<String> = parts.map(str::to_owned).collect();
    let (compiled, refusals) = generate::compiled(seed, prefix);
    if edits.is_empty() {
        return Ok((compiled, refusals));
    }
    let case: Case = compiled.case.edited(&edits);
    Ok((case.compile()?, refusals))
}

/// A page of cases; one that the macro refuses is left out.
async fn page(State(server): State<Server>, Query(Named { cases }): Query<Named>) -> Response {
    let (mut running, mut plans, mut views) = (Vec::new(), Vec::new(), String::new());
    let mut refusals = 0;
    for (index, name) in cases.split(',').enumerate() {
        // Of its own for each component of the page: a page may show one case many times.
        let Ok((compiled, refused)) = named(name, &format!("p{index}")) else { continue };
        refusals += refused;
        let one = Running::new(Arc::new(compiled));
        match server.runtime.mount::<Running>(one.clone()).await {
            Ok(mounted) => mounted.render_to(&mut views),
            Err(error) => return error.into_response(),
        }
        plans.push(name.to_owned());
        running.push(one);
    }
    let plans: Vec<Plan> = running
        .iter()
        .zip(plans)
        .map(|(one, name)| Plan { name, knobs: &one.compiled.case.knobs, acts: &one.compiled.case.acts })
        .collect();
    let plans = serde_json::to_string(&plans).unwrap_or_default().replace('<', "\\u003c");
    let mut pages = server.pages.lock().unwrap_or_else(PoisonError::into_inner);
    let page = pages.next;
    pages.next += 1;
    pages.running.insert(page, running);
    while pages.running.len() as u64 > PAGES_MAX {
        pages.running.pop_first();
    }
    drop(pages);
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>cases</title>\
         <link rel=\"icon\" href=\"data:,\"><script src=\"/driver.js\"></script>\
         <script type=\"module\" src=\"/lightspeed/fuzz/client.js\"></script></head><body>{views}\
         <script type=\"application/json\" id=\"plans\">{{\"page\":{page},\"refused\":{refusals},\"cases\":{plans}}}</script>\
         <script src=\"/begin.js\"></script></body></html>"
    );
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// What the components of a page have heard and look like.
async fn states(State(server): State<Server>, Path(page): Path<u64>) -> Response {
    let pages = server.pages.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(running) = pages.running.get(&page) else { return StatusCode::NOT_FOUND.into_response() };
    let shown: Vec<Shown> = running
        .iter()
        .map(|one| Shown { html: one.html().to_html(), heard: one.read(|state| state.heard.clone()) })
        .collect();
    Json(shown).into_response()
}

async fn tell(Query(Named { cases }): Query<Named>) -> Response {
    let (compiled, refused) = match named(&cases, "p") {
        Ok(found) => found,
        Err(why) => return (StatusCode::UNPROCESSABLE_ENTITY, why).into_response(),
    };
    let case = &compiled.case;
    let mut values = Vec::new();
    for site in case.sites() {
        if let Some(meaning) = case.meanings.get(&site) {
            let mut line = format!("v{site}: {meaning:?}");
            if let case::Meaning::IsField { field, .. } | case::Meaning::Field(field) = meaning {
                let _ = write!(line, " of {:?}", case.fields.get(field));
            }
            values.push(line);
        }
    }
    let told = Told {
        source: case.to_source(),
        values,
        knobs: &case.knobs,
        acts: &case.acts,
        smaller: case.smaller(),
        refused,
    };
    Json(told).into_response()
}

const fn script(source: &'static str) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], source)
}

/// The client's files, read anew each time: those of a client that was broken on purpose too.
async fn client(State(server): State<Server>, Path(file): Path<String>) -> Response {
    let kind = match file.as_str() {
        "client.js" => "text/javascript; charset=utf-8",
        "client.wasm" => "application/wasm",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match tokio::fs::read(server.client.join(file)).await {
        Ok(bytes) => ([(CONTENT_TYPE, kind)], bytes).into_response(),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}
