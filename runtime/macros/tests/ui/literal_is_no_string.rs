use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        42 'x' b"bytes" 1.5
    }
}

fn main() {
    let _ = render;
}
