use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Text(String),
    Ticked(bool),
}

fn render() -> Html<Msg> {
    html! {
        form oninput=(Msg::Text) { input name="title"; }
        form onchange=(Msg::Ticked) { input type="checkbox" name="public"; }
        select name="tags" multiple onchange=(Msg::Text) { option value="a" {} }
        // Of the field that the event comes from.
        div oninput=(Msg::Text) onchange=(Msg::Ticked) { input name="title"; input type="checkbox"; }
    }
}

fn main() {
    let _ = render;
}
