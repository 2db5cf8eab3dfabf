use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table { svg {} } select { math {} }
    }
}

fn main() {
    let _ = render;
}
