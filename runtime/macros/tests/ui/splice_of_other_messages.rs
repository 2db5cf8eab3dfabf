use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: Html<String>) -> Html<u32> {
    html! {
        p { (x) }
    }
}

fn main() {
    let _ = render;
}
