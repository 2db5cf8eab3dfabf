//! What comes together by splices and components: the same mistakes as in one `html!`, found when it is rendered.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use lightspeed::Html;
use lightspeed_macros::html;

#[derive(Clone)]
#[expect(dead_code, reason = "nobody presses anything")]
enum Msg {
    Send,
    Text(String),
}

/// `misplaced` of `html` is `inner` in `outer`, and both places are in this file.
#[track_caller]
fn check(html: &Html<Msg>, inner: &str, outer: &str) {
    let misplaced = html.misplaced().unwrap_or_else(|| panic!("nothing is wrong: {}", html.to_html()));
    assert_eq!((misplaced.inner, misplaced.outer), (inner, outer), "{misplaced}");
    let message = misplaced.to_string();
    assert!(message.contains(misplaced.inner_place) && message.contains(misplaced.outer_place), "{message}");
    for place in [misplaced.inner_place, misplaced.outer_place] {
        assert!(place.contains("nesting.rs:"), "{message}");
    }
}

#[track_caller]
fn is_right(html: &Html<Msg>) {
    assert_eq!(html.misplaced(), None, "{}", html.to_html());
}

fn search() -> Html<Msg> {
    html! { form onsubmit=(|(): ()| Msg::Send) { input name="q"; } }
}

fn within(inner: &Html<Msg>) -> Html<Msg> {
    html! { section { div { (inner) } } }
}

#[test]
fn a_form_in_a_form_names_both() {
    let inner = search();
    let page: Html<Msg> = html! { form { p { "a" } (inner) } };
    check(&page, "form", "form");
    let misplaced = page.misplaced().unwrap();
    assert_ne!(misplaced.inner_place, misplaced.outer_place);
    let expected = format!(
        "`form` of the `html!` at {} cannot stand in the `form` of the `html!` at {}: a parser drops the inner one; \
         its fields can stand anywhere with `form=\"id\"`",
        misplaced.inner_place, misplaced.outer_place
    );
    assert_eq!(misplaced.to_string(), expected);
}

#[test]
fn templates_between_hide_nothing() {
    let page: Html<Msg> = html! { form { (within(&within(&search()))) } };
    check(&page, "form", "form");
    let page: Html<Msg> = html! { form { @if true { (within(&search())) } } };
    check(&page, "form", "form");
    let page: Html<Msg> =
        html! { form { @for n in 0..2 { div key=(n) { @match n { 1 => { (search()) } _ => {} } } } } };
    check(&page, "form", "form");
    let page: Html<Msg> = html! { form { (Some(search())) } };
    check(&page, "form", "form");
    let page: Html<Msg> = html! { (within(&search())) (search()) form { p {} } };
    is_right(&page);
}

#[test]
fn what_a_parser_moves_drops_or_closes() {
    let row = || -> Html<Msg> {
        html! { tr { td { "x" } } }
    };
    let text = || -> Html<Msg> {
        html! { "text" }
    };
    let div = || -> Html<Msg> {
        html! { div {} }
    };
    let link = || -> Html<Msg> {
        html! { a href="/" {} }
    };
    let item = || -> Html<Msg> {
        html! { li { "x" } }
    };
    let option = || -> Html<Msg> {
        html! { option { "x" } }
    };
    let button = || -> Html<Msg> {
        html! { button {} }
    };

    check(&html! { div { (row()) } }, "tr", "element that is no part of a table");
    check(&html! { table { (row()) } }, "tr", "table");
    check(&html! { table { tbody { tr { (row()) } } } }, "tr", "tr");
    check(&html! { table { tbody { (div()) } } }, "div", "tbody");
    check(&html! { table { tbody { (text()) } } }, "text", "tbody");
    check(&html! { table { tbody { ("text") } } }, "text", "tbody");
    check(&html! { p { (div()) } }, "div", "p");
    check(&html! { p { span { (within(&link())) } } }, "section", "p");
    check(&html! { a href="/a" { (within(&link())) } }, "a", "a");
    check(&html! { button { span { (button()) } } }, "button", "button");
    check(&html! { ul { li { (item()) } } }, "li", "li");
    check(&html! { select { option { (option()) } } }, "option", "option");
    check(&html! { select { (html! { input; }) } }, "input", "select");
    check(&html! { h1 { (html! { h2 {} }) } }, "h2", "heading");
    check(&html! { svg { g { (div()) } } }, "div", "svg or math");
    check(&html! { math { (html! { svg {} }) } }, "svg", "math");

    is_right(&html! { table { tbody { (row()) (" ") (row()) } } });
    is_right(&html! { p { button { (div()) } object { (div()) } } });
    is_right(&html! { ul { li { ul { (item()) } } } });
    is_right(&html! { select { (option()) optgroup { (option()) } div { (option()) } } });
    is_right(&html! { svg { foreignObject { (div()) } title { (text()) } } });
    // What stands in SVG is SVG: it ends no link of HTML, but for what stands in HTML again.
    is_right(&html! { a href="/a" { svg { g { (link()) } } } });
    is_right(&html! { a href="/a" { svg { g { (html! { a href="/b" { circle {} } }) } } } });
    is_right(&html! { form { svg { g { (search()) } } } });
    check(&html! { a href="/a" { svg { foreignObject { (link()) } } } }, "a", "a");
    check(&html! { a href="/a" { svg { g { (html! { foreignObject { a {} } }) } } } }, "a", "a");
    check(&html! { a href="/a" { svg { (html! { a {} foreignObject { a {} } }) } } }, "a", "a");
    is_right(&html! { a { object { (link()) } } form { (button()) (text()) } });
    is_right(&row());
}

#[test]
fn what_a_person_edits_is_not_written_by_the_server() {
    fn editor(text: &str) -> Html<Msg> {
        html! { div contenteditable="true" { (text) } }
    }
    fn island(text: &str) -> Html<Msg> {
        html! { div contenteditable="true" { "a" span contenteditable="false" { (text) } } div contenteditable="false" { (text) } }
    }
    let page: Html<Msg> = html! { section oninput=(Msg::Text) { (editor("abc")) } };
    check(&page, "div", "element with `oninput`");
    is_right(&html! { form { (editor("abc")) } });
    is_right(&html! { section oninput=(Msg::Text) { (island("abc")) } });
    // Rows that a script has asked for by its `oninput` are no text that a person typed.
    is_right(&html! { x-rows oninput=(Msg::Text) { @for row in ["a", "b"] { p key=(row) { (row) } } } });
}
