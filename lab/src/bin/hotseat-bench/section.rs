//! A part of the report that is measured by itself: it stands between marks of its own, so that it can be replaced alone,
//! and stays as it is until it is measured again.

use crate::args::Part;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    pub(crate) part: Part,
}

impl Section {
    /// All of them, in the order of a report.
    pub(crate) const ALL: [Self; 8] = [
        Self { name: "alarms", part: Part::Alarms },
        Self { name: "endurance", part: Part::Endurance },
        Self { name: "swaps", part: Part::Swaps },
        Self { name: "rivals", part: Part::Rivals },
        Self { name: "fronts", part: Part::Fronts },
        Self { name: "load", part: Part::Load },
        Self { name: "endpoints", part: Part::Endpoints },
        Self { name: "dashboard", part: Part::Dashboard },
    ];

    fn open(self) -> String {
        format!("<!-- {}: written by hotseat-bench --only {0} -->", self.name)
    }

    fn close(self) -> String {
        format!("<!-- /{} -->", self.name)
    }

    /// Its text between its marks.
    pub(crate) fn marked(self, text: &str) -> String {
        format!("{}\n\n{}\n\n{}\n", self.open(), text.trim(), self.close())
    }

    /// Puts it, marked, in the place of the one that stands in a report, or at its end.
    pub(crate) fn placed(self, report: &str, marked: &str) -> String {
        let around = report
            .split_once(&self.open())
            .and_then(|(before, rest)| Some((before, rest.split_once(&self.close())?.1)));
        match around {
            Some((before, after)) => format!("{before}{}{after}", marked.trim_end()),
            None => format!("{}\n\n{marked}", report.trim_end()),
        }
    }

    /// The one that stands in a report, marked.
    pub(crate) fn standing(self, report: &str) -> Option<String> {
        let (inside, _) = report.split_once(&self.open())?.1.split_once(&self.close())?;
        Some(self.marked(inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_nothing_else() {
        let [section, other, ..] = Section::ALL;
        let report = other.placed(&section.placed("head\n", &section.marked("old")), &other.marked("beside"));
        let new = section.marked("new");
        assert_eq!(section.placed(&report, &new), report.replace("old", "new"));
        assert_eq!(section.placed("head\n", &new), format!("head\n\n{new}"));
        assert_eq!(section.standing(&section.placed(&report, &new)), Some(new));
        assert_eq!(other.standing("head"), None);
    }
}
