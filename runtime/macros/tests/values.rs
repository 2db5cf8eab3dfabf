//! What lands in a slot: types, escaping, the order of evaluation, handlers.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use lightspeed::Html;
use lightspeed_macros::html;

#[track_caller]
fn check(html: &Html<()>, expected: &str) {
    assert_eq!(html.to_html(), expected);
}

struct Badge(&'static str);

impl maud::Render for Badge {
    fn render(&self) -> maud::Markup {
        maud::html! { i { (self.0) } }
    }
}

#[derive(Debug)]
enum Msg {
    Add(u32),
    Rename(String),
    Toggle(bool),
    Press(lightspeed::handler::Key),
}

impl Clone for Msg {
    fn clone(&self) -> Self {
        match self {
            Self::Add(n) => Self::Add(*n),
            Self::Rename(name) => Self::Rename(name.clone()),
            Self::Toggle(on) => Self::Toggle(*on),
            Self::Press(key) => Self::Press(key.clone()),
        }
    }
}

#[test]
fn text_of_many_types() {
    let (string, text, cow) = ("<a>".to_owned(), "<b>", Cow::Borrowed("<c>"));
    check(&html! { p { (string) } }, "<p>&lt;a&gt;</p>");
    check(
        &html! { p { (&string) } p { (*text) } p { (text) } p { (&&text) } p { (cow) } },
        "<p>&lt;a&gt;</p><p>&lt;b&gt;</p><p>&lt;b&gt;</p><p>&lt;b&gt;</p><p>&lt;c&gt;</p>",
    );
    check(
        &html! { p { (1) } p { (2_u8) } p { (-3_i64) } p { (1.5) } p { ('x') } p { (true) } p { (1 + 1) } },
        "<p>1</p><p>2</p><p>-3</p><p>1.5</p><p>x</p><p>true</p><p>2</p>",
    );
    check(
        &html! { p { (Box::new("boxed")) } p { (Rc::new(7)) } p { (format_args!("{text}{}", 1)) } },
        "<p>boxed</p><p>7</p><p>&lt;b&gt;1</p>",
    );
    // The splices borrow.
    drop(string);
}

#[test]
fn markup_of_others_is_marked() {
    let escaped = maud::PreEscaped("<b>&amp;</b>".to_owned());
    let markup: maud::Markup = maud::html! { b {} };
    check(
        &html! { p { (escaped) } p { (&markup) } p { (Badge("x")) } p { (&Badge("y")) } },
        "<p><!--[--><b>&amp;</b><!--]--></p><p><!--[--><b></b><!--]--></p><p><!--[--><i>x</i><!--]--></p><p><!--[--><i>y</i><!--]--></p>",
    );
    check(&html! { (maud::DOCTYPE) }, "<!><!--[--><!DOCTYPE html><!--]-->");
    check(
        &html! { p title=(maud::PreEscaped("a &amp; b")) class={ "x-" (Badge("y")) } {} },
        "<p class=\"x-&lt;i&gt;y&lt;/i&gt;\" title=\"a &amp; b\"></p>",
    );
}

#[test]
fn live_html_stays_live() {
    fn button(n: u32) -> Html<Msg> {
        html! { button onclick=(Msg::Add(n)) { (n) } }
    }
    fn page(inner: &Html<Msg>, some: Option<&Html<Msg>>) -> Html<Msg> {
        html! { p { (inner) (&inner) (button(2)) (some) (some.cloned()) (None::<Html<Msg>>) } }
    }
    let page = page(&button(1), Some(&button(3)));
    let [one, two, three] = [1, 2, 3].map(|n| format!("<button>{n}</button>"));
    assert_eq!(page.to_html(), format!("<p>{one}<!>{one}<!>{two}<!>{three}<!>{three}<!></p>"));
    // Raw markup would have its marks: `<!--[-->`.
    assert_eq!(maud::html! { main { (page) } }.into_string(), format!("<main>{}</main>", page.to_html()));
}

#[test]
fn live_html_nests_in_its_own_expressions() {
    fn render(is_on: bool) -> Html<Msg> {
        html! {
            (html! { button onclick=(Msg::Add(1)) {} })
            @let inner: Html<Msg> = html! { input oninput=(Msg::Rename); };
            p { (inner) (if is_on { html! { b {} } } else { html! { i { (2) } } }) }
        }
    }
    assert_eq!(render(true).to_html(), "<!><button></button><p><input><!><b></b></p>");
    assert_eq!(render(false).to_html(), "<!><button></button><p><input><!><i>2</i></p>");
}

#[test]
fn handlers_are_messages_or_functions_of_the_payload() {
    struct Row {
        id: u32,
        name: String,
    }
    fn render(rows: &[Row], can_add: bool) -> Html<Msg> {
        html! {
            input oninput=(Msg::Rename) onchange=(Msg::Toggle) onkeydown=(Msg::Press) value=(rows.len());
            button onclick=[can_add.then_some(Msg::Add(0))] { "add" }
            ul {
                @for row in rows {
                    @let id = row.id;
                    @let name = row.name.clone();
                    li key=(id) onclick=(move |()| Msg::Add(id)) onchange=(|text: String| Msg::Rename(text)) {
                        (row.name)
                        button onclick=(Msg::Rename(name)) { "again" }
                    }
                }
            }
        }
    }
    let rows = [Row { id: 1, name: "<1>".to_owned() }];
    assert_eq!(
        render(&rows, true).to_html(),
        "<input value=\"1\"><button>add</button><ul><li>&lt;1&gt;<button>again</button></li></ul>"
    );
}

#[test]
fn attributes_are_escaped_and_urls_are_safe() {
    let quote = "\"<&>";
    check(
        &html! { p title=(quote) lang={ "a" (quote) } {} },
        "<p title=\"&quot;&lt;&amp;&gt;\" lang=\"a&quot;&lt;&amp;&gt;\"></p>",
    );
    let url = " java\nscript:alert(1)";
    check(
        &html! { a href=(url) title=(url.trim()) {} },
        "<a href=\"about:invalid\" title=\"java\nscript:alert(1)\"></a>",
    );
    check(&html! { a href={ "java" ("script:x") } {} }, "<a href=\"about:invalid\"></a>");
}

#[test]
fn fields_have_their_values() {
    let (text, on) = ("<\n>", true);
    check(&html! { input value=(text) checked[on]; }, "<input value=\"&lt;\n&gt;\" checked=\"\">");
    check(
        &html! { textarea { "\n" (text) @if on { "!" } @for n in 0..2 { (n) } } },
        "<textarea>\n\n&lt;\n&gt;!01</textarea>",
    );
    check(
        &html! { select { option selected[on] { "a" } option selected[!on] { "b" } } },
        "<select><option selected=\"\">a</option><option>b</option></select>",
    );
}

#[test]
fn values_are_computed_once_and_in_the_order_of_the_source() {
    let log = RefCell::new(Vec::new());
    let t = |name: &'static str| {
        log.borrow_mut().push(name);
        name
    };
    let is = |name: &'static str| {
        log.borrow_mut().push(name);
        true
    };
    check(
        &html! {
            (t("1"))
            p title=(t("2")) .a[is("3")] #(t("4")) ."b c"[is("5")] lang=[Some(t("6"))] hidden[is("7")] { (t("8")) }
            p class=(t("9")) data-x={ (t("10")) (t("11")) } .(t("12"))[is("13")] .(t("14")) {
                @let inner = t("15");
                @if is("16") { (t("17")) } @else { (t("never")) }
                { @let again = t("18"); (again) (inner) }
                @for key in [t("19")] { b key=(key) title=(t("20")) { (t("21")) } }
                @match t("22") { "22" if is("23") => (t("24")), _ => (t("never")) }
            }
        },
        "<!>1<p class=\" a b c\" id=\"4\" title=\"2\" lang=\"6\" hidden=\"\">8</p>\
         <p class=\"9 12 14\" data-x=\"1011\"><!>17<!>18<!>15<!><b title=\"20\">21</b><!><!>24</p>",
    );
    let order: Vec<u32> = log.borrow().iter().map(|name| name.parse().unwrap()).collect();
    // A switched class asks its condition before its text.
    let expected: Vec<u32> = (1..=11).chain([13, 12]).chain(14..=24).collect();
    assert_eq!(order, expected);
}

#[test]
fn the_locals_of_the_expansion_are_its_own() {
    let (__value_0, __text, __items, __key, __handler, __part) = ("a", "b", "c", "d", "e", "f");
    check(
        &html! { p title={ (__text) (__part) } .(__part) lang=[Some(__handler)] { (__value_0) @for x in [__items] { b key=(__key) { (x) } } } },
        "<p class=\"f\" title=\"bf\" lang=\"e\">a<!><b>c</b></p>",
    );
}

#[test]
fn a_template_is_one_static_however_often_it_is_rendered() {
    let render = |n: u32| -> Html<()> {
        html! { p { (n) } }
    };
    assert_eq!(render(1).to_html(), "<p>1</p>");
    assert_eq!(render(2).to_html(), "<p>2</p>");
}

#[test]
fn svg() {
    let (r, points) = (3, [(1, 2), (3, 4)]);
    check(
        &html! { svg viewBox="0 0 9 9" { circle r=(r); @for (x, y) in points { rect key=(x) x=(x) y=(y) {} } foreignObject { p { "html" } } } },
        "<svg viewBox=\"0 0 9 9\"><circle r=\"3\"></circle><rect x=\"1\" y=\"2\"></rect><rect x=\"3\" y=\"4\"></rect><foreignObject><p>html</p></foreignObject></svg>",
    );
}
