//! The words by which services, trades and places are known, each with its usual name.

use std::sync::LazyLock;

/// A table of usual names and the words for them.
#[derive(Debug)]
pub struct Lexicon(Vec<(&'static str, Vec<Vec<String>>)>);

/// What agencies do.
pub static SERVICES: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("services.txt")));
/// Trades.
pub static INDUSTRIES: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("industries.txt")));
/// Cities, states and countries.
pub static PLACES: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("places.txt")));

impl Lexicon {
    /// One line a name: `Name: word | two words | …`; the name itself is one of the words.
    fn read(table: &'static str) -> Self {
        Self(
            table
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(|line| {
                    let (name, others) = line.split_once(':').unwrap_or((line, ""));
                    let all = std::iter::once(name)
                        .chain(others.split('|'))
                        .map(folded)
                        .filter(|word| !word.is_empty());
                    (name.trim(), all.collect())
                })
                .collect(),
        )
    }

    /// The names whose words stand in a text, in the order of the text; of words that overlap the
    /// longest counts.
    pub fn find(&self, text: &str) -> Vec<&'static str> {
        let text = folded(text);
        let mut hits: Vec<(usize, usize, &'static str)> = Vec::new();
        for at in 0..text.len() {
            let longest = self
                .0
                .iter()
                .flat_map(|(name, all)| all.iter().map(move |word| (*name, word)))
                .filter(|(_, word)| text[at..].starts_with(word))
                .max_by_key(|(_, word)| word.len());
            if let Some((name, word)) = longest {
                hits.push((at, at + word.len(), name));
            }
        }
        let mut end = 0;
        let mut names = Vec::new();
        for (from, to, name) in hits {
            if from >= end {
                end = to;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The name of a phrase that is nothing but one of its words.
    pub fn named(&self, phrase: &str) -> Option<&'static str> {
        let phrase = folded(phrase);
        self.0.iter().find(|(_, all)| all.contains(&phrase)).map(|(name, _)| *name)
    }
}

/// Lower-case words without marks; “&” is “and”.
pub fn folded(text: &str) -> Vec<String> {
    text.replace('&', " and ")
        .replace(['’', '\''], "")
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '+')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
