use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        svg { g { div {} } foreignObject { div {} } }
        math { mi { "x" } p {} }
    }
}

fn main() {
    let _ = render;
}
