use lightspeed::{Html, Stream};
use lightspeed_macros::html;

fn render(rows: &Stream<u32>) -> Html<()> {
    html! {
        ul { @stream row in rows.without_source() { li { (row) } } }
        @stream row in rows.without_source() { (row) }
        p title=@stream row in rows.without_source() { "text" } {}
    }
}

fn main() {
    let _ = render;
}
