//! Definition lists, before/after, and the steps of a wizard.

use maud::{Markup, Render, html};

/// A definition list: what a thing is, line by line. Unknown stays visible as unknown.
#[derive(Clone, Debug, Default)]
pub struct Pairs(Vec<(String, Markup)>);

impl Pairs {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    #[must_use]
    pub fn add(mut self, term: impl Into<String>, what: impl Render) -> Self {
        self.0.push((term.into(), what.render()));
        self
    }

    /// Adds a line whose value may be missing.
    #[must_use]
    pub fn maybe<R: Render>(self, term: impl Into<String>, what: Option<R>) -> Self {
        match what {
            Some(what) => self.add(term, what),
            None => self.add(term, html! { span.quiet { "not known" } }),
        }
    }

    /// Adds a line only where there is something to say: what is missing here is no gap.
    #[must_use]
    pub fn some<R: Render>(self, term: impl Into<String>, what: Option<R>) -> Self {
        match what {
            Some(what) => self.add(term, what),
            None => self,
        }
    }
}

impl Render for Pairs {
    fn render(&self) -> Markup {
        html! { dl.pairs { @for (term, what) in &self.0 { dt { (term) } dd.num { (what) } } } }
    }
}

/// Before and after, with what went struck out and what came marked, word by word.
pub fn diff(before: &str, after: &str) -> Markup {
    let (old, new) = (words(before), words(after));
    let kept = common(&old, &new);
    html! {
        div.diff {
            div {
                h3 { "Before" }
                @for (index, word) in old.iter().enumerate() {
                    @if kept.iter().any(|(o, _)| *o == index) { (word) } @else { del { (word) } }
                }
            }
            div {
                h3 { "After" }
                @for (index, word) in new.iter().enumerate() {
                    @if kept.iter().any(|(_, n)| *n == index) { (word) } @else { ins { (word) } }
                }
            }
        }
    }
}

/// Words with the space that follows them, so that the text reads on.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(char::is_whitespace).collect()
}

/// Texts longer than this are shown as wholly replaced: the comparison is quadratic.
const WORDS_MAX: usize = 1_000;

/// The longest common run of words, as pairs of places in both texts.
fn common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    if old.len() > WORDS_MAX || new.len() > WORDS_MAX {
        return Vec::new();
    }
    let same = |a: usize, b: usize| old[a].trim_end() == new[b].trim_end();
    let mut length = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            length[a][b] =
                if same(a, b) { length[a + 1][b + 1] + 1 } else { length[a + 1][b].max(length[a][b + 1]) };
        }
    }
    let (mut a, mut b, mut pairs) = (0, 0, Vec::new());
    while a < old.len() && b < new.len() {
        if same(a, b) {
            pairs.push((a, b));
            a += 1;
            b += 1;
        } else if length[a + 1][b] >= length[a][b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

/// The steps of a wizard; `here` counts from 0. Steps before it are done and link back when they can.
pub fn stepper(steps: &[(&str, Option<String>)], here: usize) -> Markup {
    html! {
        ol.stepper aria-label="Steps" {
            @for (index, (label, href)) in steps.iter().enumerate() {
                li class=[(index < here).then_some("done")] aria-current=[(index == here).then_some("step")] {
                    @match href {
                        Some(href) if index < here => { a href=(href) { (label) } },
                        Some(_) | None => (label),
                    }
                    @if index < here { span.vh { " (done)" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_marks_only_what_changed() {
        let shown = diff("Call on Monday please", "Call on Tuesday please").into_string();
        assert!(shown.contains("<del>Monday </del>"), "{shown}");
        assert!(shown.contains("<ins>Tuesday </ins>"), "{shown}");
        assert!(!shown.contains("<del>Call"), "{shown}");
        assert!(diff("", "").into_string().contains("Before"));
    }
}
