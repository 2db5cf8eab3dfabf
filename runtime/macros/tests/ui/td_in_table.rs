use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        table { td {} th {} col; }
    }
}

fn main() {
    let _ = render;
}
