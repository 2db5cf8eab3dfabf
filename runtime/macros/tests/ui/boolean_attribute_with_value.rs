use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        input checked=(true); input checked=[Some(1)]; button disabled=(false) {}
    }
}

fn main() {
    let _ = render;
}
