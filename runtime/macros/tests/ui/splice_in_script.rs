use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: u32) -> Html<()> {
    html! {
        script { "let x = " (x) ";" } style { @if true { "p {}" } } iframe src="/" { (x) }
    }
}

fn main() {
    let _ = render;
}
