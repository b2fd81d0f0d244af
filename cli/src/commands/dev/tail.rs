//! What the logs of a `hotseat dev` say when it could not get ready.

use std::fs;

use super::stage::Stage;
use crate::commands::Failed;

/// Lines of a log that are shown.
const LINES: usize = 12;

/// Why nobody serves, as far as it was said, and where to read on.
pub(super) fn failure(stage: &Stage) -> Failed {
    let logs: Vec<_> =
        stage.nodes.iter().map(|node| (node, fs::read_to_string(node.log()).unwrap_or_default())).collect();
    let mark = format!("{} | ", stage.plan.group);
    let said = logs
        .iter()
        .map(|(node, log)| (*node, last(log, |line| line.contains(&mark))))
        .find(|(_, said)| !said.is_empty());
    let told = || logs.iter().map(|(node, log)| (*node, last(log, |_| true))).find(|(_, told)| !told.is_empty());
    let folder = stage.nodes[0].folder.display();
    let end = stage.service_end.as_ref().map(|end| format!(": {end}")).unwrap_or_default();
    let text = match (said, told()) {
        (Some((node, said)), _) => {
            format!("the server does not become ready{end}. On {} it said:\n{}", node.name, short(&said, &mark))
        }
        (None, _) if !end.is_empty() => format!("the server does not become ready{end}. It said nothing."),
        (None, Some((node, told))) => {
            format!("nobody becomes leader. The log of {} ends with:\n{}", node.name, short(&told, ""))
        }
        (None, None) => String::from("nobody becomes leader, and the agents say nothing."),
    };
    Failed::new(format!("{text}\n       Configurations and logs are kept in {folder}"))
}

fn last(log: &str, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    let lines: Vec<_> = log.lines().filter(|line| wanted(line)).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

/// Indented, from the mark on.
fn short(lines: &[&str], mark: &str) -> String {
    let from = |line: &str| line.find(mark).map_or(0, |at| at + mark.len());
    let lines: Vec<_> = lines.iter().map(|line| format!("         {}", &line[from(line)..])).collect();
    lines.join("\n")
}
