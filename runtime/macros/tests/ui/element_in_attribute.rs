use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p title={ b { "bold" } } {}
    }
}

fn main() {
    let _ = render;
}
