//! The program that serves the examples: where it listens, what it stores, what stands around the pages.
//!
//! Settings are variables of the environment:
//!
//! - `LIGHTSPEED_ADDR`: the address to listen on, `127.0.0.1:3000` unless set
//! - `LIGHTSPEED_STORE`: the file in which sessions are stored, so that pages go on when the gallery restarts
//! - `LIGHTSPEED_CONTACTS`, or the first argument: the contacts' database
//! - `LIGHTSPEED_HOSTS`: the names by which the gallery is reached from elsewhere, separated by commas
//! - `LIGHTSPEED_SESSIONS_PER_ADDRESS`: how many sessions one address may have, for measurements
//!
//! Unless set, both files are in a temporary folder that is named by the address.

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router, middleware};
use lightspeed::store::SqliteStore;
use lightspeed::{Config, LiveRouter};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::contacts::Database;
use crate::layout::{self, EXAMPLES};
use crate::{embed, mishap};

/// Nothing inline and nothing from elsewhere; the client is WebAssembly.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/// Serves the gallery until it is told to end; `pages` adds those that are one live component each.
pub async fn main(pages: impl FnOnce(LiveRouter) -> LiveRouter) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match run(pages).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(pages: impl FnOnce(LiveRouter) -> LiveRouter) -> Result<(), String> {
    let address = env::var("LIGHTSPEED_ADDR").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address).await.map_err(|error| {
        let mend = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there: end it, or choose another port",
            _ => "name an address of this machine and a port",
        };
        format!("cannot listen on {address}: {error}\n       {mend}, as in LIGHTSPEED_ADDR=127.0.0.1:3001")
    })?;
    let address = listener.local_addr().map_err(|error| format!("the listener has no address: {error}"))?;
    let database = open_database(address)?;
    let config = open_store(address)?;
    // Whoever started this may read the line from a pipe and may have closed it: neither matters to the pages.
    let _ = writeln!(io::stdout(), "The gallery is at http://{address}");
    let pages = pages(lightspeed::router().config(config.clone()).layout(layout::live));
    lightspeed::serve(listener, app(pages, database, &config))
        .await
        .map_err(|error| format!("signals cannot be listened to: {error}"))
}

fn app(pages: LiveRouter, database: Database, config: &Config) -> Router {
    let sources = EXAMPLES.iter().flat_map(|example| example.sources);
    let sources = sources.fold(Router::new(), |router, (name, text)| {
        router.route(&format!("/source/{name}"), get(async || file("text/plain; charset=utf-8", text)))
    });
    Router::new()
        .route("/", get(async || axum::response::Html(layout::index().into_string())))
        .route(
            "/gallery.css",
            get(async || file("text/css; charset=utf-8", include_str!("../assets/gallery.css"))),
        )
        .route("/gallery.svg", get(async || file("image/svg+xml", include_str!("../assets/gallery.svg"))))
        .fallback(async || (StatusCode::NOT_FOUND, "There is no such page. The gallery is at /.\n"))
        .merge::<Router>(pages.into())
        .merge(sources)
        .merge(embed::app(config.clone()))
        .merge(mishap::app(config.clone()))
        .layer(Extension(database))
        .layer(middleware::map_response(secure))
}

fn file(
    content_type: &'static str,
    text: &'static str,
) -> ([(header::HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, content_type)], text)
}

async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // Pages with live components get it from their runtime, with those who may frame them.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The file that `variable` names, or one in a folder of this address.
fn file_for(variable: &str, address: SocketAddr, name: &str) -> Result<PathBuf, String> {
    if let Some(path) = env::var_os(variable) {
        return Ok(PathBuf::from(path));
    }
    let folder = env::temp_dir().join(format!("lightspeed-gallery-{address}").replace([':', '[', ']'], "-"));
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    // The states of sessions are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|error| {
        format!("cannot make {}: {error}\n       name a file by {variable}", folder.display())
    })?;
    Ok(folder.join(name))
}

/// Settings with a store, and the secret that is kept in it.
fn open_store(address: SocketAddr) -> Result<Config, String> {
    let path = file_for("LIGHTSPEED_STORE", address, "sessions.db")?;
    let store = SqliteStore::open(path).map_err(|error| error.to_string())?;
    let secret = store.secret();
    let config = Config::default()
        .with_secret(secret)
        .with_store(store)
        .with_content_security_policy(CONTENT_SECURITY_POLICY);
    let config = match env::var("LIGHTSPEED_HOSTS") {
        Ok(hosts) => config.with_hosts(hosts.split(',')),
        Err(_) => config,
    };
    let Ok(text) = env::var("LIGHTSPEED_SESSIONS_PER_ADDRESS") else { return Ok(config) };
    let count = text.parse().map_err(|error| {
        format!("LIGHTSPEED_SESSIONS_PER_ADDRESS is {text:?}: {error}\n       set it to a number, as 20000")
    })?;
    Ok(config.with_sessions_per_ip_max(count))
}

fn open_database(address: SocketAddr) -> Result<Database, String> {
    let path = match env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => file_for("LIGHTSPEED_CONTACTS", address, "contacts.db")?,
    };
    Database::open(Some(&path)).map_err(|error| {
        format!(
            "cannot open the contacts in {}: {error}\n       name a file that is a SQLite database or is yet to be made",
            path.display()
        )
    })
}
