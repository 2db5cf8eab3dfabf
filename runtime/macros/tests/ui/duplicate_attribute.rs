use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<u32> {
    html! {
        p title="a" TITLE="b" {}
        p #a #b {}
        p #a id="b" {}
        p class="a" class="b" {}
        p onclick=(1) onclick=(2) {}
    }
}

fn main() {
    let _ = render;
}
