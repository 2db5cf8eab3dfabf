use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table { tbody { tr { tr {} } thead {} } }
    }
}

fn main() {
    let _ = render;
}
