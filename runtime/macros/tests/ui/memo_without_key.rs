use lightspeed::Html;
use lightspeed::memo::MemoList;
use lightspeed_macros::html;

fn render(memos: &MemoList<u64, ()>, rows: &[u64]) -> Html<()> {
    html! {
        ul { @memo row in memos.over(rows, |row| **row) { li { (row) } } }
        @memo row in memos.over(rows, |row| **row) { (row) }
        p title=@memo row in memos.over(rows, |row| **row) { "text" } {}
    }
}

fn main() {}
