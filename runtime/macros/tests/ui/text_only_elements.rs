use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        textarea { b {} }
    }
}

fn main() {
    let _ = render;
}
