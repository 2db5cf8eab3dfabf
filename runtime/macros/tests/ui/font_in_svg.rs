use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        svg { font color="red" {} g { font FACE=(x) {} } } math { font size=[Some(x)] {} }
    }
}

fn main() {
    let _ = render;
}
