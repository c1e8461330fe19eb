//! Text made comparable: lower case, Latin letters without accents, single spaces.

/// Folds text for comparison. `"  Société  Générale "` → `"societe generale"`. Letters of other
/// scripts stay as they are.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match latin(c) {
            Some(plain) => out.push_str(plain),
            None if c.is_whitespace() => out.push(' '),
            // Zero-width characters and combining marks carry nothing.
            None if matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{0300}'..='\u{036f}') => {}
            None => out.push(c),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Folds text and keeps only letters and digits, other characters becoming spaces.
/// `"E-mail (work)"` → `"e mail work"`.
pub fn words(text: &str) -> String {
    let spaced: String = fold(text).chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The unaccented spelling of a lower-case Latin letter or typographic mark.
fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì'..='ï' | 'ī' | 'į' | 'ı' => "i",
        'ł' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ß' => "ss",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ţ' | 'ț' => "t",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        '\u{2018}' | '\u{2019}' | '`' | '´' => "'",
        '\u{201c}' | '\u{201d}' => "\"",
        '\u{2010}' | '\u{2011}' | '\u{2212}' => "-",
        '\u{2013}' | '\u{2014}' => " - ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn accents_case_and_odd_spaces_do_not_matter() {
        assert_eq!(super::fold(" Société\u{a0} Générale "), "societe generale");
        assert_eq!(super::fold("Geschäftsführer"), "geschaftsfuhrer");
        assert_eq!(super::words("E-mail (Work)"), "e mail work");
    }
}
