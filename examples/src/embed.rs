//! An axum application with routes, state and a layout of its own, which gains two live
//! components on one of its pages.
//!
//! What it took is marked with numbers: a [`Runtime`] in the state (1), `mount_for` where a
//! component should stand (2), what the head needs (3), and one `merge` (4). Each component
//! is a session of its own, and both share the page's one socket. The cart outlives the
//! server, for which the runtime has to know how it is mounted again (5).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::State;
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Json, Router};
use lightspeed::{Config, Context, Html, Live, MountError, Policy, Runtime, Snapshot, html};
use maud::{DOCTYPE, Markup};

/// The application's state.
#[derive(Debug, Clone)]
struct Shop {
    votes: Votes,
    runtime: Runtime, // (1)
}

/// The votes of all visitors, for each of [`FLAVOURS`].
type Votes = Arc<[AtomicU32; FLAVOURS.len()]>;

const FLAVOURS: [&str; 3] = ["Hazelnut", "Lemon", "Poppy seed"];

/// The application; `config` says where sessions are stored.
pub fn app(config: Config) -> Router {
    let runtime = Runtime::new(config.with_prefix("/embed/lightspeed"));
    runtime.restore_with::<Cart, _, _>(async |_| Ok(())); // (5)
    Router::new()
        .route("/embed", get(front))
        .route("/embed/about", get(about))
        .route("/embed/api/votes", get(votes))
        .merge(runtime.router()) // (4)
        .with_state(Shop { votes: Votes::default(), runtime })
}

async fn front(State(shop): State<Shop>, head: Parts) -> Result<axum::response::Html<String>, MountError> {
    let poll = shop.runtime.mount_for::<Poll>(Arc::clone(&shop.votes), &head).await?; // (2)
    let cart = shop.runtime.mount_for::<Cart>((), &head).await?;
    let content = maud::html! {
        p { "This page is plain maud, but for the two boxes: each is a live component." }
        div.columns {
            section.card aria-labelledby="poll" { h2 #poll { "The next flavour" } (poll) }
            section.card aria-labelledby="cart" { h2 #cart { "Your cart" } (cart) }
        }
    };
    Ok(layout("Corner bakery", &shop.runtime.head(), &content)) // (3)
}

async fn about() -> axum::response::Html<String> {
    let content =
        maud::html! { p { "We bake since 1887. This page has nothing live in it, and loads no script." } };
    layout("About us", &Markup::default(), &content)
}

async fn votes(State(shop): State<Shop>) -> Json<[u32; FLAVOURS.len()]> {
    Json(counts(&shop.votes))
}

fn layout(title: &str, head: &Markup, content: &Markup) -> axum::response::Html<String> {
    let page = maud::html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="icon" href="/gallery.svg";
                link rel="stylesheet" href="/gallery.css";
                (head)
            }
            body.bakery {
                header {
                    a.brand href="/embed" { "Corner bakery" }
                    nav { a href="/embed/about" { "About us" } a href="/embed/api/votes" { "Votes" } a href="/" { "Gallery" } }
                }
                (crate::layout::status())
                main #main { h1 { (title) } (content) }
            }
        }
    };
    axum::response::Html(page.into_string())
}

/// A vote; its counts are the application's, which other pages and the API know as well.
struct Poll {
    votes: Votes,
    /// What is shown of them: `render` looks at nothing that others change.
    counts: [u32; FLAVOURS.len()],
    choice: Option<usize>,
}

fn counts(votes: &Votes) -> [u32; FLAVOURS.len()] {
    votes.each_ref().map(|votes| votes.load(Ordering::Relaxed))
}

#[derive(Clone)]
enum PollMsg {
    Vote(usize),
}

impl Live for Poll {
    type Msg = PollMsg;
    type Params = Votes;

    async fn mount(votes: Votes, _: &mut Context<PollMsg>) -> Result<Self, MountError> {
        Ok(Self { counts: counts(&votes), votes, choice: None })
    }

    fn update(&mut self, PollMsg::Vote(flavour): PollMsg, _: &mut Context<PollMsg>) {
        // A visitor has one vote, and may change it.
        if let Some(before) = self.choice.replace(flavour) {
            self.votes[before].fetch_sub(1, Ordering::Relaxed);
        }
        self.votes[flavour].fetch_add(1, Ordering::Relaxed);
        self.counts = counts(&self.votes);
    }

    fn render(&self) -> Html<PollMsg> {
        html! {
            ul.poll {
                @for (index, flavour) in FLAVOURS.iter().enumerate() {
                    @let is_chosen = self.choice == Some(index);
                    li key=(index) {
                        button.vote type="button" aria-pressed=(if is_chosen { "true" } else { "false" })
                            onclick=(PollMsg::Vote(index)) { (flavour) }
                        output.votes aria-label={ "Votes for " (flavour) } {
                            (self.counts[index])
                        }
                    }
                }
            }
        }
    }
}

/// A cart: state of one visitor, known to nobody else.
#[derive(Default)]
struct Cart {
    counts: [u32; GOODS.len()],
}

/// Names, and prices in cents.
const GOODS: [(&str, u32); 3] = [("Rye bread", 420), ("Croissant", 180), ("Apple cake", 350)];

#[derive(Clone)]
enum CartMsg {
    Add(usize),
    Remove(usize),
}

impl Live for Cart {
    type Msg = CartMsg;
    type Params = ();
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount((): (), _: &mut Context<CartMsg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: CartMsg, _: &mut Context<CartMsg>) {
        match msg {
            CartMsg::Add(good) => self.counts[good] = (self.counts[good] + 1).min(99),
            CartMsg::Remove(good) => self.counts[good] = self.counts[good].saturating_sub(1),
        }
    }

    fn render(&self) -> Html<CartMsg> {
        let total: u32 = GOODS.iter().zip(self.counts).map(|((_, cents), count)| cents * count).sum();
        html! {
            ul.cart {
                @for (index, (good, cents)) in GOODS.iter().enumerate() {
                    li key=(index) {
                        span.good { (good) " " small { (price(*cents)) } }
                        button.less type="button" aria-label={ "Less " (good) } onclick=(CartMsg::Remove(index)) { "−" }
                        output.amount { (self.counts[index]) }
                        button.more type="button" aria-label={ "More " (good) } onclick=(CartMsg::Add(index)) { "+" }
                    }
                }
            }
            p.sum { "Total " output #total { (price(total)) } }
        }
    }
}

impl Snapshot for Cart {
    type State = [u32; GOODS.len()];
    const NAME: &'static str = "cart";

    fn save(&self) -> Self::State {
        self.counts
    }

    fn load(&mut self, counts: Self::State) {
        self.counts = counts;
    }
}

fn price(cents: u32) -> String {
    format!("€ {}.{:02}", cents / 100, cents % 100)
}
