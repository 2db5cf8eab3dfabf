use super::*;

#[test]
fn attributes_and_classes_have_one_order() {
    let html = "<p id=\"b\" class=\" z  a\">x &amp; y<br><textarea>\n\nz</textarea></p>";
    assert_eq!(
        MemoryDocument::canonical(html),
        "<p class=\"a z\" id=\"b\">x &amp; y<br><textarea>\nz</textarea></p>"
    );
}

#[test]
fn raw_html_is_kept_as_it_is() {
    let html = "<p><!--[--><B>x<!-- c --><!--[-->in<!--]--></B><!--]-->y</p>";
    assert_eq!(MemoryDocument::canonical(html), html);
}

#[test]
fn what_is_cut_short_does_no_harm() {
    let html = "<p id=\"b\" class=\"a\"><!--[-->x<!--]--><b>&amp;</b><!></p>";
    for length in 0..html.len() {
        MemoryDocument::canonical(&html[..length]);
    }
}
