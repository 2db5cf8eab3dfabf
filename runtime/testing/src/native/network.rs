//! What a page's connections are made of: the system's TCP, or what a test has in its place.

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// Opens connections.
pub trait Network: Debug + Send + Sync + 'static {
    /// Connects to a port of a host.
    fn connect(&self, host: &str, port: u16) -> Connecting;
}

/// A connection that is being opened; given up when dropped.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Connection>>> + Send>>;

/// An open connection; it ends when dropped.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Any + Debug + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Any + Debug + Send> Connection for T {}

/// Sees to it that what is under way in either direction is lost when the connection is dropped.
pub(super) fn cut(connection: &dyn Connection) {
    let connection: &dyn Any = connection;
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        // Where that is not possible, the connection ends less abruptly, but it ends.
        let _ = stream.set_zero_linger();
    }
}

/// The system's TCP.
#[derive(Debug)]
pub(super) struct SystemNetwork {
    /// The address that connections come from: the system's choice unless set.
    pub(super) source: Option<IpAddr>,
}

impl Network for SystemNetwork {
    fn connect(&self, host: &str, port: u16) -> Connecting {
        let (host, source) = (host.to_owned(), self.source);
        Box::pin(async move {
            let mut addresses = lookup_host((host, port)).await?;
            let peer = addresses.next().ok_or(io::ErrorKind::NotFound)?;
            let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            if let Some(source) = source {
                socket.bind(SocketAddr::new(source, 0))?;
            }
            let stream = socket.connect(peer).await?;
            // While nobody listens at an ephemeral port, a connection from that very port reaches itself.
            if stream.local_addr()? == peer {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Connection>)
        })
    }
}
