use lightspeed::Html;
use lightspeed_macros::html;

fn render(list: Vec<String>, slice: &[u32], array: [u32; 2], result: Result<u32, String>) -> Html<()> {
    html! {
        p { (list) (slice) (array) (result) (()) }
        p title=(list) lang=(slice) id=(array) dir=(result) {}
    }
}

fn main() {
    let _ = render;
}
