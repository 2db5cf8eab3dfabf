use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        iframe srcdoc=(x) {}
    }
}

fn main() {
    let _ = render;
}
