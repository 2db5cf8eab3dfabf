use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p { (1, 2 3) }
    }
}

fn main() {
    let _ = render;
}
