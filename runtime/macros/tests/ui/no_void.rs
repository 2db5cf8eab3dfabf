use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        div; p { span.a; } my-element; script src="a.js";
    }
}

fn main() {
    let _ = render;
}
