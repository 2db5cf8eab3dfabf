//! The same pages in Dioxus liveview: `bench/peers/dioxus`, visited over real sockets.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _, stream};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Held, resident_of};

/// What happens at a time.
const AT_ONCE: usize = 16;

/// Within so long an answer comes, or none.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A thousand rows are more than this.
const ROWS_BYTES_MIN: usize = 20_000;

/// Elements that may be the first button; Dioxus numbers them as it makes them.
const ELEMENTS_MAX: u32 = 32;

/// The peer's process, and its visitors in this one.
#[derive(Debug)]
pub struct Dioxus {
    child: Child,
    address: SocketAddr,
    pages: Vec<WebSocketStream<TcpStream>>,
    /// The button that makes rows, once it is found.
    button: Option<u32>,
}

impl Dioxus {
    /// Starts the program that `bench/peers/dioxus` is.
    ///
    /// # Errors
    ///
    /// When it can't be started or says nothing.
    pub async fn start(program: &Path) -> io::Result<Self> {
        let mut child = Command::new(program).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().expect("its standard output is a pipe");
        let line = BufReader::new(stdout).lines().next_line().await?.unwrap_or_default();
        let address = line.rsplit('/').next().and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("Dioxus says: {line:?}")))?;
        Ok(Self { child, address, pages: Vec::new(), button: None })
    }

    /// Opens `count` more pages.
    ///
    /// # Errors
    ///
    /// The first that doesn't open.
    pub async fn open(&mut self, page: &str, count: usize) -> io::Result<()> {
        let address = self.address;
        let open = async |_| {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let url = format!("ws://{address}{page}/ws");
            let (mut socket, _) = client_async(url, stream).await.map_err(io::Error::other)?;
            // The first render.
            next(&mut socket).await?;
            Ok::<_, io::Error>(socket)
        };
        let opened: Vec<_> = stream::iter(0..count).map(open).buffered(AT_ONCE).try_collect().await?;
        self.pages.extend(opened);
        Ok(())
    }

    /// Each page makes a thousand rows.
    ///
    /// # Errors
    ///
    /// The first that gets no answer.
    pub async fn make_rows(&mut self) -> io::Result<()> {
        let mut pages = self.pages.iter_mut();
        if self.button.is_none()
            && let Some(first) = pages.next()
        {
            for element in 1..ELEMENTS_MAX {
                first.send(click(element)).await.map_err(io::Error::other)?;
                if let Ok(Ok(bytes)) = timeout(ANSWER_WITHIN / 10, next(first)).await
                    && bytes >= ROWS_BYTES_MIN
                {
                    self.button = Some(element);
                    break;
                }
            }
        }
        let button = self.button.ok_or_else(|| io::Error::other("Dioxus has no button that makes rows"))?;
        let clicked = stream::iter(pages).map(async |page| {
            page.send(click(button)).await.map_err(io::Error::other)?;
            while next(page).await? < ROWS_BYTES_MIN {}
            Ok::<_, io::Error>(())
        });
        clicked.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// What its process holds; what its allocator was asked for isn't known.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn held(&self) -> io::Result<Held> {
        let pid = self.child.id().ok_or_else(|| io::Error::other("Dioxus has ended"))?;
        Ok(Held { resident: resident_of(&pid.to_string())?, allocated: 0, pieces: 0 })
    }
}

/// The bytes of the next message.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> io::Result<usize> {
    loop {
        let message = timeout(ANSWER_WITHIN, socket.next()).await.map_err(io::Error::other)?;
        match message {
            Some(Ok(message @ (Message::Binary(_) | Message::Text(_)))) => return Ok(message.len()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// What a browser sends for a click.
fn click(element: u32) -> Message {
    let data = serde_json::json!({
        "alt_key": false, "button": 0, "buttons": 0, "client_x": 512, "client_y": 180, "ctrl_key": false,
        "meta_key": false, "offset_x": 12, "offset_y": 9, "page_x": 512, "page_y": 180, "screen_x": 612,
        "screen_y": 310, "shift_key": false,
    });
    let params = serde_json::json!({ "name": "click", "data": data, "element": element, "bubbles": true });
    Message::text(serde_json::json!({ "method": "user_event", "params": params }).to_string())
}
