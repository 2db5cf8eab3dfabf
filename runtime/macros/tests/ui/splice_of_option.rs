use lightspeed::Html;
use lightspeed_macros::html;

fn render(option: Option<String>, link: Option<&str>) -> Html<()> {
    html! {
        p { (option) }
        img src=(link) alt=(Some("x"));
        img src=(&option);
    }
}

fn main() {
    let _ = render;
}
