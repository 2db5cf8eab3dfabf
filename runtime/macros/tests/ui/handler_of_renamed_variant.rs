use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Remove(u32),
    Rename(String),
}

fn render() -> Html<Msg> {
    html! {
        button onclick=(Msg::Delete(1)) {}
    }
}

fn main() {
    let _ = render;
}
