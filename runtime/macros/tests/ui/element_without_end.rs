use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p title="x" (1)
        b {}
    }
}

fn main() {
    let _ = render;
}
