use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: Option<Vec<u8>>) -> Html<()> {
    html! {
        p { (x) } p title=(x) {} p title=[x] {}
    }
}

fn main() {
    let _ = render;
}
