use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        a href="javascript:alert(1)" {} a href=" java\nscript:x" {} form action={ "javascript:" (x) } {}
    }
}

fn main() {
    let _ = render;
}
