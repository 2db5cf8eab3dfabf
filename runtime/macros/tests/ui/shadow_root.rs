use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        x-card { template shadowrootmode="open" { slot {} } template shadowrootdelegatesfocus {} template shadowRootClonable=(x) {} }
    }
}

fn main() {
    let _ = render;
}
