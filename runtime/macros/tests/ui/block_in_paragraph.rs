use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p { "a" div {} }
        p { span { ul {} } }
        p { .note {} }
        p { @for x in [1] { p key=(x) {} } }
        p { button { div { "fine: a button is a boundary" } } }
    }
}

fn main() {
    let _ = render;
}
