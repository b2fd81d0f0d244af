//! Small charts, drawn as SVG: no numbers on them, a word for who cannot see them. Nothing in them is text of others.

use std::time::Duration;

use hotseat_client::in_words;
use maud::{Markup, html};

use super::samples::KEPT;

/// In the picture's own units, which are a second wide.
const HEIGHT: u64 = 16;

/// A chart whose highest bar is no shorter than this is full: noise of microseconds must not look like mountains.
const QUIET: Duration = Duration::from_millis(20);

/// Delays, oldest first; a second without one is a gap.
pub(super) fn bars(samples: impl Iterator<Item = Option<Duration>> + Clone) -> Markup {
    let worst = samples.clone().flatten().max().unwrap_or_default();
    let full = worst.max(QUIET).as_micros();
    let mut path = String::new();
    for (place, delay) in (start(&samples)..).zip(samples.clone()) {
        let Some(delay) = delay else { continue };
        let height = (delay.as_micros() * u128::from(HEIGHT)).div_ceil(full).max(1);
        path += &format!("M{} {HEIGHT}v-{height}", place);
    }
    chart(&path, samples.count(), &format!("worst {}", in_words(worst)), "bars")
}

/// Hundredths, oldest first; a second without one is a gap.
pub(super) fn line(samples: impl Iterator<Item = Option<u8>> + Clone) -> Markup {
    let least = samples.clone().flatten().min().unwrap_or(0);
    let (mut path, mut down) = (String::new(), false);
    for (place, hundredths) in (start(&samples)..).zip(samples.clone()) {
        if let Some(hundredths) = hundredths {
            let y = HEIGHT - u64::from(hundredths.min(100)) * HEIGHT / 100;
            path += &format!("{}{} {y}", if down { 'L' } else { 'M' }, place);
        }
        down = hundredths.is_some();
    }
    chart(&path, samples.count(), &format!("least {least} %"), "line")
}

/// The newest second stands at the right edge.
fn start<T>(samples: &(impl Iterator<Item = T> + Clone)) -> usize {
    KEPT.saturating_sub(samples.clone().count())
}

fn chart(path: &str, count: usize, words: &str, class: &str) -> Markup {
    let words = format!("last {count} s: {words}");
    html! {
        svg class={ "spark " (class) } viewBox={ "0 -1 " (KEPT) " " (HEIGHT + 2) } preserveAspectRatio="none" role="img"
            aria-label=(words) { title { (words) } path d=(path) {} }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        let drawn = line([Some(100), Some(50), None, Some(0)].into_iter()).into_string();
        assert!(drawn.contains("d=\"M86 0L87 8M89 16\""), "{drawn}");
        assert!(drawn.contains("least 0 %"), "{drawn}");
        let ms = |millis| Some(Duration::from_millis(millis));
        let drawn = bars([ms(5), None, ms(40)].into_iter()).into_string();
        assert!(drawn.contains("d=\"M87 16v-2M89 16v-16\"") && drawn.contains("worst 40 ms"), "{drawn}");
    }
}
