use lightspeed::Html;
use lightspeed_macros::html;

enum Msg {
    Left(u32),
}

fn render(child: Html<u32>) -> Html<Msg> {
    html! {
        p { (child.map(|number| number + 1)) }
        p { (child.map(Msg::Left)) }
    }
}

fn main() {
    let _ = render;
}
