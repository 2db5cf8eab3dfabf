use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        noscript { p { "a" (x) } }
    }
}

fn main() {
    let _ = render;
}
