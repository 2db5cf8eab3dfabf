use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        textarea value=(x) {}
        select value=(x) {}
        input type="file" value=(x);
    }
}

fn main() {
    let _ = render;
}
