use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        div.a
    }
}

fn main() {
    let _ = render;
}
