use lightspeed::Html;
use lightspeed_macros::html;

fn render(x: &str) -> Html<()> {
    html! {
        svg {
            a { animate attributeName=(x) values="a"; set attributename=[Some(x)] to="b"; }
            animate attributeName="href" values="#;javascript:alert(1);#"; set attributeName="href" to=" java\nscript:x";
            set attributeName="onclick" to="alert(1)";
        }
    }
}

fn main() {
    let _ = render;
}
