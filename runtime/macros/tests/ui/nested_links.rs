use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        a href="/" { b { a href="/b" {} } }
        form { div { form {} } }
        button { span { button {} } }
    }
}

fn main() {
    let _ = render;
}
