use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Remove(u32),
    Rename(String),
}

fn render() -> Html<Msg> {
    html! {
        button onclick=(7) {} button onclick=[Some("x")] {}
    }
}

fn main() {
    let _ = render;
}
