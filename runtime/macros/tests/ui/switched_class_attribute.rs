use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p class[true] {}
    }
}

fn main() {
    let _ = render;
}
