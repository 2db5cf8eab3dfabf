use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        br {} img src="a.png" { "a" }
    }
}

fn main() {
    let _ = render;
}
