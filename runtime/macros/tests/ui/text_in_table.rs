use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table { "a" tbody { "b" tr { "c" } } }
    }
}

fn main() {
    let _ = render;
}
