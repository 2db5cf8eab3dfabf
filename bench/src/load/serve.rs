//! The servers that are loaded. Each is this program again, told by a variable which one to be.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use lightspeed::{Config, Runtime};
use lightspeed_examples::counter::Counter;
use lightspeed_testing::native::{ProcessConfig, ServerProcess};
use tokio::net::TcpListener;

/// Names the server that this program is to be.
const VARIABLE: &str = "LIGHTSPEED_LOAD_SERVES";

/// The socket's buffers, as Lightspeed sets them.
const BUFFER_BYTES: usize = 4096;

/// What serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The counter, kept in memory.
    Lightspeed,
    /// Whatever comes goes back.
    Echo,
}

impl Server {
    /// For a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lightspeed => "lightspeed",
            Self::Echo => "echo",
        }
    }

    /// Starts it as a process of its own.
    ///
    /// # Errors
    ///
    /// When it doesn't serve; for a person.
    pub async fn start(self) -> Result<ServerProcess, String> {
        let program: PathBuf =
            env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
        let config =
            ProcessConfig::default().with_variable(VARIABLE, self.name()).with_variable("RUST_LOG", "error");
        ServerProcess::start_with(program, config).await.map_err(|error| error.to_string())
    }

    /// The server that this process is to be, if it is to be one.
    pub fn wanted() -> Option<Self> {
        let name = env::var(VARIABLE).ok()?;
        [Self::Lightspeed, Self::Echo].into_iter().find(|server| server.name() == name)
    }

    /// Serves until the process is ended.
    ///
    /// # Errors
    ///
    /// When it cannot listen; for a person.
    pub async fn run(self) -> Result<(), String> {
        let told = |error: std::io::Error| error.to_string();
        let address = env::var("LIGHTSPEED_ADDR").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
        let listener = TcpListener::bind(&address).await.map_err(told)?;
        let address = listener.local_addr().map_err(told)?;
        let _ = writeln!(std::io::stdout(), "Serving at http://{address}");
        match self {
            Self::Echo => {
                let router = Router::new().route(
                    "/socket",
                    get(async |upgrade: WebSocketUpgrade| {
                        let upgrade = upgrade.read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
                        upgrade.on_upgrade(echo)
                    }),
                );
                axum::serve(listener, router).await.map_err(told)
            }
            Self::Lightspeed => {
                // All pages come from a few addresses, and click as fast as they can.
                let config = Config::default()
                    .with_sessions_per_ip_max(1_000_000)
                    .with_unattached_max(1_000_000)
                    .with_event_rate(1_000_000, 1_000_000);
                let runtime = Runtime::new(config);
                let router = lightspeed::router().runtime(&runtime).live::<Counter>("/counter");
                lightspeed::serve(listener, router).await.map_err(told)
            }
        }
    }
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}
