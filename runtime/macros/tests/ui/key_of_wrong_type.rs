use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        @for x in [1.5] { p key=(x) {} }
    }
}

fn main() {
    let _ = render;
}
