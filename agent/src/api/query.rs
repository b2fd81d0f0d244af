//! What stands behind the `?` of a link of ours.

/// A text as the value of a query.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_value() {
        assert_eq!(escaped("/etc/a.cfg"), "/etc/a.cfg");
        assert_eq!(escaped("a b&c=d#\"'<ä"), "a%20b%26c%3Dd%23%22%27%3C%C3%A4");
    }
}
