use lightspeed::{Html, Stream};
use lightspeed_macros::html;

struct Row {
    id: u32,
}

struct Page {
    list: Vec<Row>,
    rows: Stream<Row>,
}

impl Page {
    fn render(&self) -> Html<()> {
        html! {
            ul { @stream row in &self.list { li key=(row.id) {} } }
            ul { @stream row in &self.rows { li key=(row.id) {} } }
            ul { @for row in self.rows.over(|| &self.list) { li key=(row.id) {} } }
        }
    }
}

fn main() {
    let _ = Page::render;
}
