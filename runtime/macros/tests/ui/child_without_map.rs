use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum CounterMsg {
    Add(i64),
}

enum Msg {
    Left(CounterMsg),
}

struct Counter(i64);

impl Counter {
    fn render(&self) -> Html<CounterMsg> {
        html! { button onclick=(CounterMsg::Add(1)) { (self.0) } }
    }
}

struct Parent {
    left: Counter,
}

impl Parent {
    fn render(&self) -> Html<Msg> {
        html! {
            p { (self.left.render().map(Msg::Left)) }
            p { (self.left.render()) }
        }
    }
}

fn main() {
    let _ = Parent { left: Counter(0) }.render();
}
