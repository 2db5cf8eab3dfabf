//! The benchmark's pages in Dioxus liveview, written as its own users write them: a signal for the
//! rows, a keyed `for`, the pool and the client that the crate ships.
//!
//! `PEER_ADDR` is the address to listen on; the program prints its URL when it is ready.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Html;
use axum::routing::get;
use dioxus::prelude::*;
use dioxus_liveview::LiveViewPool;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::var("PEER_ADDR").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let address = listener.local_addr()?;
    let pool = LiveViewPool::new();
    let app = page(address, "rows", rows, &pool).merge(page(address, "counter", counter, &pool));
    println!("The peer is at http://{address}");
    axum::serve(listener, app).await
}

/// A page and its socket.
fn page(address: SocketAddr, name: &str, app: fn() -> Element, pool: &LiveViewPool) -> Router {
    let socket = format!("/{name}/ws");
    let glue = dioxus_liveview::interpreter_glue(&format!("ws://{address}{socket}"));
    let html = format!(
        "<!DOCTYPE html><html><head><title>Dioxus</title></head><body><div id=\"main\"></div>{glue}</body></html>"
    );
    let pool = pool.clone();
    Router::new().route(&format!("/{name}"), get(async move || Html(html.clone()))).route(
        &socket,
        get(async move |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async move |socket| {
                // It ends when the page is left.
                let _ = pool.launch(dioxus_liveview::axum_socket(socket), app).await;
            })
        }),
    )
}

fn counter() -> Element {
    let mut count = use_signal(|| 0);
    rsx! {
        h1 { "Counter" }
        button { id: "dec", onclick: move |_| count -= 1, "-" }
        span { id: "count", "{count}" }
        button { id: "inc", onclick: move |_| count += 1, "+" }
    }
}

#[derive(Clone, PartialEq)]
struct Row {
    id: u32,
    label: String,
}

fn rows() -> Element {
    let mut labels = use_signal(Labels::default);
    let mut list = use_signal(Vec::<Row>::new);
    let mut selected = use_signal(|| None::<u32>);
    rsx! {
        div { class: "jumbotron",
            button {
                id: "run",
                onclick: move |_| {
                    list.set(labels.write().rows(1_000));
                    selected.set(None);
                },
                "Create 1,000 rows"
            }
            button {
                id: "runlots",
                onclick: move |_| {
                    list.set(labels.write().rows(10_000));
                    selected.set(None);
                },
                "Create 10,000 rows"
            }
            button { id: "add", onclick: move |_| list.write().extend(labels.write().rows(1_000)), "Append 1,000 rows" }
            button {
                id: "update",
                onclick: move |_| list.write().iter_mut().step_by(10).for_each(|row| row.label.push_str(" !!!")),
                "Update every 10th row"
            }
            button { id: "clear", onclick: move |_| list.write().clear(), "Clear" }
            button {
                id: "swaprows",
                onclick: move |_| {
                    if list.len() > 998 {
                        list.write().swap(1, 998);
                    }
                },
                "Swap rows"
            }
        }
        table { class: "table",
            tbody { id: "tbody",
                for Row { id , label } in list.read().iter().cloned() {
                    tr { key: "{id}", class: if selected() == Some(id) { "danger" },
                        td { class: "col-md-1", "{id}" }
                        td { class: "col-md-4",
                            a { onclick: move |_| selected.set(Some(id)), "{label}" }
                        }
                        td { class: "col-md-1",
                            a { onclick: move |_| list.write().retain(|row| row.id != id),
                                span { class: "glyphicon glyphicon-remove", aria_hidden: "true" }
                            }
                        }
                        td { class: "col-md-6" }
                    }
                }
            }
        }
    }
}

/// The rows' ids and labels, from a generator with a seed.
#[derive(Default)]
struct Labels {
    next_id: u32,
    generator: u64,
}

impl Labels {
    fn rows(&mut self, count: u32) -> Vec<Row> {
        (0..count)
            .map(|_| {
                self.next_id += 1;
                let label =
                    format!("{} {} {}", self.pick(&ADJECTIVES), self.pick(&COLOURS), self.pick(&NOUNS));
                Row { id: self.next_id, label }
            })
            .collect()
    }

    /// A word, by [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        self.generator = self.generator.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.generator;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        words[(bits % words.len() as u64) as usize]
    }
}

// The benchmark's own words.
const ADJECTIVES: [&str; 25] = [
    "pretty",
    "large",
    "big",
    "small",
    "tall",
    "short",
    "long",
    "handsome",
    "plain",
    "quaint",
    "clean",
    "elegant",
    "easy",
    "angry",
    "crazy",
    "helpful",
    "mushy",
    "odd",
    "unsightly",
    "adorable",
    "important",
    "inexpensive",
    "cheap",
    "expensive",
    "fancy",
];
const COLOURS: [&str; 11] =
    ["red", "yellow", "blue", "green", "pink", "brown", "purple", "brown", "white", "black", "orange"];
const NOUNS: [&str; 13] = [
    "table", "chair", "house", "bbq", "desk", "car", "pony", "cookie", "sandwich", "burger", "pizza",
    "mouse", "keyboard",
];
