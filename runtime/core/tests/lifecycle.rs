//! Moves that the diagram of a session's phases doesn't have, and what the compiler says of them.

/// `TRYBUILD=overwrite cargo nextest run -p lightspeed-core --test lifecycle` writes the messages anew.
#[test]
fn illegal_moves_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/lifecycle/*.rs");
}
