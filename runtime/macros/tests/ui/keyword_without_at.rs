use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: bool) -> Html<()> {
    html! {
        if x { "a" } else { "b" }
        @if x { "a" } else { "b" }
        for n in 0..2 { p key=(n) {} }
        match x { true => "a", _ => "b" }
        let y = 1;
    }
}

fn main() {
    let _ = render;
}
