use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        script { "x = '</script>'" }
    }
}

fn main() {
    let _ = render;
}
