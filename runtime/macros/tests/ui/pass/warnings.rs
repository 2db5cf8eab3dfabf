//! The expansion raises no lint in the author's crate.
#![deny(warnings, clippy::all, clippy::pedantic, missing_docs)]

use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Remove(u32),
    Filter(String),
}

struct Row {
    id: u32,
    name: Option<String>,
}

fn render(rows: &[Row], filter: &str, is_on: bool) -> Html<Msg> {
    html! {
        input type="search" value=(filter) oninput=(Msg::Filter) disabled[is_on];
        p.a[is_on].{ "b-" (filter) } title=[is_on.then_some(filter)] { "text" }
        p."a b"[is_on] { @if is_on { "on" } @else if rows.is_empty() { "none" } }
        table { tbody {
            @for row in rows {
                @let id = row.id;
                tr key=(id) .danger[is_on] {
                    td { (row.id) @match &row.name { Some(name) => (name), None => {} } }
                    td { button onclick=(Msg::Remove(id)) { "remove" } }
                    td { @if let Some(name) = &row.name && is_on { b { (name) } } }
                }
            }
        } }
    }
}

fn nothing() -> Html<Msg> {
    html! {}
}

fn main() {
    let rows = [Row { id: 1, name: Some("a".to_owned()) }, Row { id: 2, name: None }];
    assert!(render(&rows, "x", true).to_html().contains("remove"));
    assert_eq!(nothing().to_html(), "<!>");
    let _ = [Msg::Remove(1), Msg::Filter(String::new())].map(|message| match message {
        Msg::Remove(id) => id.to_string(),
        Msg::Filter(text) => text,
    });
}
