use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: u32) -> Html<()> {
    html! {
        template { p { "a" b title=(x) {} } }
    }
}

fn main() {
    let _ = render;
}
