use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        @for _ in [1] { p key="a" {} } @for x in [Some(1)] { p key=[x] {} }
    }
}

fn main() {
    let _ = render;
}
