use alloc::vec::Vec;

use lightspeed_protocol::template::{EventKind, Namespace, SlotKind, SlotRef};

use super::{check, sum};

#[track_caller]
fn sees(html: &str, slots: &[(SlotKind, &[u16], &str)], seen: &str) {
    sees_in(Namespace::Html, html, slots, seen);
}

#[track_caller]
fn sees_in(namespace: Namespace, html: &str, slots: &[(SlotKind, &[u16], &str)], seen: &str) {
    let slots: Vec<SlotRef<'_>> = slots
        .iter()
        .map(|(kind, path, name)| {
            let event = (*kind == SlotKind::Handler).then_some(EventKind::Click);
            SlotRef { path, kind: *kind, name, event, templates: Vec::new() }
        })
        .collect();
    assert_eq!(check(html, &slots, namespace), sum(seen), "{html}");
}

#[test]
fn the_sum_is_the_published_one() {
    // http://www.isthe.com/chongo/src/fnv/test_fnv.c
    assert_eq!(sum(""), 0x811c_9dc5);
    assert_eq!(sum("a"), 0xe40c_292c);
    assert_eq!(sum("foobar"), 0xbf9c_f968);
}

#[test]
fn all_child_lists_on_the_way_to_a_slot_are_seen() {
    use SlotKind::{Attribute, Branch, Handler, List, Splice};
    sees("<p>static</p>", &[], "<p");
    sees("<p>a <b>b</b></p>text", &[(Attribute, &[0], "title")], "<p<#texttext");
    sees(
        "<p>Count: <!><!><!> times</p>",
        &[(Splice, &[0, 2], "")],
        "<p<#textCount: <#comment#<#comment<#text times>",
    );
    sees(
        "<ul><li>x</li><!></ul><br><p>&lt;1 &amp;&quot;</p>&gt;",
        &[(List, &[0, 1], "")],
        "<ul<li#><br<p<#text>",
    );
    sees("<!><!>", &[(Branch, &[1], "")], "<#comment#");
    sees("<div><i><b><!></b></i><i></i></div>", &[(Splice, &[0, 0, 0, 0], "")], "<div<i<b#>><i>");
    sees(
        "<svg><foreignObject><p><!></p></foreignObject></svg>",
        &[(Splice, &[0, 0, 0, 0], "")],
        "<svg<foreignobject<p#>>>",
    );
    sees("<script>a < b && \"<b>\" </i></script><!>", &[(Splice, &[1], "")], "<script#");
    sees("<pre>\n\nx<!></pre>", &[(Splice, &[0, 1], "")], "<pre<#text\nx#>");
    sees("<p><b>x</b></p>", &[(Handler, &[0], "")], "<p null null null null null null nullx");
}

#[test]
fn what_tells_elements_with_handlers_apart_is_seen() {
    use SlotKind::{Attribute, Handler, Property, Splice};
    sees(
        "<button class=\"c\" title=\"&quot;t&quot;\" name=\"n\">a<b>b<i></i></b>&amp;</button>",
        &[(Handler, &[0], "")],
        "<button null n null null null \"t\" nullab&",
    );
    sees(
        "<a href=\"/x\" id=\"i\"><!></a>",
        &[(Handler, &[0], ""), (Splice, &[0, 0], "")],
        "<a i null null null /x null null#>",
    );
    sees(
        "<input name=\"n\" value=\"v\">",
        &[(Property, &[0], "value"), (Handler, &[0], "")],
        "<input null n null null null null",
    );
    sees(
        "<input name=\"n\" type=\"\">x",
        &[(Attribute, &[0], "name"), (Handler, &[0], "")],
        "<input null  null null null null<#textx",
    );
    sees("<textarea>t</textarea>", &[(Handler, &[0], "")], "<textarea null null null null null null null");
    sees("<x-y>t</x-y>", &[(Handler, &[0], "")], "<x-y null null null null null null null");
}

#[test]
fn in_svg_and_mathml_no_element_is_void_or_holds_text_alone() {
    use SlotKind::{Handler, List, Splice};
    sees(
        "<svg><style><!><g><!></g></style></svg>",
        &[(List, &[0, 0, 0], ""), (Splice, &[0, 0, 1, 0], "")],
        "<svg<style#<g#>>>",
    );
    sees(
        "<svg><style><b>x</b>&lt;</style><!></svg>",
        &[(Handler, &[0, 0], ""), (Splice, &[0, 1], "")],
        "<svg<style null null null null null null nullx<#>",
    );
    sees("<svg><link></link><!></svg>", &[(Splice, &[0, 1], "")], "<svg<link#>");
    sees_in(Namespace::Svg, "<style><!></style>", &[(Splice, &[0, 0], "")], "<style#>");
    // HTML again.
    for around in ["svg><foreignObject", "svg><desc", "math><mtext"] {
        let (outer, inner) = around.split_once("><").unwrap_or_default();
        let html = alloc::format!("<{around}><style><i></style><br><!></{inner}></{outer}>");
        let seen = alloc::format!("<{outer}<{}<style<br#>>", inner.to_ascii_lowercase());
        sees(&html, &[(Splice, &[0, 0, 2], "")], &seen);
    }
    let html = |encoding: &str, style: &str| {
        alloc::format!(
            "<math><annotation-xml encoding=\"{encoding}\"><style>{style}</style><!></annotation-xml></math>"
        )
    };
    sees(&html("text/HTML", "<i>"), &[(Splice, &[0, 0, 1], "")], "<math<annotation-xml<style#>>");
    let slots: [(_, &[u16], _); 2] = [(Splice, &[0, 0, 0, 0], ""), (Splice, &[0, 0, 1], "")];
    sees(&html("x", "<!>"), &slots, "<math<annotation-xml<style#>#>>");
}
