use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table { tbody { td {} } }
    }
}

fn main() {
    let _ = render;
}
