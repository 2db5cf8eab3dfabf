use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p key=(1) {} @for x in [1] { p key=(x) { b key=(x) {} } b key=(x) {} }
    }
}

fn main() {
    let _ = render;
}
