//! The day somebody comes back, as people write it.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// Words that come right before a return date.
const BACK: &[&str] = &[
    "back on",
    "back in the office on",
    "back in the office",
    "back at work on",
    "back at my desk on",
    "back from",
    "be back",
    "am back",
    "i'm back",
    "back",
    "return on",
    "returning on",
    "returning",
    "returns on",
    "return to the office on",
    "return to work on",
    "return",
    "resume on",
    "resuming on",
    "resume work on",
    "available again on",
    "available again from",
    "available from",
    "reachable again",
    "zurück am",
    "wieder da am",
    "wieder erreichbar",
    "wieder für sie da",
    "wieder im büro",
    "ab dem",
    "am",
    "wieder ab",
    "zurück",
    "de retour le",
    "de retour au bureau le",
    "retour le",
    "reviendrai le",
    "à partir du",
    "de vuelta el",
    "vuelvo el",
    "volveré el",
    "regreso el",
    "regresaré el",
    "a partir del",
    "rientro il",
    "rientrerò il",
    "terug op",
    "volto no dia",
    "wapas",
];
/// Words before the last day of an absence: the return is the day after only when it says “including”.
const UNTIL: &[&str] = &[
    "until",
    "till",
    "til",
    "through",
    "thru",
    "to",
    "bis zum",
    "bis einschließlich",
    "bis",
    "jusqu'au",
    "jusqu'à",
    "hasta el",
    "hasta",
    "fino al",
    "t/m",
    "tot",
    "tak",
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lead {
    Nothing,
    Until,
    Back,
}

/// The best date: one after “back on” before one after “until”, the latest of equals, not in the past.
pub fn return_date(text: &str, today: Date, day_first: bool) -> Option<Date> {
    let low = text.to_lowercase().replace('’', "'").replace('\n', " ");
    let tokens = tokens(&low);
    let mut best: Option<(Lead, Date)> = None;
    for at in 0..tokens.len() {
        let Some(date) = read_at(&tokens, at, today, day_first) else { continue };
        let before = low[..tokens[at].start].trim_end_matches([' ', ',', ':', '(']);
        let before = strip_filler(before);
        let lead = if BACK.iter().any(|words| ends_with_words(before, words)) {
            Lead::Back
        } else if UNTIL.iter().any(|words| ends_with_words(before, words)) {
            Lead::Until
        } else {
            Lead::Nothing
        };
        // Without a lead, a weekday alone is anything; a full date after “away … and” is a start.
        if lead == Lead::Nothing || date < today {
            continue;
        }
        if best.is_none_or(|(known, when)| lead > known || (lead == known && date > when)) {
            best = Some((lead, date));
        }
    }
    best.map(|(_, date)| date)
}

fn strip_filler(before: &str) -> &str {
    let mut text = before;
    loop {
        let cut = [
            "the",
            "on",
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
            "mon",
            "tue",
            "tues",
            "wed",
            "thu",
            "thurs",
            "fri",
            "sat",
            "sun",
            "montag",
            "dienstag",
            "mittwoch",
            "donnerstag",
            "freitag",
            "lundi",
            "mardi",
            "mercredi",
            "jeudi",
            "vendredi",
            "lunes",
            "martes",
            "miércoles",
            "jueves",
            "viernes",
            "dem",
            "den",
            "el",
            "le",
            "and including",
            "inclusive",
        ]
        .iter()
        .find_map(|word| text.strip_suffix(word).filter(|rest| rest.ends_with(' ')));
        match cut {
            // “back on” and “de retour le” end with such a word themselves.
            Some(rest) if !BACK.iter().any(|words| ends_with_words(text, words)) => {
                text = rest.trim_end_matches([' ', ',', ':']);
            }
            Some(_) | None => return text,
        }
    }
}

fn ends_with_words(text: &str, words: &str) -> bool {
    text.strip_suffix(words).is_some_and(|rest| rest.chars().next_back().is_none_or(|c| !c.is_alphanumeric()))
}

struct Token<'a> {
    text: &'a str,
    start: usize,
}

fn tokens(low: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in low.char_indices().chain([(low.len(), ' ')]) {
        let inside = c.is_alphanumeric() || matches!(c, '/' | '-' | '.');
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let text = low[from..at].trim_end_matches(['.', '-', '/']);
                if !text.is_empty() {
                    found.push(Token { text, start: from });
                }
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    found
}

fn read_at(tokens: &[Token<'_>], at: usize, today: Date, day_first: bool) -> Option<Date> {
    let word = |offset: usize| tokens.get(at + offset).map(|token| token.text);
    let first = word(0)?;
    if let Some(date) = numeric(first, today, day_first) {
        return Some(date);
    }
    // 3 March 2026 · 3rd of March · 3. März · 3 de marzo
    if let Some(day) = ordinal(first) {
        let skip = usize::from(matches!(word(1), Some("of" | "de")));
        if let Some(month) = word(1 + skip).and_then(month) {
            let skip2 = usize::from(matches!(word(2 + skip), Some("de" | "del")));
            return dated(word(2 + skip + skip2).and_then(year), month, day, today);
        }
        // “the 14th”, after a lead
        if first.ends_with(['h', 't', 'd']) && first.len() > 2 {
            return next_day_of_month(day, today);
        }
        return None;
    }
    // March 3, 2026
    if let Some(month) = month(first) {
        let day = word(1).and_then(ordinal)?;
        return dated(word(2).and_then(year), month, day, today);
    }
    if let Some(day) = weekday(first) {
        // “Monday 3 March” is read at its number.
        let dated = word(1).is_some_and(|next| {
            numeric(next, today, day_first).is_some()
                || (next != "the" && ordinal(next).is_some())
                || month(next).is_some()
        }) || (matches!(word(1), Some("the" | "den" | "dem"))
            && word(2).and_then(ordinal).is_some());
        return (!dated).then(|| next_weekday(day, today));
    }
    match (first, word(1)) {
        ("tomorrow" | "morgen" | "demain", _) => today.checked_add(1.day()).ok(),
        ("next", Some("week")) => Some(next_weekday(Weekday::Monday, today)),
        ("next", Some("month")) => today.first_of_month().checked_add(1.month()).ok(),
        ("next", Some(name)) => weekday(name).map(|day| next_weekday(day, today)),
        _ => None,
    }
}

fn numeric(word: &str, today: Date, day_first: bool) -> Option<Date> {
    let parts: Vec<&str> = word.split(['/', '-', '.']).filter(|part| !part.is_empty()).collect();
    if !word.contains(['/', '-', '.']) || parts.iter().any(|part| part.parse::<i16>().is_err()) {
        return None;
    }
    let number = |index: usize| parts.get(index).and_then(|part| part.parse::<i16>().ok());
    match (parts.len(), number(0)?, number(1)?, number(2)) {
        (3, y, m, Some(d)) if y >= 1_000 => Date::new(y, i8::try_from(m).ok()?, i8::try_from(d).ok()?).ok(),
        (3, a, b, Some(y)) => {
            let y = if y < 100 { y + 2_000 } else { y };
            let (day, month) = order(a, b, day_first || word.contains('.'));
            Date::new(y, month?, day?).ok()
        }
        (2, a, b, None) if (1..=31).contains(&a) && (1..=31).contains(&b) => {
            let (day, month) = order(a, b, day_first || word.contains('.'));
            dated(None, month?, day?, today)
        }
        _ => None,
    }
}

fn order(a: i16, b: i16, day_first: bool) -> (Option<i8>, Option<i8>) {
    let (day, month) = if (day_first && b <= 12) || a > 12 { (a, b) } else { (b, a) };
    (i8::try_from(day).ok(), i8::try_from(month).ok())
}

/// A date without a year is the next one, but up to 60 days ago it is this year's (and so past).
fn dated(year: Option<i16>, month: i8, day: i8, today: Date) -> Option<Date> {
    if let Some(year) = year {
        return Date::new(year, month, day).ok();
    }
    let this = Date::new(today.year(), month, day).ok()?;
    let recent = today.checked_sub(60.days()).ok()?;
    if this >= recent { Some(this) } else { Date::new(today.year() + 1, month, day).ok() }
}

fn next_day_of_month(day: i8, today: Date) -> Option<Date> {
    let this = Date::new(today.year(), today.month(), day).ok();
    this.filter(|date| *date >= today).or_else(|| {
        let next = today.first_of_month().checked_add(1.month()).ok()?;
        Date::new(next.year(), next.month(), day).ok()
    })
}

fn next_weekday(day: Weekday, today: Date) -> Date {
    today.nth_weekday(1, day).unwrap_or(today)
}

fn ordinal(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic() || c == '.' || c == 'º');
    let tail = &word[digits.len()..];
    let ok = matches!(tail, "" | "." | "st" | "nd" | "rd" | "th" | "er" | "º");
    digits.parse::<i8>().ok().filter(|day| ok && (1..=31).contains(day))
}

fn year(word: &str) -> Option<i16> {
    word.parse::<i16>().ok().filter(|year| (2_000..2_100).contains(year))
}

fn month(word: &str) -> Option<i8> {
    let month = match word {
        "january" | "jan" | "januar" | "jänner" | "janvier" | "enero" | "ene" | "gennaio" | "janeiro"
        | "januari" => 1,
        "february" | "feb" | "februar" | "février" | "fevrier" | "febrero" | "febbraio" | "fevereiro"
        | "februari" => 2,
        "march" | "mar" | "märz" | "maerz" | "mars" | "marzo" | "março" | "maart" => 3,
        "april" | "apr" | "avril" | "abril" | "aprile" => 4,
        "may" | "mai" | "mayo" | "maggio" | "maio" | "mei" => 5,
        "june" | "jun" | "juni" | "juin" | "junio" | "giugno" | "junho" => 6,
        "july" | "jul" | "juli" | "juillet" | "julio" | "luglio" | "julho" => 7,
        "august" | "aug" | "août" | "aout" | "agosto" | "augustus" => 8,
        "september" | "sep" | "sept" | "septembre" | "septiembre" | "settembre" | "setembro" => 9,
        "october" | "oct" | "oktober" | "okt" | "octobre" | "octubre" | "ottobre" | "outubro" => 10,
        "november" | "nov" | "novembre" | "noviembre" | "novembro" => 11,
        "december" | "dec" | "dezember" | "dez" | "décembre" | "decembre" | "diciembre" | "dicembre"
        | "dezembro" => 12,
        _ => return None,
    };
    Some(month)
}

fn weekday(word: &str) -> Option<Weekday> {
    let day = match word {
        "monday" | "mon" | "montag" | "lundi" | "lunes" | "lunedì" => Weekday::Monday,
        "tuesday" | "tue" | "tues" | "dienstag" | "mardi" | "martes" | "martedì" => Weekday::Tuesday,
        "wednesday" | "wed" | "mittwoch" | "mercredi" | "miércoles" | "mercoledì" => Weekday::Wednesday,
        "thursday" | "thu" | "thurs" | "donnerstag" | "jeudi" | "jueves" | "giovedì" => Weekday::Thursday,
        "friday" | "fri" | "freitag" | "vendredi" | "viernes" | "venerdì" => Weekday::Friday,
        "saturday" | "samstag" | "samedi" | "sábado" => Weekday::Saturday,
        "sunday" | "sonntag" | "dimanche" | "domingo" => Weekday::Sunday,
        _ => return None,
    };
    Some(day)
}
