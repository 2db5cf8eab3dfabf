use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        ruby { rt { rp {} } p { rt {} } }
    }
}

fn main() {
    let _ = render;
}
