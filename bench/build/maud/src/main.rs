//! The same page without life, on axum and maud.

use axum::routing::get;
use maud::{Markup, html};

async fn page() -> Markup {
    html! {
        (maud::DOCTYPE)
        h1 { "Hello" }
        button { "Clicked " (0) " times" }
    }
}

#[cfg(feature = "ten-more")]
mod more {
    use maud::{Markup as Page, html};

        pub(crate) fn page0(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 0" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 0 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page1(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 1" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 1 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page2(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 2" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 2 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page3(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 3" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 3 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page4(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 4" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 4 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page5(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 5" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 5 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page6(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 6" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 6 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page7(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 7" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 7 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page8(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 8" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 8 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
        pub(crate) fn page9(n: i64, names: &[String]) -> Page {
            html! {
                h2 { "Part 9" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 9 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li id=(index) { (name) } } }
            }
        }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    #[cfg(feature = "ten-more")]
    println!("{}", [more::page0 as fn(i64, &[String]) -> Markup, more::page1, more::page2, more::page3, more::page4, more::page5, more::page6, more::page7, more::page8, more::page9].map(|page| page(1, &[]).into_string()).concat());
    let app = axum::Router::new().route("/", get(page));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await
}
