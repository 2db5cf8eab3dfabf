use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p {} @else { "a" }
    }
}

fn main() {
    let _ = render;
}
