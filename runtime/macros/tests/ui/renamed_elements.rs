use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        div { image; plaintext {} }
    }
}

fn main() {
    let _ = render;
}
