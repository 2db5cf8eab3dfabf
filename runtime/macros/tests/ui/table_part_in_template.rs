use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        template { div {} tr {} "text" }
    }
}

fn main() {
    let _ = render;
}
