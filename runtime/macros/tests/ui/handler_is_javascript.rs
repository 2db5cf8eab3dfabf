use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        button onclick="alert(1)" {}
    }
}

fn main() {
    let _ = render;
}
