//! The messages that an author reads, as text: span and mend are part of them.
//!
//! `TRYBUILD=overwrite cargo test -p lightspeed-macros --test ui` writes them anew; read what it wrote.

#[test]
fn messages() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
