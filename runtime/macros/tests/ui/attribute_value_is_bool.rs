use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        input disabled=true;
    }
}

fn main() {
    let _ = render;
}
