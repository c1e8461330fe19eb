//! Australian Business and Company Numbers: their check digits (abr.business.gov.au, asic.gov.au).

/// Weights of an ABN's eleven digits, the first digit less one.
const ABN_WEIGHTS: [i32; 11] = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];

/// The digits of a number that may be spaced; none when something else than digits and spaces is in it.
fn digits(text: &str) -> Option<Vec<i32>> {
    text.chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '-' | '.'))
        .map(|c| c.to_digit(10).and_then(|d| i32::try_from(d).ok()))
        .collect()
}

/// An ABN as eleven digits; none when it is not one.
pub fn abn(text: &str) -> Option<String> {
    let digits = digits(text).filter(|digits| digits.len() == ABN_WEIGHTS.len())?;
    // Signed: the first digit of a number that begins with 0 would be below it.
    let sum: i32 = digits
        .iter()
        .zip(ABN_WEIGHTS)
        .enumerate()
        .map(|(at, (digit, weight))| (if at == 0 { digit - 1 } else { *digit }) * weight)
        .sum();
    let sound = digits.first() != Some(&0) && sum % 89 == 0;
    sound.then(|| digits.iter().map(ToString::to_string).collect())
}

/// An ACN as nine digits; none when it is not one.
pub fn acn(text: &str) -> Option<String> {
    let digits = digits(text).filter(|digits| digits.len() == 9)?;
    let sum: i32 = digits.iter().take(8).zip((1..=8).rev()).map(|(digit, weight)| digit * weight).sum();
    let check = (10 - sum % 10) % 10;
    (digits.last() == Some(&check) && sum > 0).then(|| digits.iter().map(ToString::to_string).collect())
}

/// As people write it: `51 824 753 556`.
pub fn spaced(abn: &str) -> String {
    let part = |from: usize, to: usize| abn.get(from..to).unwrap_or_default();
    format!("{} {} {} {}", part(0, 2), part(2, 5), part(5, 8), part(8, 11))
}

/// Every ABN that stands in a text, in order, each once. A longer run of digits holds none.
pub fn all_in(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut run = String::new();
    // A run of digits goes on over single spaces; anything else ends it.
    for c in text.chars().chain(std::iter::once('\n')) {
        let joins = matches!(c, ' ' | '\u{a0}' | '-' | '.');
        if c.is_ascii_digit() || (joins && run.ends_with(|last: char| last.is_ascii_digit())) {
            run.push(if joins { ' ' } else { c });
            continue;
        }
        for number in numbers_in(&run) {
            if !found.contains(&number) {
                found.push(number);
            }
        }
        run.clear();
    }
    found
}

/// The ABNs of one run of digit groups: groups are joined as long as they make eleven digits.
fn numbers_in(run: &str) -> Vec<String> {
    let groups: Vec<&str> = run.split(' ').filter(|group| !group.is_empty()).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < groups.len() {
        let mut joined = String::new();
        let mut end = at;
        while end < groups.len() && joined.len() < 11 {
            joined.push_str(groups.get(end).copied().unwrap_or_default());
            end += 1;
        }
        match abn(&joined) {
            Some(number) => {
                found.push(number);
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_register_are_told_from_others() {
        for good in ["51824753556", "53 004 085 616", "33102417032", "83 914 571 673"] {
            assert!(abn(good).is_some(), "{good}");
        }
        for bad in
            ["51824753557", "11111111111", "00000000000", "5182475355", "518247535561", "5182475355x", ""]
        {
            assert_eq!(abn(bad), None, "{bad}");
        }
        assert_eq!(acn("004 085 616").as_deref(), Some("004085616"));
        assert_eq!(acn("010499966").as_deref(), Some("010499966"));
        assert_eq!((acn("004085617"), acn("000000000")), (None, None));
        assert_eq!(spaced("51824753556"), "51 824 753 556");
    }

    #[test]
    fn numbers_are_found_in_words_and_not_in_longer_numbers() {
        let text = "Acme (ABN 51 824 753 556, ACN 004 085 616), also 53004085616. Phone 02 9374 4000. Card 4111 5182 4753 5561.";
        assert_eq!(all_in(text), ["51824753556", "53004085616"]);
        assert_eq!(all_in("ABN:51824753556 and again 51-824-753-556"), ["51824753556"]);
        assert!(all_in("no. 151824753556 or 51824753557").is_empty());
    }
}
