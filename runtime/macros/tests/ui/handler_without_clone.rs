use lightspeed::Html;
use lightspeed_macros::html;

enum Msg {
    Remove,
}

fn render() -> Html<Msg> {
    html! {
        button onclick=(Msg::Remove) {}
    }
}

fn main() {
    let _ = render;
}
