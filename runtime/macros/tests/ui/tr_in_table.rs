use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table {
            tr { td { "a" } }
            @for x in [1] { tr key=(x) {} }
            @if true { tr {} } @else { @match 1 { 1 => tr {}, _ => {} } }
        }
    }
}

fn main() {
    let _ = render;
}
