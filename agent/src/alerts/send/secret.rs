//! Secrets stand in files of their own. They are read when they are used, so a new one counts at once, and never shown.

use std::path::Path;

use tokio::io::AsyncReadExt;

/// Longer than any password or URL; keeps a wrong file from filling the memory.
const LENGTH_MAX: u64 = 4096;

/// The first line of a file.
///
/// # Errors
/// Why there is none, with the file's name.
pub(super) async fn read(path: &Path) -> Result<String, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let mut text = String::new();
    let file = tokio::fs::File::open(path).await.map_err(|error| wrong(&error))?;
    file.take(LENGTH_MAX).read_to_string(&mut text).await.map_err(|error| wrong(&error))?;
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        Some(_) | None => Err(wrong(&"its first line is empty")),
    }
}
