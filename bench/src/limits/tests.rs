//! What a gate has to notice.

use super::{Figure, Limits};

#[test]
fn what_exceeds_or_lacks_a_limit_is_noticed() {
    let limits = Limits::parse("[down]\nselect = 24\nswap = 30\n[ratios]\nhalf = 0.5\n").expect("limits");
    let figures = vec![
        Figure::count("down", "select", 24),
        Figure::count("down", "clear", 1),
        Figure { group: "ratios", name: "half".to_owned(), value: 0.51 },
    ];
    let verdicts = limits.judge(figures);
    let is_within: Vec<bool> = verdicts.iter().map(super::Verdict::is_within).collect();
    assert_eq!(is_within, [true, false, false]);
    assert_eq!(limits.unused(&verdicts), ["[down] swap"]);
}

#[test]
fn the_file_is_read() {
    let limits = Limits::read().expect("bench/limits.toml");
    assert!(limits.get("client", "all").is_some());
}
