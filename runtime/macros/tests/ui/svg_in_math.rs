use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        math { mrow { svg {} } mtext { svg {} } annotation-xml { svg {} } }
    }
}

fn main() {
    let _ = render;
}
