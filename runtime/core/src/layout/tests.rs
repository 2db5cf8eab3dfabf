use alloc::vec::Vec;

use lightspeed_protocol::template::{EventKind, SlotKind, SlotRef};

use super::{check, sum};

#[track_caller]
fn sees(html: &str, slots: &[(SlotKind, &[u16], &str)], seen: &str) {
    let slots: Vec<SlotRef<'_>> = slots
        .iter()
        .map(|(kind, path, name)| {
            let event = (*kind == SlotKind::Handler).then_some(EventKind::Click);
            SlotRef { path, kind: *kind, name, event, templates: Vec::new() }
        })
        .collect();
    assert_eq!(check(html, &slots), sum(seen), "{html}");
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
