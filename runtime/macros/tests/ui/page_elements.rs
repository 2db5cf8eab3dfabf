use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        div { body {} head {} } html {}
    }
}

fn main() {
    let _ = render;
}
