//! Every file in `scenarios/`: a script, a line of dashes, and the story it tells. `BLESS=1` writes the stories anew.

use std::fs;
use std::path::Path;

fn check(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let (script, expected) = text.split_once("\n---\n").unwrap_or((text.trim_end(), ""));
    let name = file.display();
    let story = hotseat_sim::play(script).map_err(|why| format!("{name}: {why}"))?;
    if std::env::var_os("BLESS").is_some() {
        return fs::write(file, format!("{script}\n---\n{story}")).map_err(|error| error.to_string());
    }
    if story == expected {
        return Ok(());
    }
    let differs = expected.lines().zip(story.lines()).find(|(was, is)| was != is);
    Err(format!("{name}: the story has changed, first here: {differs:#?}\nbless it with BLESS=1\n\n{story}"))
}

#[test]
fn scenarios_tell_their_stories() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() >= 12, "only {} scenarios", files.len());
    let wrong: Vec<_> = files.iter().filter_map(|file| check(file).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
