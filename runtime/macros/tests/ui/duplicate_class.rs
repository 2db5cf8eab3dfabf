use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        p.a.a[true] {} p.b[true].b[false] {} p.a.a {}
    }
}

fn main() {
    let _ = render;
}
