//! How alike two names of companies are. One measure for registers, maps and merging.

/// Words that say the legal form, not the name.
const FORMS: [&str; 14] = [
    "pty",
    "ltd",
    "limited",
    "inc",
    "incorporated",
    "llc",
    "llp",
    "plc",
    "co",
    "company",
    "corp",
    "corporation",
    "the",
    "and",
];

/// The words of a name: lower case, letters and digits only, legal forms aside.
fn words(name: &str) -> Vec<String> {
    let folded: String = name
        .to_lowercase()
        .replace('&', " and ")
        .chars()
        .filter(|c| !matches!(c, '\'' | '’' | '.'))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let all: Vec<String> = folded.split_whitespace().map(str::to_owned).collect();
    let kept: Vec<String> = all.iter().filter(|word| !FORMS.contains(&word.as_str())).cloned().collect();
    if kept.is_empty() { all } else { kept }
}

/// How alike two names are, 0 to 100: the better of the words that they share and of their letters in order.
pub fn likeness(a: &str, b: &str) -> u32 {
    let (a, b) = (words(a), words(b));
    if a.is_empty() || b.is_empty() {
        return 0;
    }
    let shared = a.iter().filter(|word| b.contains(word)).count();
    let by_words = shared * 200 / (a.len() + b.len());
    let (one, two): (Vec<char>, Vec<char>) = (a.concat().chars().collect(), b.concat().chars().collect());
    let longest = one.len().max(two.len());
    let by_letters = (longest - distance(&one, &two).min(longest)) * 100 / longest;
    u32::try_from(by_words.max(by_letters).min(100)).unwrap_or(0)
}

/// Edits between two texts (Levenshtein), row by row.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b) {
            let above = *slot;
            *slot = (left + 1).min(above + 1).min(corner + usize::from(x != y));
            corner = above;
            left = *slot;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::likeness;

    #[test]
    fn the_same_company_is_told_from_another_one() {
        for (a, b) in [
            ("Harbour Dental Pty Ltd", "HARBOUR DENTAL"),
            ("Smith & Sons", "Smith and Sons Limited"),
            ("O'Brien Plumbing", "OBrien Plumbing Pty. Ltd."),
            ("Harbour Dental", "Harbor Dental"),
        ] {
            assert!(likeness(a, b) >= 90, "{a} and {b}: {}", likeness(a, b));
        }
        for (a, b) in [
            ("Harbour Dental", "Harbour Plumbing"),
            ("Acme", "Apex"),
            ("Smith & Sons", "Jones & Sons"),
            ("", "Acme"),
        ] {
            assert!(likeness(a, b) < 70, "{a} and {b}: {}", likeness(a, b));
        }
    }
}
