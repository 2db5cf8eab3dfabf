use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        div; table { tr {} } p title="a" title="b" { div {} } @for x in [1] { p {} }
    }
}

fn main() {
    let _ = render;
}
