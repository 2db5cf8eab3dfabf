use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table { colgroup { tr {} } }
    }
}

fn main() {
    let _ = render;
}
