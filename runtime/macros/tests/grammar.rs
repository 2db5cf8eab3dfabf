//! maud's grammar, with the HTML that maud makes of it.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use lightspeed::Html;
use lightspeed_macros::html;

/// `html` is what maud writes, but for what makes no difference to a parser: the `<!>` between texts and slots,
/// `=""` after a lone attribute, a space before a switched class, and a quote in text.
#[track_caller]
fn check(html: &Html<()>, expected: &str) {
    let plain =
        |html: &str| html.replace("=\"\"", "").replace("class=\" ", "class=\"").replace("&quot;", "\"");
    assert_eq!(plain(&html.to_html().replace("<!>", "")), plain(expected));
}

/// The same tokens mean the same to both macros.
macro_rules! same_as_maud {
    ($($tokens:tt)*) => {
        check(&html! { $($tokens)* }, &maud::html! { $($tokens)* }.into_string())
    };
}

#[test]
fn literals() {
    check(&html! { "du\tcks" "-23" "3.14\n" "geese" }, "du\tcks-233.14\ngeese");
    same_as_maud! { "<flim&flam>\"'" }
    same_as_maud! { "one"; "two"; ;;;; "three"; }
    same_as_maud! { "hello" { " ducks" " geese" } " swans" }
    same_as_maud! { r#"raw "string""# }
    same_as_maud! {}
}

#[test]
fn elements() {
    same_as_maud! { p { b { "pickle" } "barrel" i { "kumquat" } } }
    same_as_maud! { "pinkie" br; "pie" }
    same_as_maud! { custom-element {} }
    same_as_maud! { pon-pon:controls-alpha { a on:click="yay()" { "Yay!" } } }
    same_as_maud! { custom:element-001 test:123-"test"="123" .m-2.p-2 {} }
}

#[test]
fn attributes() {
    same_as_maud! { link rel="stylesheet" href="styles.css"; section id="midriff" { p class="hotpink" { "Hello!" } } }
    same_as_maud! { div readonly { input type="checkbox" checked; } }
    let rocks = true;
    same_as_maud! { input checked[true]; input checked[false]; input checked[rocks]; input disabled[!rocks]; }
    same_as_maud! { input checked? disabled?[true]; }
    same_as_maud! { input value=[Some("value")]; }
    same_as_maud! { input value=[None as Option<&str>]; }
    same_as_maud! { p title=[Some(42)] lang=[&Some("de")] {} }
    same_as_maud! { this sentence-is="false" of-course {} }
    same_as_maud! { this "@sentence:-is.not"="false" of-course {} }
    same_as_maud! { this r#"raw_string"#="false" 123="123" 123usize "2.5" true of-course {} }
    same_as_maud! { a title="\"<&>'" data-x-1="y" aria-label="z" type="t" {} }
    let id = 7;
    same_as_maud! { a href={ "/u/" (id) "?a&b" } title=(format!("{id}<\"")) {} }
    same_as_maud! { a title=@if id == 7 { "seven" } @else { "other" } {} }
    same_as_maud! { a title=@match id { 7 => "seven", _ => "other" } {} }
    same_as_maud! { a title={ @let twice = 2 * id; (twice) @for n in 0..3 { "," (n) } ; { "-" { "x" } } } {} }
    let mut left = 3;
    let after = |left: &mut u32| {
        *left -= 1;
        ";"
    };
    let built: Html<()> = html! { a title={ @while left > 0 { (left) (after(&mut left)) } } {} };
    check(&built, "<a title=\"3;2;1;\"></a>");
    let mut stack = vec![1, 2];
    let built: Html<()> = html! { a title={ @while let Some(top) = stack.pop() { (top) } } {} };
    check(&built, "<a title=\"21\"></a>");
}

#[test]
fn struct_literals_in_brackets() {
    struct Maud {
        rocks: bool,
        cuteness: Option<i32>,
    }
    same_as_maud! { input checked[Maud { rocks: true, cuteness: None }.rocks]; }
    same_as_maud! { p.rocks[Maud { rocks: true, cuteness: None }.rocks] {} }
    same_as_maud! { input value=[Maud { rocks: true, cuteness: Some(9000) }.cuteness]; }
    let maud = Maud { rocks: false, cuteness: Some(1) };
    check(&html! { (maud.cuteness.unwrap()) (maud.rocks) }, "1false");
}

#[test]
fn classes_and_ids() {
    same_as_maud! { p { "Hi, " span.name { "Lyra" } "!" span .name.here { "Lyra" } } }
    same_as_maud! { p.rocks-these.are--my--rocks { "yes" } }
    same_as_maud! { h1."pinkie-123" { "Pinkie Pie" } }
    same_as_maud! { p { "Hi, " span.name.here lang="en" #thing { "Lyra" } "!" } }
    same_as_maud! { h1 # "pinkie-123" { } }
    same_as_maud! { .awesome-class {} #unique-id {} }
    same_as_maud! { .awesome-class contenteditable dir="rtl" #unique-id {} }
    same_as_maud! { #unique-id contenteditable dir="rtl" .awesome-class {} }
    let class = "pinkie";
    same_as_maud! { p.(class) { "Fun!" } }
    same_as_maud! { p.{ (class) "123" } #(class) { "Fun!" } }
    same_as_maud! { p.a #{ "x-" (class) } .(class) { } }
    same_as_maud! { p.@if class == "pinkie" { "empty" } @else { "full" } { "Chocolate milk" } }
    same_as_maud! { span class=@match class { "pinkie" => "one", _ => "many" } { (class) } }
    same_as_maud! { p class=(class) {} p class={ (class) "-x" } {} p class=[Some(class)] {} p class=[None::<&str>] {} }
}

#[test]
fn switched_classes() {
    fn both(is_cupcake: bool, is_muffin: bool) -> Html<()> {
        html!(p.cupcake[is_cupcake].muffin[is_muffin] { "Testing!" })
    }
    check(&both(true, true), r#"<p class=" cupcake muffin">Testing!</p>"#);
    check(&both(false, true), r#"<p class=" muffin">Testing!</p>"#);
    check(&both(false, false), r#"<p class="">Testing!</p>"#);
    same_as_maud! { p.cupcake.muffin[true].lamington { "Testing!" } }
    same_as_maud! { p.cupcake.muffin[false].lamington { "Testing!" } }
    check(&html! { p.x."a b"[true]."c d"[false] {} }, r#"<p class="x a b"></p>"#);
}

#[test]
fn classes_of_all_notations_make_one_attribute() {
    let (on, off, name) = (true, false, "dynamic");
    check(&html! { p.b class="a" .c {} }, r#"<p class="b a c"></p>"#);
    check(&html! { p class="a" .b[on] .c[off] {} }, r#"<p class="a b"></p>"#);
    check(&html! { p class=(name) .b[on] .c[off] .d {} }, r#"<p class="dynamic b d"></p>"#);
    check(&html! { p.a[off] .(name)[on] .(name)[off] ."e f" {} }, r#"<p class="dynamic e f"></p>"#);
    check(
        &html! { p class=[Some(name)] .b {} p class=[None::<&str>] .b {} },
        r#"<p class="dynamic b"></p><p class="b"></p>"#,
    );
}

#[test]
fn control_structures() {
    for number in 1..5 {
        same_as_maud! {
            @if number == 1 { "one" } @else if number == 2 { "two" } @else if number == 3 { "three" } @else { "oh noes" }
        }
        same_as_maud! { @if number == 1 { b { "one" } } }
        same_as_maud! { @match number { 1 | 2 => "few", n if n % 2 == 0 => span { "even" }, n => { (n) } } }
        same_as_maud! { @match number { 1 => {} 2 => { @let _x = number.to_string(); } _ => (number) } }
    }
    for input in [Some("yay"), None] {
        same_as_maud! { @if let Some(value) = input { (value) } @else { "oh noes" } }
        same_as_maud! { @if let Some(value) = input && value.len() == 3 { (value) } }
        same_as_maud! { @match input { Some(value) => { div { (value) } }, None => { "oh noes" }, } }
        same_as_maud! { @match input { Some(value) => (value), None => span { "oh noes" } } }
    }
}

#[test]
fn lets() {
    same_as_maud! { @let x = 42; "I have " (x) " cupcakes!" }
    let x = 42;
    same_as_maud! { { @let x = 99; "Twilight: " (x) (x + 1) ", " } "but I: " (x) "." { @let _y = x.to_string(); } }
    same_as_maud! {
        @let mut x: Box<dyn Iterator<Item = u32>> = Box::new(vec![42].into_iter());
        "I have " (x.next().unwrap()) " cupcakes!"
    }
    same_as_maud! { @let Some(x) = Some(1) else { panic!() }; (x) }
    check(
        &html! { ul { @for x in 0..2 { { @let y = x + 1; li key=(y) { (y) } } (x) } } },
        "<ul><li>1</li>0<li>2</li>1</ul>",
    );
}

#[test]
fn loops() {
    let ponies = ["Apple Bloom", "Scootaloo"];
    check(
        &html! { ul { @for pony in &ponies { li key=(pony) { (pony) } } } },
        "<ul><li>Apple Bloom</li><li>Scootaloo</li></ul>",
    );
    check(
        &html! { @for (n, pony) in ponies.iter().enumerate() { "-" b key=(n) { (pony) } } },
        "-<b>Apple Bloom</b>-<b>Scootaloo</b>",
    );
    let mut numbers = (0..3).peekable();
    check(
        &html! { ul { @while numbers.peek().is_some() { @let n = numbers.next().unwrap(); li key=(n) { (n) } } } },
        "<ul><li>0</li><li>1</li><li>2</li></ul>",
    );
    let mut stack = vec!["a".to_owned(), "b".to_owned()];
    check(&html! { @while let Some(top) = stack.pop() { b key=(top) { (top) } } }, "<b>b</b><b>a</b>");
}

#[test]
fn a_loop_can_be_left_by_the_function_around_it() {
    fn sum(texts: &[&str]) -> Result<Html<()>, std::num::ParseIntError> {
        Ok(html! { ul { @for text in texts { li key=(text) { (text.parse::<u32>()? + 1) } } } })
    }
    check(&sum(&["1", "2"]).unwrap(), "<ul><li>2</li><li>3</li></ul>");
    assert!(sum(&["1", "x"]).is_err());
}

#[test]
fn splices() {
    struct Creature {
        name: &'static str,
        adorableness: u32,
    }
    impl Creature {
        fn repugnance(&self) -> u32 {
            10 - self.adorableness
        }
    }
    same_as_maud! { ("<pinkie>") (maud::PreEscaped("<b></b>").0) ({ (2..11).product::<i32>() }) (1 + 1) }
    let pinkie = Creature { name: "Pinkie Pie", adorableness: 9 };
    let tuple = ("ducks", "geese");
    same_as_maud! { "Name: " (pinkie.name) ". Rating: " (pinkie.repugnance()) (tuple.0) (format!("{}!", pinkie.name)) }
}
