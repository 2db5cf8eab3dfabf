use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        div { td {} tr {} tbody {} }
    }
}

fn main() {
    let _ = render;
}
