//! What the gallery's pages have in common.

use lightspeed::Page;
use maud::{DOCTYPE, Markup, html};

use crate::mishap;

/// An example, as the gallery shows it.
#[derive(Debug)]
pub struct Example {
    /// Its name and the title of its page.
    pub title: &'static str,
    /// Where its page is.
    pub path: &'static str,
    /// What it shows, in a sentence.
    pub summary: &'static str,
    /// The files that it is written in: name and text.
    pub sources: &'static [(&'static str, &'static str)],
}

/// The examples, the simplest one first.
pub const EXAMPLES: [Example; 7] = [
    Example {
        title: "Counter",
        path: "/counter",
        summary: "A number and two buttons: the smallest live component.",
        sources: &[("counter.rs", include_str!("counter.rs"))],
    },
    Example {
        title: "Contacts",
        path: "/contacts",
        summary: "An address book on SQLite: search as you type, edit in place, a form that says what is wrong beside each field.",
        sources: &[
            ("contacts.rs", include_str!("contacts.rs")),
            ("contacts/database.rs", include_str!("contacts/database.rs")),
        ],
    },
    Example {
        title: "Rows",
        path: "/rows",
        summary: "Ten thousand rows: the page by which frameworks are measured. Only what changes is sent and touched.",
        sources: &[("rows.rs", include_str!("rows.rs"))],
    },
    Example {
        title: "Chat",
        path: "/chat",
        summary: "A room for everybody who opens it. Sessions keep none of its messages: only what changes passes through them.",
        sources: &[("chat.rs", include_str!("chat.rs"))],
    },
    Example {
        title: "Viewport",
        path: "/viewport",
        summary: "A hundred thousand rows that scroll as smoothly as a hundred: the page holds those that are seen.",
        sources: &[("viewport.rs", include_str!("viewport.rs"))],
    },
    Example {
        title: "Embed",
        path: "/embed",
        summary: "An axum application of its own that gains two live components on one page, over one socket.",
        sources: &[("embed.rs", include_str!("embed.rs"))],
    },
    Example {
        title: mishap::TITLE,
        path: "/mishap",
        summary: "Code that panics: its own component goes on or starts over, and nothing else on the page notices.",
        sources: &[("mishap.rs", include_str!("mishap.rs"))],
    },
];

/// The page around a live example.
pub fn live(page: &Page) -> Markup {
    example(&page.title, &page.head, &page.view)
}

/// The same of its parts.
pub fn example(title: &str, head: &Markup, view: &Markup) -> Markup {
    let example = EXAMPLES.iter().find(|example| example.title == title);
    let content = html! {
        h1 { (title) }
        @if let Some(example) = example { p.summary { (example.summary) } }
        (view)
        @if let Some(example) = example { p.source { "Source: " (sources(example)) } }
    };
    document(title, head, &content)
}

/// The gallery's front page.
pub fn index() -> Markup {
    let content = html! {
        h1 { "Live pages, written in Rust" }
        p.summary {
            "Each of these runs on the server. The browser shows what it looks like, and gets only what changes."
        }
        ul.gallery {
            @for example in &EXAMPLES {
                li.card {
                    h2 { a href=(example.path) { (example.title) } }
                    p { (example.summary) }
                    p.source { (sources(example)) }
                }
            }
        }
    };
    document("Examples", &Markup::default(), &content)
}

fn sources(example: &Example) -> Markup {
    html! {
        @for (index, (name, _)) in example.sources.iter().enumerate() {
            @if index > 0 { ", " }
            a href={ "/source/" (name) } { code { (name) } }
        }
    }
}

fn document(title: &str, head: &Markup, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="description" content="Examples of Lightspeed, live pages written in Rust";
                title { (title) " · Lightspeed" }
                link rel="icon" href="/gallery.svg";
                link rel="stylesheet" href="/gallery.css";
                (head)
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.brand href="/" { "Lightspeed" }
                    nav aria-label="Examples" {
                        @for example in &EXAMPLES {
                            a href=(example.path) aria-current=[(example.title == title).then_some("page")] {
                                (example.title)
                            }
                        }
                    }
                }
                (status())
                main #main tabindex="-1" { (content) }
            }
        }
    }
}

/// What the page says while it isn't connected, and what the server has to tell. For the first
/// the client sets a class on the root element, and the stylesheet shows the line that fits. The second it
/// writes where `data-lightspeed-message` is; that is there from the beginning, so that it is read out.
pub fn status() -> Markup {
    html! {
        div.status {
            p.message role="status" data-lightspeed-message {}
            div role="status" {
                p.when-connecting { "Connecting…" }
                p.when-disconnected { "The connection is lost. This page goes on by itself when it is back." }
                p.when-blocked { "This page can't reach its server. It tries again now and then." }
                p.when-failed {
                    "This page has ended. " a href="" { "Load it again" } " to go on."
                }
            }
        }
        noscript { p.banner { "These pages come alive with JavaScript, which is off in this browser." } }
    }
}
