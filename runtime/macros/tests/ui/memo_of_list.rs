use lightspeed::Html;
use lightspeed::memo::MemoList;
use lightspeed_macros::html;

struct Row {
    id: u64,
}

struct Table {
    rows: Vec<Row>,
    memos: MemoList<u64, ()>,
}

impl Table {
    fn render(&self) -> Html<()> {
        html! {
            ul { @memo row in &self.rows { li key=(row.id) {} } }
            ul { @memo row in &self.memos { li key=(row.id) {} } }
            ul { @for row in self.memos.over(&self.rows, |row| row.id) { li key=(row.id) {} } }
            ul { @memo row in self.memos.over(&self.rows, |row| row.id) { li key=(row.id) { button onclick=("text") {} } } }
        }
    }
}

fn main() {}
