use lightspeed::Html;
use lightspeed_macros::html;

fn render() -> Html<()> {
    html! {
        select { select {} input; option { option {} } optgroup { optgroup {} hr; } option { hr; } }
        datalist { option { option {} } } selectedcontent { "x" }
    }
}

fn main() {
    let _ = render;
}
