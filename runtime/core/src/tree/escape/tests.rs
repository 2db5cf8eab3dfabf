//! What may stand in attributes that a browser follows or runs.

use super::{REFUSED_URL, guarded};
use crate::tree::template::Guard;

#[track_caller]
fn check(guard: Guard, refused: &[&str], taken: &[&str]) {
    for text in refused {
        assert_eq!(guarded(guard, text), REFUSED_URL, "{guard:?} takes {text:?}");
    }
    for text in taken {
        assert_eq!(guarded(guard, text), *text, "{guard:?} refuses {text:?}");
    }
}

#[test]
fn text_may_be_anything() {
    check(Guard::Text, &[], &["", "javascript:alert(1)", "data:text/html,x"]);
}

#[test]
fn a_url_is_no_script() {
    let refused = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "\u{1}\u{1f} \tjavascript:alert(1)",
        "java\nscript:alert(1)",
        "j\ta\rv\nascript\t:alert(1)",
    ];
    let taken = [
        "",
        "#;javascript:alert(1)",
        "/javascript:alert(1)",
        "java script:alert(1)",
        "javascript",
        "xjavascript:alert(1)",
        "data:image/png;base64,AA==",
        "https://example.com/?q=javascript:",
        "\u{a0}javascript:alert(1)",
    ];
    check(Guard::Url, &refused, &taken);
}

#[test]
fn what_runs_is_no_data_either() {
    let refused =
        ["javascript:x", "data:text/javascript,alert(1)", " DA\nTA:text/html,<script>alert(1)</script>"];
    check(Guard::Code, &refused, &["", "/data:x", "https://example.com/data:", "database.html"]);
}

#[test]
fn each_url_of_a_list_is_looked_at() {
    let refused = [
        "javascript:x",
        "/a javascript:x",
        "/a 1x,javascript:x 2x",
        "/a\tJAVASCRIPT:x",
        "/a,\u{1}javascript:x",
    ];
    // A space ends a URL here, also within a scheme.
    let taken = ["", "/a 1x, /b 2x", "java script:x", "data:image/png;base64,AA== 1x", "/a?javascript:x"];
    check(Guard::Tokens, &refused, &taken);
}

#[test]
fn each_value_of_an_animation_is_looked_at() {
    let refused = [
        "javascript:x",
        "#;javascript:alert(1);#",
        "#; java\nscript:x",
        "#;\u{1}JavaScript:x",
        ";;javascript:",
        "#;data:text/html,x",
    ];
    check(Guard::Values, &refused, &["", "#a;#b", "0;1;0", "red; blue", "#javascript:x", "1 javascript:x"]);
}
