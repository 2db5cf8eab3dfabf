//! A server for a whole application: HTTP/1.1 with bounds on patience, and a calm end.
//!
//! - here: connections are accepted and served
//! - [`door`]: how many there may be, and who makes room
//! - [`connection`]: what is waited for, and what is kept, for one of them
//! - [`patience`]: how long that may take

pub(crate) mod connection;
pub(crate) mod door;
mod patience;

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::Version;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tower::Service;

use crate::http::host::{self, HostRefused};
use crate::http::progress::{Counted, Progress};
use crate::http::visit::Visit;
use crate::limits;
use crate::operations::shutdown::{ServerShutdown, Shutdown, ShutdownWatch};
use crate::operations::telemetry::one_line;
use connection::{Connection, Question, Stream};
use door::{Arrival, Door};

/// Serves `app` until the process is told to end by SIGTERM or Ctrl-C; see [`Server`].
///
/// # Errors
///
/// When the signals cannot be listened to.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// lightspeed::serve(listener, lightspeed::router()).await
/// # }
/// ```
pub async fn serve(listener: impl Listener, app: impl Into<Router>) -> io::Result<()> {
    Server::new(listener, app).run().await
}

/// Where a server's connections come from: the system's TCP, or what is put around it or in its place, as TLS
/// or a simulated network.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and who is at its other end. What is abandoned takes none.
    ///
    /// # Errors
    ///
    /// When this one cannot be had. The server asks again: at once when the other side was to blame,
    /// otherwise a second later.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        // Frames are small and each is waited for: none should wait for the next one.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, error = %one_line(&error), "TCP_NODELAY could not be set");
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Err(error) = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(limits::UNSENT_BYTES_MAX) {
            tracing::debug!(%peer, %error, "TCP_NOTSENT_LOWAT could not be set");
        }
        Ok((stream, peer))
    }
}

/// A server.
///
/// Unlike [`axum::serve()`] it sees to pages with live components as
/// [`Runtime::layer`](crate::Runtime::layer) does, gives a client 10 seconds to send a request's head, waits
/// no longer for one that neither sends nor reads, and bounds the connections of an address and those in all,
/// for which it raises the process's limit of open files as far as the system lets it. When it ends it tells
/// live pages to come back later, lets requests finish and waits for both, up to a deadline.
pub struct Server<L = TcpListener> {
    listener: L,
    app: Router,
    until: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    deadline: Duration,
    connections_max: Option<usize>,
}

impl<L: Listener> Server<L> {
    /// A server of `app`: an [`axum::Router`] or a [`LiveRouter`](crate::LiveRouter).
    pub fn new(listener: L, app: impl Into<Router>) -> Self {
        let deadline = Duration::from_secs(10);
        Self { listener, app: app.into(), until: None, deadline, connections_max: None }
    }

    /// Ends when `until` does, instead of on SIGTERM or Ctrl-C.
    pub fn with_shutdown(mut self, until: impl Future<Output = ()> + Send + 'static) -> Self {
        self.until = Some(Box::pin(until));
        self
    }

    /// Sets how long the end may take: 10 seconds.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how many connections there may be: as many as the process may open files, less a sixteenth. At
    /// the bound the one that has asked for nothing for the longest makes room; then further ones are closed.
    /// One address has at most half of them
    /// ([`Config::with_connections_per_ip_max`](crate::Config::with_connections_per_ip_max)).
    pub fn with_connections_max(mut self, connections_max: usize) -> Self {
        self.connections_max = Some(connections_max);
        self
    }

    /// Serves.
    ///
    /// # Errors
    ///
    /// When the signals cannot be listened to.
    pub async fn run(self) -> io::Result<()> {
        let Self { mut listener, app, until, deadline, connections_max } = self;
        let mut until = match until {
            Some(until) => until,
            None => Box::pin(termination()?),
        };
        let shutdown = Shutdown::new();
        let door = Arc::new(Door::new(connections_max));
        loop {
            let (stream, peer) = tokio::select! {
                biased;
                () = &mut until => break,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        recover(&error, &door).await;
                        continue;
                    }
                },
            };
            match door.admit(peer) {
                Ok(admitted) => {
                    let connection = Arc::new(Connection::new(Arc::clone(&door), peer, admitted));
                    tokio::spawn(serve_connection(stream, connection, app.clone(), shutdown.watch()));
                }
                Err(full) => door.refuse(stream, peer, full),
            }
        }
        // Nobody new is let in from here on.
        drop(listener);
        tracing::info!("shutting down");
        shutdown.tell();
        if timeout(deadline, shutdown.all_gone()).await.is_err() {
            tracing::warn!(?deadline, "shut down with connections open: they took too long to end");
        }
        Ok(())
    }
}

impl<L> fmt::Debug for Server<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Waits until the next accept may succeed; not at all when the connection itself had ended.
///
/// Without a free descriptor, connections that ask for nothing are closed.
async fn recover(error: &io::Error, door: &Door) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if door::is_out_of_descriptors(error) {
        let shed = door.shed();
        tracing::error!(%error, shed, "a connection could not be accepted: idle ones are closed");
        let wait = if shed > 0 { Duration::from_millis(10) } else { Duration::from_millis(200) };
        return sleep(wait).await;
    }
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(error = %one_line(&error), "a connection could not be accepted");
        sleep(Duration::from_secs(1)).await;
    }
}

async fn serve_connection<Io>(stream: Io, connection: Arc<Connection>, app: Router, mut watch: ShutdownWatch)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let for_sockets = ServerShutdown(watch.clone());
    let progress = Progress::new();
    let peer = connection.peer;
    let stream = Counted::new(Stream::new(stream, Arc::clone(&connection)), progress.clone());
    let evicted = Arc::downgrade(&connection);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(progress.clone());
        request.extensions_mut().insert(for_sockets.clone());
        request.extensions_mut().insert(Arrival(Arc::downgrade(&connection)));
        let (connection, app) = (Arc::clone(&connection), app.clone());
        connection.set_busy();
        async move {
            let (head, body) = request.into_parts();
            let account = connection.door().account(peer, &head);
            let request = Request::from_parts(head, axum::body::Body::new(Question::new(body)));
            let response = call(app, request).await?;
            Ok::<_, Infallible>(connection.answer(response, account))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits::REQUEST_HEAD_WITHIN);
    builder.max_buf_size(limits::REQUEST_HEAD_BYTES_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let makes_room = async {
        match evicted.upgrade() {
            Some(evicted) => evicted.evicted().await,
            None => std::future::pending().await,
        }
    };
    let result = tokio::select! {
        biased;
        () = watch.told() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
        () = makes_room => {
            tracing::debug!(%peer, "an idle connection makes room for another");
            return;
        }
        result = &mut connection => result,
    };
    if let Err(error) = result {
        tracing::debug!(%peer, error = %one_line(&error), "connection lost");
    }
}

/// What a request has to name, whatever it is for
/// ([RFC 9112, 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
fn check_host(request: &Request) -> Result<(), HostRefused> {
    let host = host::claimed(request.headers(), request.uri())?;
    let is_named = host.is_some() || request.version() < Version::HTTP_11;
    is_named.then_some(()).ok_or(HostRefused::Malformed)
}

async fn call(mut app: Router, request: Request) -> Result<Response, Infallible> {
    if let Err(refused) = check_host(&request) {
        return Ok(refused.into_response());
    }
    poll_fn(|cx| <Router as Service<Request>>::poll_ready(&mut app, cx)).await?;
    Visit::answer(&mut app, request).await
}

/// Listens to the signals at once; the future ends with the first.
#[cfg(unix)]
fn termination() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
fn termination() -> io::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(error = %one_line(&error), "Ctrl-C cannot be listened to");
            std::future::pending().await
        }
    })
}
