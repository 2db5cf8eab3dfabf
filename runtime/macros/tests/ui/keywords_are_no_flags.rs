use lightspeed::Html;
use lightspeed_macros::html;

fn render(on: bool) -> Html<()> {
    html! {
        p draggable[on] aria-hidden[on] contenteditable[on] spellcheck[on] translate[on] dir[on] {}
        input autocomplete[on] aria-invalid[on] aria-label[on]; img loading[on] src="x"; button type[on] aria-expanded {}
        svg aria-hidden[on] {} p draggable {} x-y draggable[on] {}
    }
}

fn main() {
    let _ = render;
}
