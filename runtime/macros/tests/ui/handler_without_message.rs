use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<u32> {
    html! {
        button onclick {} button onclick[true] {} button onclick={ (1) } {}
    }
}

fn main() {
    let _ = render;
}
