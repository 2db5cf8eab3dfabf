//! Templates as text: `namespace roots N: statics with {kind path} for slots`, nested ones first.

mod parser;

use std::fmt::Write as _;
use std::str::FromStr as _;

use proc_macro2::TokenStream;

use super::{Guard, Kind, Template, Templates};
use crate::errors::Errors;

fn lower(source: &str, errors: &mut Errors) -> Vec<Template> {
    let tokens = TokenStream::from_str(source).expect("it is Rust's tokens");
    let markups = crate::parse::parse(tokens, errors).unwrap_or_default();
    crate::check::check(&markups, errors);
    let mut templates = Templates::default();
    templates.root(&markups);
    templates.templates
}

fn templates(source: &str) -> Vec<Template> {
    let mut errors = Errors::default();
    let templates = lower(source, &mut errors);
    assert!(errors.is_empty(), "{}", errors.into_tokens());
    templates
}

fn describe(template: &Template) -> String {
    let mut out = format!("{:?} {}: {}", template.namespace, template.roots, template.statics[0]);
    for (slot, html) in template.slots.iter().zip(&template.statics[1..]) {
        let kind = match &slot.kind {
            Kind::Splice => "splice".to_owned(),
            Kind::Attribute { name, guard: Guard::Text } => format!("{name}=()"),
            Kind::Attribute { name, guard } => {
                format!("{name}=({})", format!("{guard:?}").to_ascii_lowercase())
            }
            Kind::Flag { name } => format!("{name}[]"),
            Kind::Class { name } => format!(".{name}[]"),
            Kind::Property { field, is_content } => {
                format!(
                    "property {}{}",
                    field.as_deref().unwrap_or("-"),
                    if *is_content { " content" } else { "" }
                )
            }
            Kind::BoolProperty { name } => format!("property {name}[]"),
            Kind::Handler { event } => format!("on {event}"),
            Kind::Branch { arms } => format!("branch {arms:?}"),
            Kind::List { item } => format!("list {item}"),
        };
        let path: Vec<String> = slot.path.iter().map(ToString::to_string).collect();
        let _ = write!(out, "{{{kind} {}}}{html}", path.join("."));
    }
    out
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let templates = templates(source);
    let found: Vec<String> = templates.iter().map(describe).collect();
    assert_eq!(found, expected, "{source}");
    templates.iter().for_each(parser::check);
}

#[test]
fn a_template_without_slots_is_one_static() {
    check(r#"p { "a" b { "c" } } br;"#, &["Html 2: <p>a<b>c</b></p><br>"]);
    check(r#"p { "a" { "b" "" } }"#, &["Html 1: <p>ab</p>"]);
}

#[test]
fn an_instance_has_a_first_node_that_is_an_element_or_a_comment() {
    check("", &["Html 1: <!>"]);
    check("\"\" ;", &["Html 1: <!>"]);
    check(r#""text""#, &["Html 2: <!>text"]);
    check("(a)", &["Html 2: <!>{splice 1}"]);
    check(r#"{ { "a" } } p {}"#, &["Html 3: <!>a<p></p>"]);
    check("@if a { (b) }", &["Html 2: <!>{splice 1}", "Html 2: <!>{branch [0] 1}"]);
}

#[test]
fn comments_keep_texts_and_slots_apart() {
    check("p { (a) }", &["Html 1: <p>{splice 0.0}</p>"]);
    check("p { (a) (b) }", &["Html 1: <p>{splice 0.0}<!>{splice 0.2}</p>"]);
    check(r#"p { "x" (a) "y" "z" (b) }"#, &["Html 1: <p>x<!>{splice 0.2}<!>yz<!>{splice 0.6}</p>"]);
    check(r#"p { (a) b { "x" } (c) }"#, &["Html 1: <p>{splice 0.0}<b>x</b>{splice 0.2}</p>"]);
    check(r#"p { (a) "" { @let x = 1; (x) } }"#, &["Html 1: <p>{splice 0.0}<!>{splice 0.2}</p>"]);
    check(r#"p {} (a) "x""#, &["Html 4: <p></p>{splice 1}<!>x"]);
}

#[test]
fn paths_count_elements_texts_comments_and_slots() {
    check(
        r#"div { "a" p { "b" (c) } (d) ul { li { (e) } } }"#,
        &["Html 1: <div>a<p>b<!>{splice 0.1.2}</p>{splice 0.2}<ul><li>{splice 0.3.0.0}</li></ul></div>"],
    );
}

#[test]
fn branches_and_lists_have_templates_of_their_own() {
    check(
        r#"@if a { "x" } @else if b { p { (c) } } @else {}"#,
        &["Html 2: <!>x", "Html 1: <p>{splice 0.0}</p>", "Html 2: <!>{branch [0, 1] 1}"],
    );
    check(
        "div { @match a { 1 => {} _ => { b {} } } @for x in xs { i key=(x) { (x) } } }",
        &[
            "Html 1: <b></b>",
            "Html 1: <i>{splice 0.0}</i>",
            "Html 1: <div>{branch [0] 0.0}<!>{list 1 0.2}</div>",
        ],
    );
}

#[test]
fn attribute_slots_are_in_the_order_in_which_they_are_written() {
    check(
        r#"a title=(t) #(i) .x.y[c] href={ "/" (u) } hidden[h] lang="de" onclick=(m) {}"#,
        &[
            "Html 1: <a class=\"x{.y[] 0}\"{id=() 0}{title=() 0}{href=(url) 0}{hidden[] 0} lang=\"de\"{on Click 0}></a>",
        ],
    );
    check(".a .(b) .c[d] {}", &["Html 1: <div{class=() 0}></div>"]);
    check(r#"p class="x" ."a b"[c] .d[e] {}"#, &["Html 1: <p class=\"x{.a[] 0}{.b[] 0}{.d[] 0}\"></p>"]);
}

#[test]
fn attributes_that_are_state_are_properties() {
    check(r#"input name="q" value=(v);"#, &["Html 1: <input name=\"q\"{property q 0}>"]);
    check("input value=[v] checked[c];", &["Html 1: <input{property - 0}{property checked[] 0}>"]);
    check(r#"input value="x" checked;"#, &["Html 1: <input value=\"x\" checked=\"\">"]);
    check(
        "option value=(v) selected[s] {}",
        &["Html 1: <option{value=() 0}{property selected[] 0}></option>"],
    );
    check(
        r#"textarea name="t" { "a" (b) @if c { "d" } }"#,
        &["Html 1: <textarea name=\"t\">{property t content 0}</textarea>"],
    );
}

#[test]
fn a_newline_that_a_parser_drops_is_written_twice() {
    check("pre { \"\\nx\" }", &["Html 1: <pre>\n\nx</pre>"]);
    check("pre { \"\" \"\\r\\nx\" }", &["Html 1: <pre>\n\nx</pre>"]);
    check("pre { \"x\\n\" }", &["Html 1: <pre>x\n</pre>"]);
    check("textarea { \"\\nx\" }", &["Html 1: <textarea>\n\nx</textarea>"]);
    check("p { \"\\nx\" }", &["Html 1: <p>\nx</p>"]);
    check("pre { (x) }", &["Html 1: <pre><!>{splice 0.1}</pre>"]);
    check("pre { b {} (x) }", &["Html 1: <pre><b></b>{splice 0.1}</pre>"]);
}

#[test]
fn literals_are_escaped_for_their_place() {
    check(
        r#"p title="\"<a&b>'" { "\"<a&b>'" }"#,
        &["Html 1: <p title=\"&quot;&lt;a&amp;b&gt;'\">\"&lt;a&amp;b&gt;'</p>"],
    );
    check(r#"p { "a\r\nb\rc\0" }"#, &["Html 1: <p>a\nb\nc\u{FFFD}</p>"]);
    check(r#"script { "1 < 2 && 3" } "#, &["Html 1: <script>1 < 2 && 3</script>"]);
    check(r#"p.("&")."<" {}"#, &["Html 1: <p{class=() 0}></p>"]);
    check(r#"p."<&\"" {}"#, &["Html 1: <p class=\"&lt;&amp;&quot;\"></p>"]);
}

#[test]
fn the_namespace_is_that_of_the_place() {
    check(
        "svg { @if a { circle r=\"1\"; } }",
        &["Svg 1: <circle r=\"1\"></circle>", "Html 1: <svg>{branch [0] 0.0}</svg>"],
    );
    check(
        "svg { foreignObject { @if a { p {} } } }",
        &["Html 1: <p></p>", "Html 1: <svg><foreignObject>{branch [0] 0.0.0}</foreignObject></svg>"],
    );
    check("math { @if a { mi {} } }", &["MathMl 1: <mi></mi>", "Html 1: <math>{branch [0] 0.0}</math>"]);
    check("circle r=(r) {}", &["Svg 1: <circle{r=() 0}></circle>"]);
    check("@if a { path; }", &["Svg 1: <path></path>", "Html 2: <!>{branch [0] 1}"]);
    check(
        "g { @if a { a href=(b) {} } }",
        &["Svg 1: <a{href=(url) 0}></a>", "Svg 1: <g>{branch [0] 0.0}</g>"],
    );
    check("div { @if a { text {} } }", &["Html 1: <text></text>", "Html 1: <div>{branch [0] 0.0}</div>"]);
    check("mfrac { mi { \"x\" } }", &["MathMl 1: <mfrac><mi>x</mi></mfrac>"]);
}

#[test]
fn urls_are_marked() {
    check(
        "object data=(a) {} p data=(a) {} form action=(a) { button formaction=(b) {} }",
        &[
            "Html 3: <object{data=(code) 0}></object><p{data=() 1}></p><form{action=(url) 2}><button{formaction=(url) 2.0}></button></form>",
        ],
    );
    check(
        "iframe src=(a) {} img src=(a) srcset=(b); a href=(a) ping=[b] {} script src=(a) {}",
        &[
            "Html 4: <iframe{src=(code) 0}></iframe><img{src=(url) 1}{srcset=(tokens) 1}><a{href=(url) 2}{ping=(tokens) 2}></a><script{src=(code) 3}></script>",
        ],
    );
    check(
        r#"svg { a xlink:href=(a) { animate attributename="href" values=(b) to=(c); set to=(d); } use href=(a); }"#,
        &[
            "Html 1: <svg><a{xlink:href=(url) 0.0}><animate attributeName=\"href\"{values=(values) 0.0.0}{to=(values) 0.0.0}></animate><set{to=(values) 0.0.1}></set></a><use{href=(code) 0.1}></use></svg>",
        ],
    );
}

#[test]
fn names_are_spelled_as_a_parser_spells_them() {
    check(
        r#"svg VIEWBOX="0 0 9 9" preserveaspectratio=(a) { lineargradient GradientUnits=(b); FOREIGNOBJECT { P {} } }"#,
        &[
            "Html 1: <svg viewBox=\"0 0 9 9\"{preserveAspectRatio=() 0}><linearGradient{gradientUnits=() 0.0}></linearGradient><foreignObject><p></p></foreignObject></svg>",
        ],
    );
    check(r#"LinearGradient;"#, &["Svg 1: <linearGradient></linearGradient>"]);
    check(
        r#"math { mi DefinitionUrl="x" definitionurl2=(a) {} semantics DEFINITIONURL=(b) {} }"#,
        &[
            "Html 1: <math><mi definitionURL=\"x\"{definitionurl2=() 0.0}></mi><semantics{definitionURL=() 0.1}></semantics></math>",
        ],
    );
    // Where it may be spliced into an `svg`, what a client sets has the spelling of SVG.
    check("a VIEWBOX=(a) TITLE=(b) {}", &["Html 1: <a{viewBox=() 0}{title=() 0}></a>"]);
}

#[test]
fn fingerprints_tell_templates_apart() {
    let sources = [
        "p { (a) }",
        "b { (a) }",
        "p { (a) (b) }",
        "p title=(a) {}",
        "p title[a] {}",
        "p .title[a] {}",
        "p lang=(a) {}",
        "input name=\"a\" value=(b);",
        "input value=(b) name=\"a\";",
        "p onclick=(a) {}",
        "p oninput=(a) {}",
        "p { @if a { b {} } }",
        "p { @if a { i {} } }",
        "p { @if a { b {} } @else { b {} } }",
        "p { @for a in b { b key=(a) {} } }",
        "circle; ",
        "svg { circle; }",
        "textarea { (a) }",
    ];
    let mut seen = std::collections::BTreeMap::new();
    for source in sources {
        let root = templates(source).pop().expect("there is a root").fingerprint;
        assert_eq!(seen.insert(root, source), None, "{source}");
    }
}

#[test]
fn fingerprints_depend_on_the_template_alone() {
    let of = |source: &str| templates(source).pop().expect("there is a root").fingerprint;
    assert_eq!(of("p { (a) }"), of("p { (something.other()) ; }"));
    // It goes over the wire and into recordings: a change of it is a change of every recording.
    assert_eq!(of(r#"p title=(a) { "x" (b) }"#), 757_256_401);
}
