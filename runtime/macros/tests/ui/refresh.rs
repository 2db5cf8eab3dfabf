use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        meta http-equiv="refresh" content=(x); meta http-equiv="Refresh" content="0;url=javascript:alert(1)"; meta http-equiv=(x) content="1";
    }
}

fn main() {
    let _ = render;
}
