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

fn render(rows: &[Row]) -> Html<Msg> {
    html! {
        ul {
            @for row in rows {
                li key=(row.id) { input type="checkbox" onchange=(move |on: bool| Msg::Flag(on, row.title())); }
            }
        }
    }
}

fn main() {
    let _ = render;
}
