//! Text from a file, made safe for a terminal.

/// Shows control characters but newlines as what they are named, so that no file drives a terminal.
pub(crate) fn safe(text: &str) -> String {
    let is_odd = |character: char| {
        // The last ones change the direction of what follows.
        (character.is_control() && character != '\n')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_odd) {
        return text.to_owned();
    }
    let shown = text.chars().map(|character| {
        if is_odd(character) { character.escape_default().to_string() } else { character.to_string() }
    });
    shown.collect()
}

/// A count with its noun.
pub(crate) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

/// A number with a comma before every three digits.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Milliseconds as seconds.
pub(crate) fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_does_not_drive_the_terminal() {
        assert_eq!(safe("<p>ä</p>\n"), "<p>ä</p>\n");
        assert_eq!(safe("\u{1b}[2J\r\u{202e}x"), "\\u{1b}[2J\\r\\u{202e}x");
    }

    #[test]
    fn numbers_are_grouped() {
        let shown: Vec<_> = [0, 999, 1_000, 1_234_567].into_iter().map(thousands).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            (count(1, "frame", "frames"), count(2, "frame", "frames")),
            ("1 frame".into(), "2 frames".into())
        );
        assert_eq!(seconds(61_005), "61.005 s");
    }
}
