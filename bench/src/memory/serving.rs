//! The process that is measured: a counter and a table of rows, over TCP and over streams in memory.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use lightspeed::axum::Router;
use lightspeed::axum::extract::ws::{WebSocket, WebSocketUpgrade};
use lightspeed::axum::routing::any;
use lightspeed::maud::Render as _;
use lightspeed::{Config, Listener, Mounted, Runtime, Server};
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;
use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream, duplex, stdin};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::peer::{Peer, token_of};
use super::visiting::{BARE, Peers, SOCKET, slot_of};
use super::{Held, resident};

/// What a stream in memory holds at most in each direction, in bytes.
const STREAM_BYTES: usize = 64 * 1024;

/// As many as there may be, and as long as it takes.
fn config() -> Config {
    Config::default()
        .with_sessions_max(usize::MAX)
        .with_sockets_max(usize::MAX >> 8)
        .with_unattached_max(usize::MAX)
        .with_sessions_per_ip_max(usize::MAX)
        .with_unattached_ttl(Duration::from_hours(1))
}

/// Serves, and does what its orders say until they end:
///
/// - `held` tells what it holds: `resident allocated pieces`
/// - `mount COUNT` mounts counters that no socket joins
/// - `streams COUNT` makes streams in memory, and sends through them what opens a socket, without a server
/// - `open COUNT` opens sessions of a counter over streams in memory
/// - `click` has each of those click
///
/// # Errors
///
/// When something isn't as it must be.
pub async fn serve(allocated: impl Fn() -> (u64, u64)) -> io::Result<()> {
    let runtime = Runtime::new(config());
    let app: Router =
        lightspeed::router().runtime(&runtime).live::<Counter>("/counter").live::<Rows>("/rows").into();
    let app = app.route(BARE, any(async |upgrade: WebSocketUpgrade| tuned(upgrade).on_upgrade(listen)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let never = std::future::pending::<()>;
    tokio::spawn(Server::new(listener, app.clone()).with_shutdown(never()).run());
    let (streams, accepted) = mpsc::channel(64);
    tokio::spawn(Server::new(InMemory(accepted), app).with_shutdown(never()).run());
    println!("{address}");

    let mut peers = Peers::new(true);
    let (mut kept, mut mounted) = (Vec::new(), Vec::new());
    let mut orders = BufReader::new(stdin()).lines();
    loop {
        let order = tokio::select! {
            order = orders.next_line() => order?,
            () = sleep_until(peers.next_beat()) => {
                peers.beat_if_due().await?;
                continue;
            }
        };
        let Some(order) = order else { return Ok(()) };
        let (verb, count) = order.split_once(' ').unwrap_or((&order, "0"));
        let count: usize = count.parse().map_err(io::Error::other)?;
        match verb {
            "held" => {
                let ((allocated, pieces), resident) = (allocated(), resident()?);
                let Held { resident, allocated, pieces } = Held { resident, allocated, pieces };
                println!("{resident} {allocated} {pieces}");
                continue;
            }
            "mount" => {
                for _ in 0..count {
                    mounted.push(mount(&runtime).await?);
                }
                mounted = Vec::new();
            }
            "streams" => {
                for _ in 0..count {
                    kept.push(used_stream().await?);
                }
            }
            "open" => {
                let open = async |_| {
                    let token = mount(&runtime).await?;
                    let (ours, theirs) = duplex(STREAM_BYTES);
                    streams.send(theirs).await.map_err(io::Error::other)?;
                    let mut peer = Peer::open(ours, SOCKET).await?;
                    peer.join(&token).await?;
                    Ok(peer)
                };
                peers.open(count, open).await?;
            }
            "click" => peers.click(slot_of("/counter")).await?,
            _ => return Err(io::Error::other(format!("no such order: {order}"))),
        }
        println!("done");
    }
}

async fn mount(runtime: &Runtime) -> io::Result<String> {
    let mounted: Mounted =
        runtime.mount::<Counter>(()).await.map_err(|error| io::Error::other(error.to_string()))?;
    let page = mounted.render().into_string();
    token_of(&page).map(str::to_owned).ok_or_else(|| io::Error::other("a page without a session"))
}

/// A stream, through which has passed about what opens a session.
async fn used_stream() -> io::Result<(Peer<DuplexStream>, DuplexStream)> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (ours, mut theirs) = duplex(STREAM_BYTES);
    let answer = async {
        let mut request = [0; 512];
        let _ = theirs.read(&mut request).await?;
        theirs.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await?;
        Ok::<_, io::Error>(theirs)
    };
    let (peer, theirs) = tokio::try_join!(Peer::open(ours, SOCKET), answer)?;
    Ok((peer, theirs))
}

/// With buffers of 4 kB and nothing else: what a socket takes at axum when it is tuned.
fn tuned(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.read_buffer_size(4096).write_buffer_size(4096)
}

async fn listen(mut socket: WebSocket) {
    while let Some(Ok(_)) = socket.recv().await {}
}

/// Connections that are streams in memory.
struct InMemory(mpsc::Receiver<DuplexStream>);

impl Listener for InMemory {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(stream) => Ok((stream, (Ipv4Addr::LOCALHOST, 1).into())),
            None => std::future::pending().await,
        }
    }
}
