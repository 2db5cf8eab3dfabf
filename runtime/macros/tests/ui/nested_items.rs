use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        ul { li { li {} } }
        dl { dt { dd {} } }
        h1 { h2 {} }
    }
}

fn main() {
    let _ = render;
}
