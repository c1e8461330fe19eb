//! A value with the page and the words that it was read from.

use serde::Serialize;

/// Below this a value is not given at all.
pub const CONFIDENCE_MIN: f32 = 0.5;

/// Where something stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Source {
    /// Address of the page.
    pub page: String,
    /// The page's own words, to the letter.
    pub quote: String,
}

/// A value with its evidence.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Cited<T> {
    /// What was read.
    pub value: T,
    /// Where, the strongest first. Never empty.
    pub sources: Vec<Source>,
    /// How sure, 0..1.
    pub confidence: f32,
}

impl<T> Cited<T> {
    /// Read in one place.
    pub fn new(value: T, page: &str, quote: &str, confidence: f32) -> Self {
        Self { value, sources: vec![Source { page: page.to_owned(), quote: quote.to_owned() }], confidence }
    }

    /// The same, seen again elsewhere: surer, with up to three places kept.
    pub fn seen_again(&mut self, page: &str, quote: &str, confidence: f32) {
        let source = Source { page: page.to_owned(), quote: quote.to_owned() };
        if self.sources.contains(&source) {
            return;
        }
        let elsewhere = self.sources.iter().all(|known| known.page != source.page);
        if confidence > self.confidence {
            self.sources.insert(0, source);
        } else {
            self.sources.push(source);
        }
        self.sources.truncate(3);
        let more = if elsewhere { 0.1 } else { 0.05 };
        self.confidence = (self.confidence.max(confidence) + more).min(0.97);
    }
}

/// Values of one kind, each once, gathered from many places.
#[derive(Debug)]
pub(crate) struct Gathered<T>(Vec<Cited<T>>);

impl<T: PartialEq> Gathered<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add(&mut self, value: T, page: &str, quote: &str, confidence: f32) {
        match self.0.iter_mut().find(|known| known.value == value) {
            Some(known) => known.seen_again(page, quote, confidence),
            None => self.0.push(Cited::new(value, page, quote, confidence)),
        }
    }

    /// What is sure enough, surest first, then in the order of the site.
    pub(crate) fn done(mut self) -> Vec<Cited<T>> {
        self.0.retain(|cited| cited.confidence >= CONFIDENCE_MIN);
        self.0.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        self.0
    }
}
