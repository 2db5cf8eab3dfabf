//! Many peers: opened, made to click, and kept alive in between.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use super::peer::{Peer, fetch_token};

/// What happens at a time.
const AT_ONCE: usize = 64;

/// Peers that are seen to between two looks at the clock.
const CHUNK: usize = 1_000;

/// How often a peer says that it is there.
pub const BEAT_EVERY: Duration = Duration::from_secs(10);

/// Addresses that peers come from: each has about 28,000 ports, and a fetched page rests on one for a while.
const SOURCES: usize = 16;

/// The path of the socket without sessions.
pub const BARE: &str = "/bare";

/// The path of the socket with sessions, for a client that can inflate: every browser of today.
pub const SOCKET: &str = "/lightspeed/socket?deflate";

/// The slot of a page's button that is clicked.
pub fn slot_of(page: &str) -> u32 {
    // The counter's "+" comes after its "-" and its number; the first button of the rows makes a thousand.
    if page == "/counter" { 2 } else { 0 }
}

/// Peers.
#[derive(Debug)]
pub struct Peers<S> {
    open: Vec<Peer<S>>,
    is_joined: bool,
    next_beat: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peers<S> {
    /// Nobody yet.
    pub fn new(is_joined: bool) -> Self {
        Self { open: Vec::new(), is_joined, next_beat: Instant::now() + BEAT_EVERY }
    }

    /// Opens `count` more.
    ///
    /// # Errors
    ///
    /// The first that doesn't open.
    pub async fn open(
        &mut self,
        count: usize,
        open: impl AsyncFn(usize) -> io::Result<Peer<S>>,
    ) -> io::Result<()> {
        let end = self.open.len() + count;
        self.open.reserve_exact(count);
        while self.open.len() < end {
            let next = self.open.len()..end.min(self.open.len() + CHUNK);
            let opened: Vec<_> =
                stream::iter(next).map(|index| open(index)).buffered(AT_ONCE).try_collect().await?;
            self.open.extend(opened);
            self.beat_if_due().await?;
        }
        Ok(())
    }

    /// Each of them clicks.
    ///
    /// # Errors
    ///
    /// The first that gets no answer.
    pub async fn click(&mut self, slot: u32) -> io::Result<()> {
        for start in (0..self.open.len()).step_by(CHUNK) {
            let end = self.open.len().min(start + CHUNK);
            let clicks = stream::iter(&mut self.open[start..end]).map(async |peer| peer.click(slot).await);
            clicks.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            self.beat_if_due().await?;
        }
        Ok(())
    }

    /// When [`Peers::beat_if_due`] has something to do.
    pub fn next_beat(&self) -> Instant {
        self.next_beat
    }

    /// Keeps them alive.
    ///
    /// # Errors
    ///
    /// The first that has lost its connection.
    pub async fn beat_if_due(&mut self) -> io::Result<()> {
        if self.next_beat <= Instant::now() {
            self.next_beat = Instant::now() + BEAT_EVERY;
            for peer in &mut self.open {
                peer.beat(self.is_joined).await?;
            }
        }
        Ok(())
    }
}

/// Opens the page's session, or only a socket, over loopback.
///
/// # Errors
///
/// When a connection is lost or the server refuses.
pub async fn open(server: SocketAddr, page: &str, index: usize) -> io::Result<Peer<TcpStream>> {
    let source = Ipv4Addr::new(127, 0, 1, u8::try_from(index % SOURCES).unwrap_or(0));
    let connect = async || {
        let socket = TcpSocket::new_v4()?;
        // Whoever closes first has the port in `TIME_WAIT`, and there are many pages.
        socket.set_reuseaddr(true)?;
        socket.bind((source, 0).into())?;
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(stream)
    };
    if page == BARE {
        return Peer::open(connect().await?, BARE).await;
    }
    let token = fetch_token(connect().await?, page).await?;
    let mut peer = Peer::open(connect().await?, SOCKET).await?;
    peer.join(&token).await?;
    Ok(peer)
}
