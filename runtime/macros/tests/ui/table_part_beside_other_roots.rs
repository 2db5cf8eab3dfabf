use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        tr {} "text" div {}
    }
}

fn main() {
    let _ = render;
}
