use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<u32> {
    html! {
        p onfoo=(1) {} p onmouseover=(2) {}
    }
}

fn main() {
    let _ = render;
}
