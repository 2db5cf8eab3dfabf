//! Raw HTML that a parser would repair or move isn't in the page: the program that adopts the page puts it in.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

extern crate lightspeed_core as lightspeed;

use lightspeed_core::{Component, Html};
use lightspeed_macros::html;
use lightspeed_testing::Page;
use maud::PreEscaped;

#[derive(Clone)]
struct Shown(&'static str);

#[derive(Debug, Clone)]
struct Change(&'static str);

impl Component for Shown {
    type Message = Change;
    type Effect = ();

    fn update(&mut self, Change(raw): Change, _: &mut Vec<()>) {
        self.0 = raw;
    }

    fn render(&self) -> Html<Change> {
        let raw = self.0;
        html! {
            main {
                p { (PreEscaped("<b>in a p</b>")) (PreEscaped(raw)) "tail" }
                @for (index, one) in ["<i>1</i>", raw].into_iter().enumerate() { div key=(index) { (PreEscaped(one)) } }
                (part(raw))
                span { "end" }
            }
        }
    }
}

fn part<M>(raw: &'static str) -> Html<M> {
    html! { section { (PreEscaped(raw)) } }
}

/// How often `text` is in the page's HTML, and in what the client shows when it has adopted the page.
#[track_caller]
fn counts(raw: &'static str, text: &str) -> (usize, usize) {
    let first = Shown(raw);
    let page = Page::new(first.clone());
    let html = lightspeed_core::Session::new(first).page_html();
    // `Page` has compared the document with the render; here is what the page lacks.
    assert!(
        html.contains("<b>in a p</b>")
            && html.contains("<i>1</i>")
            && html.ends_with("<span>end</span></main>")
    );
    (html.matches(text).count(), page.document.to_html().matches(text).count())
}

#[test]
fn raw_html_is_shown_once_wherever_it_stands() {
    assert_eq!(counts("<u>fine</u>", "fine"), (3, 3));
    assert_eq!(counts("<p>para", "para"), (0, 3));
    assert_eq!(counts("</div>after", "after"), (0, 3));
    assert_eq!(counts("<plaintext>after", "after"), (0, 3));
    assert_eq!(counts("after</lightspeed-view>", "after"), (0, 3));
    // In a `p` alone it would be moved.
    assert_eq!(counts("<div>block</div>", "block"), (2, 3));
}

#[test]
fn what_was_put_in_is_replaced_and_goes() {
    let mut page = Page::new(Shown("<p>para"));
    page.message(Change("<u>other</u>"));
    assert!(!page.document.to_html().contains("para"));
    page.message(Change("<p>para"));
    assert_eq!(page.document.to_html().matches("para").count(), 3);
}
