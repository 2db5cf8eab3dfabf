use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        select { div {} optgroup { p {} } option { b { "x" } } }
    }
}

fn main() {
    let _ = render;
}
