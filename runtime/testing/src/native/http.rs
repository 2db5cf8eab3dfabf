//! Fetches pages, and finds in them what the client needs.

use std::io;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::header::{ACCEPT, CONNECTION, HOST};
use hyper::http::uri::Authority;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use super::errors::OpenError;
use super::network::{Connection, Network};

/// How long the answer to a request may take.
const FETCH_WITHIN: Duration = Duration::from_secs(30);

/// A page as it was fetched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FetchedPage {
    /// The path of the socket.
    pub(super) socket_path: String,
    /// The name of the client's build.
    pub(super) build: String,
    /// The live parts, in document order.
    pub(super) views: Vec<FetchedView>,
}

/// A live part of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FetchedView {
    pub(super) token: String,
    pub(super) html: String,
}

const VIEW_START: &str = "<lightspeed-view data-session=\"";
const VIEW_END: &str = "</lightspeed-view>";
const SCRIPT: &str = "/client.js\"";

impl FetchedPage {
    /// Reads a page of this runtime's making, which is not HTML in general.
    fn parse(html: &str) -> Option<Self> {
        // `.../lightspeed/BUILD/client.js`; the socket is `.../lightspeed/socket`.
        let (folder, _) = html.split_once(SCRIPT)?;
        let (_, folder) = folder.rsplit_once('"')?;
        let (prefix, build) = folder.rsplit_once('/')?;
        let views = html.split(VIEW_START).skip(1).map(|part| {
            let (token, rest) = part.split_once("\">")?;
            let (html, _) = rest.split_once(VIEW_END)?;
            Some(FetchedView { token: token.to_owned(), html: html.to_owned() })
        });
        Some(Self {
            socket_path: format!("{prefix}/socket"),
            build: build.to_owned(),
            views: views.collect::<Option<_>>()?,
        })
    }
}

/// Fetches a page and reads it.
pub(super) async fn fetch(network: &dyn Network, url: &Uri) -> Result<FetchedPage, OpenError> {
    let (status, body) = tokio::time::timeout(FETCH_WITHIN, get(network, url))
        .await
        .map_err(|_| OpenError::Io(io::ErrorKind::TimedOut.into()))??;
    if !status.is_success() {
        return Err(OpenError::Status { status: status.as_u16() });
    }
    let page = FetchedPage::parse(&String::from_utf8_lossy(&body));
    page.filter(|page| !page.views.is_empty()).ok_or(OpenError::NotLive)
}

async fn get(network: &dyn Network, url: &Uri) -> Result<(StatusCode, Vec<u8>), OpenError> {
    let stream = connect(network, url).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(OpenError::Http)?;
    let request = Request::get(url.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, authority(url)?)
        .header(ACCEPT, "text/html")
        .header(CONNECTION, "close")
        .body(String::new())
        .map_err(|_| OpenError::Url)?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes().to_vec()))
    };
    // What the connection ends with is in the exchange, too.
    let (answer, _) = tokio::join!(exchange, connection);
    answer.map_err(OpenError::Http)
}

/// The host and port of a URL.
pub(super) fn authority(url: &Uri) -> Result<&str, OpenError> {
    url.authority().map(Authority::as_str).ok_or(OpenError::Url)
}

/// Connects to the server of a URL.
pub(super) async fn connect(network: &dyn Network, url: &Uri) -> Result<Box<dyn Connection>, OpenError> {
    let host = url.host().ok_or(OpenError::Url)?;
    Ok(network.connect(host, url.port_u16().unwrap_or(80)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_where_its_socket_is_and_what_is_live() {
        let page = "<head><link rel=\"modulepreload\" href=\"/shop/live/abc/client.js\"></head><body>\
            <lightspeed-view data-session=\"t1\"><p>one</p></lightspeed-view>, \
            <lightspeed-view data-session=\"t2\">two</lightspeed-view></body>";
        let view = |token: &str, html: &str| FetchedView { token: token.into(), html: html.into() };
        assert_eq!(
            FetchedPage::parse(page),
            Some(FetchedPage {
                socket_path: "/shop/live/socket".into(),
                build: "abc".into(),
                views: vec![view("t1", "<p>one</p>"), view("t2", "two")],
            })
        );
    }

    #[test]
    fn a_page_without_the_client_is_none() {
        assert_eq!(FetchedPage::parse("<p>hello</p>"), None);
    }
}
