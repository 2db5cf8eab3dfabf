use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Remove(u32),
    Rename(String),
}

fn render() -> Html<Msg> {
    html! {
        input oninput=(Msg::Remove); button onclick=(Msg::Rename) {}
    }
}

fn main() {
    let _ = render;
}
