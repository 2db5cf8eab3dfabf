use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Text(String),
}

fn render(text: &str) -> Html<Msg> {
    html! {
        div contenteditable="true" oninput=(Msg::Text) { (text) }
        section oninput=(Msg::Text) { div contenteditable { p { @if text.is_empty() { "x" } } } }
        x-editor oninput=(Msg::Text) { b { (text) } }
    }
}

fn main() {
    let _ = render;
}
