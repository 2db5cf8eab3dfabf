use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p title=@let x = 1; {}
    }
}

fn main() {
    let _ = render;
}
