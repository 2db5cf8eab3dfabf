use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        img srcset="/a 1x, javascript:x 2x"; a ping="/a javascript:x" {}
    }
}

fn main() {
    let _ = render;
}
