use lightspeed::Html;
use lightspeed_macros::html;

struct Row {
    name: String,
}

fn render(row: &Row, rows: &[Row]) -> Html<()> {
    html! {
        p title=(row.nam) { (row.nam) }
        ul { @for row in rows { li key=(row.id) { (row.name) } } }
    }
}

fn main() {
    let _ = render;
}
