use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table { div {} tbody { p {} tr { b {} } } }
    }
}

fn main() {
    let _ = render;
}
