use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p "a b"="c" {}
        p "><script>" {}
    }
}

fn main() {
    let _ = render;
}
