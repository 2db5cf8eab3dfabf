use lightspeed::Html;
use lightspeed_macros::html;

struct Row {
    name: String,
}

fn render(row: &Row) -> Html<()> {
    html! {
        p { (|| "x") (row) }
        p title=(|| "x") lang=(row) {}
    }
}

fn main() {
    let _ = render;
}
