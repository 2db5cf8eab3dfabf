use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p { _x {} }
    }
}

fn main() {
    let _ = render;
}
