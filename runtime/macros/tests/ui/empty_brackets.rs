use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p { () }
    }
}

fn main() {
    let _ = render;
}
