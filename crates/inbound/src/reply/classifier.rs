//! The built-in classifier: multinomial logistic regression over hashed words, pairs of words,
//! pieces of words and a few marks. Its weights are trained by the `train_replies` example.

use super::intent::Intent;
use super::phrase::Word;

/// Number of hashed feature columns.
pub const COLUMNS: usize = 32_768;
/// Number of classes.
pub const CLASSES: usize = Intent::ALL.len();
/// Bytes before the weights: magic, then one scale and one bias per class.
const HEAD: usize = 4 + CLASSES * 8;
const MAGIC: &[u8; 4] = b"RPL1";

static WEIGHTS: &[u8] = include_bytes!("../../assets/replies.weights");

/// Hashed features of a text: column and value; the values have length 1.
pub fn features(text: &str, words: &[Word]) -> Vec<(usize, f32)> {
    let mut columns: Vec<(usize, f32)> = Vec::with_capacity(words.len() * 8);
    let words = &words[..words.len().min(200)];
    for (at, word) in words.iter().enumerate() {
        columns.push((column("w", &word.text, ""), 1.0));
        if let Some(next) = words.get(at + 1).filter(|next| next.sentence == word.sentence) {
            columns.push((column("b", &word.text, &next.text), 1.0));
        }
        let framed: Vec<char> = format!("^{}$", word.text).chars().collect();
        for size in [4usize, 5] {
            for gram in framed.windows(size) {
                columns.push((column("c", &gram.iter().collect::<String>(), ""), 0.4));
            }
        }
    }
    if let Some(first) = words.first() {
        columns.push((column("first", &first.text, ""), 0.7));
    }
    columns.extend(marks(text, words).into_iter().map(|mark| (column("mark", mark, ""), 0.8)));
    columns.sort_unstable_by_key(|(column, _)| *column);
    columns.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let norm = columns.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(1e-6);
    columns.iter_mut().for_each(|(_, value)| *value /= norm);
    columns
}

/// Coarse signs that words alone miss.
fn marks(text: &str, words: &[Word]) -> Vec<&'static str> {
    let mut marks = Vec::new();
    if text.contains('?') {
        marks.push("asks");
    }
    if text.trim_end().ends_with('?') {
        marks.push("ends asking");
    }
    if text.contains('!') {
        marks.push("loud");
    }
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters > 8 && capitals * 2 > letters {
        marks.push("shouts");
    }
    if words.iter().any(|word| word.text == "@") {
        marks.push("address");
    }
    if words
        .iter()
        .any(|word| matches!(word.text.as_str(), "not" | "no" | "dont" | "never" | "cant" | "wont" | "isnt"))
    {
        marks.push("negation");
    }
    if text.chars().filter(char::is_ascii_digit).count() >= 8 {
        marks.push("number");
    }
    marks.push(match words.len() {
        0..=3 => "tiny",
        4..=10 => "short",
        11..=30 => "middle",
        _ => "long",
    });
    marks
}

/// FNV-1a, so that weights fit every platform.
fn column(kind: &str, first: &str, second: &str) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in kind.bytes().chain([0]).chain(first.bytes()).chain([0]).chain(second.bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    (hash ^ (hash >> 15)) as usize % COLUMNS
}

/// Probability of each intent, in the order of [`Intent::ALL`], by the shipped weights.
pub fn probabilities(text: &str, words: &[Word]) -> [f32; CLASSES] {
    score(WEIGHTS, &features(text, words))
}

/// The weights that are compiled in.
#[cfg(test)]
pub(super) fn shipped() -> &'static [u8] {
    WEIGHTS
}

/// The likeliest intent by the shipped weights, and its probability.
pub fn best(text: &str, words: &[Word]) -> (Intent, f32) {
    let chances = probabilities(text, words);
    Intent::ALL.into_iter().zip(chances).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((Intent::Unclear, 0.0))
}

/// Scores features with packed weights; weights that cannot be read give equal chances.
pub fn score(weights: &[u8], features: &[(usize, f32)]) -> [f32; CLASSES] {
    let mut sums = [0f32; CLASSES];
    if weights.len() == HEAD + CLASSES * COLUMNS && weights.starts_with(MAGIC) {
        for (class, sum) in sums.iter_mut().enumerate() {
            let scale = float(weights, 4 + class * 8);
            let bias = float(weights, 8 + class * 8);
            let row = &weights[HEAD + class * COLUMNS..HEAD + (class + 1) * COLUMNS];
            let dot: f32 =
                features.iter().map(|(column, value)| f32::from(row[*column].cast_signed()) * value).sum();
            *sum = dot * scale + bias;
        }
    }
    let top = sums.iter().copied().fold(f32::MIN, f32::max);
    let mut chances = sums.map(|sum| (sum - top).exp());
    let total: f32 = chances.iter().sum();
    chances.iter_mut().for_each(|chance| *chance /= total);
    chances
}

fn float(bytes: &[u8], at: usize) -> f32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0.0, f32::from_le_bytes)
}

/// Packs weights into one byte each, with a scale per class.
pub fn pack(weights: &[Vec<f32>], biases: &[f32]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let scales: Vec<f32> = weights
        .iter()
        .map(|row| (row.iter().fold(0f32, |top, weight| top.max(weight.abs())) / 127.0).max(1e-9))
        .collect();
    for (scale, bias) in scales.iter().zip(biases) {
        out.extend(scale.to_le_bytes());
        out.extend(bias.to_le_bytes());
    }
    for (row, scale) in weights.iter().zip(&scales) {
        out.extend(row.iter().map(|weight| {
            #[expect(clippy::cast_possible_truncation, reason = "the quotient lies within -127..=127")]
            let step = (weight / scale).round() as i8;
            step.cast_unsigned()
        }));
    }
    out
}
