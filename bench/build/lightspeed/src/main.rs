//! The smallest live page, as an application's first build.

use lightspeed::{Context, Html, Live, MountError, html};

#[derive(Default)]
struct Counter {
    count: i64,
}

impl Live for Counter {
    type Msg = i64;
    type Params = ();

    async fn mount((): (), _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, by: i64, _: &mut Context<Self::Msg>) {
        self.count += by;
    }

    fn render(&self) -> Html<i64> {
        html! {
            h1 { "Hello" }
            button onclick=(1) { "Clicked " (self.count) " times" }
        }
    }
}

#[cfg(feature = "ten-more")]
mod more {
    use lightspeed::{Html, html};

        pub(crate) fn page0(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 0" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 0 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page1(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 1" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 1 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page2(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 2" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 2 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page3(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 3" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 3 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page4(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 4" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 4 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page5(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 5" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 5 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page6(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 6" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 6 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page7(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 7" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 7 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page8(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 8" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 8 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
        pub(crate) fn page9(n: i64, names: &[String]) -> Html<i64> {
            html! {
                h2 { "Part 9" }
                p class="lead" title=(n) { "There are " (n) " of them." }
                @if n > 9 { b { "many" } } @else { i { "few" } }
                ul { @for (index, name) in names.iter().enumerate() { li key=(index) { (name) } } }
            }
        }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    #[cfg(feature = "ten-more")]
    println!("{}", [more::page0 as fn(i64, &[String]) -> Html<i64>, more::page1, more::page2, more::page3, more::page4, more::page5, more::page6, more::page7, more::page8, more::page9].map(|page| page(1, &[]).to_html()).concat());
    let app = axum::Router::new().merge(lightspeed::router().live::<Counter>("/"));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    lightspeed::serve(listener, app).await
}
