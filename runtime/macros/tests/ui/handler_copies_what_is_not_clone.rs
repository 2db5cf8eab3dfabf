use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
enum Msg {
    Flag(bool, u32),
}

struct Secret(u32);

struct Row {
    secret: Secret,
}

fn render(row: &Row) -> Html<Msg> {
    html! {
        input type="checkbox" onchange=(move |on: bool| Msg::Flag(on, secret(&row.secret)));
    }
}

fn secret(secret: &Secret) -> u32 {
    secret.0
}

fn main() {
    let _ = render;
}
