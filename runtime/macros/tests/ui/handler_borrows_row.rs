use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Flag(bool, String),
}

struct Row {
    id: u32,
    name: String,
}

impl Row {
    fn title(&self) -> String {
        self.name.clone()
    }
}

struct Table {
    rows: Vec<Row>,
}

impl Table {
    fn title(&self) -> String {
        self.rows[0].title()
    }

    fn render(&self, other: &Row, owned: Row) -> Html<Msg> {
        html! {
            ul {
                @for row in &self.rows {
                    li key=(row.id) { input type="checkbox" onchange=(move |on: bool| Msg::Flag(on, row.title())); }
                }
                @if let Some(first) = self.rows.first() {
                    input type="checkbox" onchange=(|on: bool| Msg::Flag(on, { let id = first.id; id.to_string() } + &title(first)));
                }
                input type="checkbox" onchange=(move |on: bool| Msg::Flag(on, self.title()));
                input type="checkbox" onchange=(move |on: bool| Msg::Flag(on, title(other)));
                input type="checkbox" onchange=(move |on: bool| Msg::Flag(on, title(&owned)));
            }
        }
    }
}

fn title(row: &Row) -> String {
    row.title()
}

fn main() {
    let _ = Table::render;
}
