use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        input title= ;
    }
}

fn main() {
    let _ = render;
}
