use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        br / p {}
    }
}

fn main() {
    let _ = render;
}
