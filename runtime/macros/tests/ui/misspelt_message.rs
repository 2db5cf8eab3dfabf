use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Save,
}

fn render(row: u32) -> Html<Msg> {
    html! {
        button onclick=(Msg::Sav) { (row) }
        button onclick=(Msg::Save) { (rows) }
    }
}

fn main() {
    let _ = render;
}
