use lightspeed::Html;
use lightspeed_macros::html;

fn render(xs: &[u32]) -> Html<()> {
    html! {
        ul { @for x in xs { li { (x) } } }
        ul { @while xs.is_empty() { li {} } }
        @for x in xs { @if *x > 1 { p key=(x) { (x) } } }
        @for x in xs { "-" (x) }
    }
}

fn main() {
    let _ = render;
}
