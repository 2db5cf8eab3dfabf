//! The browser client: built beforehand, embedded, served under a URL that its content names.

use std::fmt::Write;

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sha2::{Digest, Sha256};

/// A file of the client.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    /// The same, compressed by brotli; empty where that isn't worth it.
    brotli: &'static [u8],
}

macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!("../../assets/client/", $name))
    };
}

const SCRIPT: Asset = Asset {
    name: "client.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: built!("client.js"),
    brotli: built!("client.js.br"),
};

const WASM: Asset = Asset {
    name: "client.wasm",
    content_type: "application/wasm",
    bytes: built!("client.wasm"),
    brotli: built!("client.wasm.br"),
};

/// A view is no box of its own: what it holds is laid out as if it stood there itself. The rest is of the
/// default page's status.
const STYLE: Asset = Asset {
    name: "client.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../assets/client.css"),
    brotli: b"",
};

/// What defines `ls-viewport`, for pages that have one.
const VIEWPORT: Asset = Asset {
    name: "viewport.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: built!("viewport.js"),
    brotli: built!("viewport.js.br"),
};

/// What a page loads that gets a compressed message. The client finds it beside itself.
const INFLATE: Asset = Asset {
    name: "inflate.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: built!("inflate.js"),
    brotli: built!("inflate.js.br"),
};

/// What a page loads whose socket doesn't open. The client finds it beside itself.
const WHY: Asset = Asset {
    name: "why.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: built!("why.js"),
    brotli: built!("why.js.br"),
};

const ALL: [&Asset; 6] = [&SCRIPT, &WASM, &STYLE, &VIEWPORT, &INFLATE, &WHY];

/// The browser client's files and where they are served.
///
/// A [`Runtime`](crate::Runtime) has its own. For servers that speak `specs/protocol.md` by themselves,
/// as `lightspeed replay` does.
#[derive(Debug)]
pub struct Assets {
    /// The client's build: the first 16 hexadecimal digits of a hash over all of it.
    pub(crate) hash: String,
    prefix: String,
}

impl Assets {
    /// The client below `prefix`, which starts with a slash and doesn't end with one.
    pub fn new(prefix: &str) -> Self {
        let mut hasher = Sha256::new();
        for asset in ALL {
            hasher.update(asset.bytes);
        }
        let hash = hasher.finalize().iter().take(8).fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        Self { hash, prefix: encoded(prefix) }
    }

    /// The client's build.
    pub fn build(&self) -> &str {
        &self.hash
    }

    /// Where the client opens its socket. It finds it from the URL of its script.
    pub fn socket_path(&self) -> String {
        format!("{}/socket", self.prefix)
    }

    fn path(&self, asset: &Asset) -> String {
        format!("{}/{}/{}", self.prefix, self.hash, asset.name)
    }

    /// What a page's head needs. Script and WASM load while the page is parsed.
    pub fn head(&self) -> Markup {
        html! {
            link rel="stylesheet" href=(self.path(&STYLE));
            link rel="modulepreload" href=(self.path(&SCRIPT));
            link rel="preload" href=(self.path(&WASM)) as="fetch" type=(WASM.content_type) crossorigin;
            script type="module" async src=(self.path(&SCRIPT)) {}
        }
    }

    /// What the head of a page with this HTML needs besides: the modules of features that its templates name load while
    /// the page is parsed.
    pub(crate) fn preloads(&self, html: &str) -> Markup {
        html! {
            @if has_viewport(html) { link rel="modulepreload" href=(self.path(&VIEWPORT)); }
        }
    }

    /// What follows a view with this HTML.
    pub(crate) fn behind(&self, html: &str) -> String {
        if has_viewport(html) {
            html! { script type="module" src=(self.path(&VIEWPORT)) {} }.into_string()
        } else {
            String::new()
        }
    }

    /// The routes of the files.
    pub fn routes(&self) -> axum::Router {
        ALL.into_iter().fold(axum::Router::new(), |router, asset| {
            let get = axum::routing::get(async move |headers: HeaderMap| respond(asset, &headers));
            router.route(&self.path(asset), get)
        })
    }
}

/// Whether a template names `ls-viewport`: a text with these characters stands in HTML as `&lt;ls-viewport`.
fn has_viewport(html: &str) -> bool {
    html.contains("<ls-viewport")
}

/// A path as it stands in URLs: browsers send what is special in them encoded, and the router compares what is sent.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}

fn respond(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let common = [
        (header::CONTENT_TYPE, asset.content_type),
        // The URL changes with the content.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if asset.brotli.is_empty() || !accepts_brotli(headers) {
        (common, asset.bytes).into_response()
    } else {
        (common, [(header::CONTENT_ENCODING, "br")], asset.brotli).into_response()
    }
}

/// Whether `Accept-Encoding` names `br` with a weight above zero
/// ([RFC 9110, 12.5.3](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3)).
fn accepts_brotli(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, parameter) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameter.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("br") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, is_brotli: bool) {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accept.parse().expect("a header"))]);
        assert_eq!(accepts_brotli(&headers), is_brotli, "{accept:?}");
    }

    #[test]
    fn brotli_is_sent_to_those_who_take_it() {
        check("gzip, deflate, br, zstd", true);
        check("br;q=0.5, *;q=0", true);
        check("BR", true);
        check("gzip", false);
        check("br;q=0", false);
        check("br; q=0.0", false);
        check("brotli", false);
        check("", false);
    }

    #[test]
    fn the_head_names_what_is_served() {
        let assets = Assets::new("/live");
        let head = assets.head().into_string();
        assert_eq!(assets.hash.len(), 16);
        let viewport = "<ls-viewport></ls-viewport>";
        assert_eq!(assets.preloads("<p>&lt;ls-viewport</p>").into_string() + &assets.behind("<p></p>"), "");
        let (preloads, behind) = (assets.preloads(viewport).into_string(), assets.behind(viewport));
        let module = format!("\"/live/{}/viewport.js\"", assets.hash);
        assert_eq!((preloads.matches(&module).count(), behind.matches(&module).count()), (1, 1));
        let head = head + &behind;
        for asset in ALL.into_iter().filter(|asset| ![WHY.name, INFLATE.name].contains(&asset.name)) {
            assert!(head.contains(&format!("\"/live/{}/{}\"", assets.hash, asset.name)), "{head}");
        }
    }
}
