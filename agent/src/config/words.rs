//! Words out of a fixed list, and the one somebody probably meant.

/// The word of `known` that `typed` is probably a slip of; none if nothing is near.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = plain(typed);
    // A third of the letters wrong is a slip; more is another word. The length also bounds the work.
    let slips_max = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|word| typed.len().abs_diff(word.len()) <= slips_max)
        .map(|word| (strsim::osa_distance(&typed, &plain(word)), word))
        .filter(|(slips, word)| *slips <= slips_max && *slips < word.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

/// What a slip of case or of `-` and `_` is not worth.
pub(super) fn plain(word: &str) -> String {
    word.chars().take(64).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// `one of a, b, c · did you mean "b"?`
pub(super) fn advice(typed: &str, known: &[&str]) -> String {
    let list = format!("one of {}", known.join(", "));
    match nearest(typed, known.iter().copied()) {
        Some(word) => format!("{list} · did you mean \"{word}\"?"),
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        let known = ["auto", "leader", "hot-standby", "max_check_attempts"];
        let check = |typed, word| assert_eq!(nearest(typed, known), word, "{typed}");
        check("atuo", Some("auto"));
        check("HOT_STANDBY", Some("hot-standby"));
        check("leadr", Some("leader"));
        check("max_check_attemps", Some("max_check_attempts"));
        check("follower", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
