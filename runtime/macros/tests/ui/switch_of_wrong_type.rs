use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p hidden[1] .a["x"] {}
    }
}

fn main() {
    let _ = render;
}
