use super::Around;

#[track_caller]
fn takes(around: &str, raw: &str) -> bool {
    let mut context = Around::default();
    context.read(around);
    let before = context.open.len();
    let is_taken = context.takes(raw);
    assert_eq!(context.open.len(), before, "what is asked leaves nothing open");
    // What comes in two pieces is the same.
    let mut pieces = Around::default();
    pieces.read(around);
    assert_eq!(pieces.takes(raw), is_taken);
    is_taken
}

#[test]
fn what_is_closed_is_taken() {
    for (around, raw) in [
        ("<div>", ""),
        ("<div>", "text &amp; more, 1 < 2"),
        ("<div>", "<p>one</p>\n<p class='a' id=b hidden>two<br>three<br/></p>"),
        ("<div><p>x</p>", "<p>para</p>"),
        ("<p>", "<b>b</b> <i><u>x</u></i> <a href=\"/?a=1&b\">link</a>"),
        ("<section>", "<h1>t</h1><ul><li>1</li><li>2<ul><li>3</li></ul></li></ul>"),
        ("<ul>", "<li>1</li><li>2</li>"),
        ("<ul><li>x</li>", "<li>1</li>"),
        ("<div>", "<table><tr><td>1</td></tr></table>"),
        (
            "<div>",
            "<table><thead><tr><th>1</th></tr></thead><tbody><tr><td><p>1</p></td></tr></tbody></table>",
        ),
        ("<table><tbody>", "<tr><td>1</td></tr>"),
        ("<table><tbody><tr>", "<td>1</td> <td>2</td>"),
        ("<table><tbody><tr><td>", "<div>1</div>"),
        ("<p><button>", "<div>1</div>"),
        ("<div>", "<!-- a comment --><!----><!>"),
        ("<div>", "<!--[--><b>x</b><!--]-->"),
        ("<div>", "<svg viewBox=\"0 0 1 1\"><g><circle r=1 /><path d=\"M0\"/></g><title>t</title></svg>"),
        ("<svg>", "<g><circle r=\"1\"></circle></g>"),
        ("<svg><foreignObject>", "<div>1</div>"),
        ("<div>", "<math><mi>x</mi><mo>=</mo><mtext><b>1</b></mtext></math>"),
        ("<div>", "<script>if (a < b) { '</p>' }</script><style>a > b {}</style>"),
        ("<div>", "<textarea></p></textarea><iframe></b></iframe>"),
        ("<script>'<p>'</script><div>", "<p>para</p>"),
        ("<div>", "<SPAN>x</span>"),
        ("<div>", "<select><option>1</option><option selected>2</option></select>"),
        ("<div>", "<dl><dt>a</dt><dd>b</dd></dl>"),
        ("<div>", "<x-card><slot></slot></x-card>"),
    ] {
        assert!(takes(around, raw), "{around}({raw})");
    }
}

#[test]
fn what_a_parser_would_repair_or_move_is_not_taken() {
    for (around, raw) in [
        ("<div>", "<p>para"),
        ("<div>", "</div>"),
        ("<div>", "</p>"),
        ("<div>", "</br>"),
        ("<div>", "</lightspeed-view>"),
        ("<div>", "<b>x</i>"),
        ("<div>", "<b><i>x</b></i>"),
        ("<p>", "<div>x</div>"),
        ("<p>", "<p>x</p>"),
        ("<p><b>", "<ul></ul>"),
        ("<p>", "<table></table>"),
        ("<div>", "<p><div></div></p>"),
        ("<div>", "<p>1<p>2"),
        ("<div>", "<!--"),
        ("<div>", "<!-- x"),
        ("<div>", "<!-->"),
        ("<div>", "<!--->"),
        ("<div>", "<!-- --!> -->"),
        ("<div>", "<!--]-->"),
        ("<div>", "<!--[-->"),
        ("<div>", "<!--[--><b><!--]--></b>"),
        ("<div>", "<!doctype html>"),
        ("<div>", "<?xml ?>"),
        ("<div>", "<![CDATA[x]]>"),
        ("<div>", "</ x>"),
        ("<div>", "<script>"),
        ("<div>", "<script><!--<script></script>"),
        ("<div>", "<style>a"),
        ("<div>", "<textarea>"),
        ("<div>", "<title>"),
        ("<div>", "<iframe>"),
        ("<div>", "<plaintext>"),
        ("<div>", "<xmp></xmp>"),
        ("<div>", "<noscript><b></b></noscript>"),
        ("<div>", "<template></template>"),
        ("<div>", "<body></body>"),
        ("<div>", "<tr><td>1</td></tr>"),
        ("<div>", "<td>1</td>"),
        ("<div>", "<caption>1</caption>"),
        ("<table>", "<tr><td>1</td></tr>"),
        ("<table>", "text"),
        ("<table><tbody>", "<div>1</div>"),
        ("<table><tbody><tr>", "<b>1</b>"),
        ("<div>", "<table><div></div></table>"),
        ("<div>", "<table>text</table>"),
        ("<ul><li>", "<li>1</li>"),
        ("<ul><li><div>", "<li>1</li>"),
        ("<dl><dd>", "<dt>1</dt>"),
        ("<h1>", "<h2>1</h2>"),
        ("<a>", "<a>1</a>"),
        ("<a><b>", "<a>1</a>"),
        ("<button>", "<button>1</button>"),
        ("<form><div>", "<form></form>"),
        ("<select>", "<select></select>"),
        ("<select>", "<div></div>"),
        ("<select><option>", "<option></option>"),
        ("<ruby><rt>", "<rt></rt>"),
        ("<svg>", "<div></div>"),
        ("<svg><g>", "<p></p>"),
        ("<svg>", "<circle>"),
        ("<math>", "<span></span>"),
        ("<math><mtext>", "<mglyph></mglyph>"),
        ("<div>", "<b"),
        ("<div>", "<b x=\"1></b>"),
        ("<div>", "<b x='1></b>"),
        ("<div>", "<b x=></b>"),
        ("<div>", "<b x=\"1\"y></b>"),
        ("<div>", "<b \"></b>"),
        ("<div>", "<div/>"),
        ("<div>", "<image></image>"),
    ] {
        assert!(!takes(around, raw), "{around}({raw})");
    }
}

#[test]
fn what_is_deep_is_not_taken_and_nothing_recurses() {
    let deep = |depth: usize| "<b>".repeat(depth) + &"</b>".repeat(depth);
    assert!(takes("<div>", &deep(200)));
    assert!(!takes("<div>", &deep(300)));
    assert!(!takes("<div>", &deep(200_000)));
}
