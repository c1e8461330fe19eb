//! The person's own words of a reply: quotes, signatures and our footer taken away, inline answers kept.

/// What of a sent message can come back inside a reply.
#[derive(Clone, Debug, Default)]
pub struct Ours<'a> {
    /// Text of the message that we sent, when known.
    pub body: Option<&'a str>,
    /// Our footer (opt-out line, postal address), when known.
    pub footer: Option<&'a str>,
}

/// A reply taken apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnWords {
    /// What the person wrote, up to the sign-off: what is judged.
    pub text: String,
    /// The same with its sign-off and name, without marked signatures: what is shown.
    pub reply: String,
    /// The block after the sign-off (name, phone, company), when there is one.
    pub signature: String,
    /// Whether something was quoted.
    pub quoted: bool,
}

/// Takes a decoded message text apart. Lines after 2,000 are not read.
pub fn own_words(text: &str, ours: &Ours<'_>) -> OwnWords {
    let clean = text
        .replace("\r\n", "\n")
        .replace(['\u{a0}', '\u{202f}'], " ")
        .replace(['\u{200b}', '\u{feff}', '\u{200e}', '\u{200f}'], "");
    let lines: Vec<&str> = clean.lines().take(2_000).collect();
    let mut out = OwnWords::default();
    let mut kept = without_quotes(&lines, &mut out.quoted);
    drop_ours(&mut kept, ours);
    cut_marked(&mut kept, &mut out);
    out.reply = join(&kept);
    cut_signature(&mut kept, &mut out);
    out.text = join(&kept);
    out
}

fn join(lines: &[String]) -> String {
    let mut text = String::new();
    let mut blank = true;
    for line in lines {
        let line = line.trim();
        if line.is_empty() && blank {
            continue;
        }
        blank = line.is_empty();
        text.push_str(line);
        text.push('\n');
    }
    text.trim().to_owned()
}

// ---- quotes ---------------------------------------------------------------------------------

fn without_quotes(lines: &[&str], quoted: &mut bool) -> Vec<String> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        if line.starts_with('>') {
            *quoted = true;
            at += 1;
            continue;
        }
        if is_separator(line) || is_header_block(&lines[at..]) {
            *quoted = true;
            // Everything below is an older message, except what somebody wrote under marked quotes.
            if kept.iter().all(|line: &String| line.trim().is_empty())
                && lines[at..].iter().any(|line| line.trim_start().starts_with('>'))
            {
                at += header_length(&lines[at..]).max(1);
                continue;
            }
            break;
        }
        if let Some(length) = attribution(&lines[at..]) {
            *quoted = true;
            let next = lines[at + length..].iter().find(|line| !line.trim().is_empty());
            if next.is_some_and(|line| line.trim_start().starts_with('>')) {
                at += length;
                continue;
            }
            break;
        }
        kept.push(lines[at].to_owned());
        at += 1;
    }
    kept
}

fn is_separator(line: &str) -> bool {
    let low = line.to_lowercase();
    let low = low.trim_matches('*');
    let dashed = low.starts_with("--") || low.starts_with("__") || low.len() < line.len();
    let inner = low.trim_matches(['-', '_', '*', ' ']);
    let named = [
        "original message",
        "forwarded message",
        "original-nachricht",
        "ursprüngliche nachricht",
        "originalnachricht",
        "weitergeleitete nachricht",
        "message d'origine",
        "message original",
        "message transféré",
        "mensaje original",
        "mensaje reenviado",
        "messaggio originale",
        "mensagem original",
        "oorspronkelijk bericht",
        "original email",
        "original appointment",
        "reply message",
        "forwarded by",
    ];
    (dashed && named.iter().any(|name| inner.starts_with(name)))
        || low.starts_with("begin forwarded message")
        || low.starts_with("anfang der weitergeleiteten")
        || low.starts_with("##- please type your reply above")
        || (line.len() >= 20 && line.chars().all(|c| c == '_'))
}

const HEADER_NAMES: &[&str] = &[
    "from",
    "sent",
    "to",
    "cc",
    "subject",
    "date",
    "reply-to",
    "von",
    "gesendet",
    "an",
    "betreff",
    "datum",
    "de",
    "envoyé",
    "envoyé le",
    "à",
    "objet",
    "date",
    "enviado",
    "enviado el",
    "para",
    "asunto",
    "fecha",
    "da",
    "inviato",
    "a",
    "oggetto",
    "data",
    "assunto",
    "enviada em",
    "van",
    "verzonden",
    "aan",
    "onderwerp",
    "importance",
    "cc",
];

fn header_name(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches('*');
    let (name, _) = line.split_once(':')?;
    let name = name.trim().trim_matches('*').trim().to_lowercase();
    HEADER_NAMES.contains(&name.as_str()).then_some(name)
}

fn header_length(lines: &[&str]) -> usize {
    lines.iter().take(8).take_while(|line| header_name(line).is_some()).count()
}

/// Outlook's From/Sent/To/Subject block: it starts with a sender line and has two more fields.
fn is_header_block(lines: &[&str]) -> bool {
    let first = lines.first().and_then(|line| header_name(line));
    let opens = first
        .is_some_and(|name| matches!(name.as_str(), "from" | "von" | "de" | "da" | "van" | "sent" | "date"));
    opens && lines.iter().take(7).filter(|line| header_name(line).is_some()).count() >= 3
}

/// Number of lines of an “On … wrote:” line, which mail programs break over up to three lines.
fn attribution(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?.trim();
    if first.is_empty() || first.len() > 400 {
        return None;
    }
    if let Some(length) = dated_opening(lines) {
        return Some(length);
    }
    // “Great!” above “Le 4 janv. …” is no part of it.
    if !first.contains(['<', '@', '"']) && !first.bytes().any(|b| b.is_ascii_digit()) && !opens(first) {
        return None;
    }
    let mut joined = String::new();
    for (index, line) in lines.iter().take(4).enumerate() {
        if index > 0 && line.trim().is_empty() {
            return None;
        }
        joined.push(' ');
        joined.push_str(line.trim());
        if is_attribution(joined.trim()) {
            return Some(index + 1);
        }
    }
    None
}

/// Words that an attribution line begins with when its date stands on the next line.
fn opens(line: &str) -> bool {
    let low = line.to_lowercase();
    ["on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "at "]
        .iter()
        .any(|start| low.starts_with(start))
}

/// “2016-03-03 17:21 GMT+01:00 Ann <a@b>:” and the like: a date and a time, a name or an address.
fn dated_opening(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?.trim();
    let low = first.to_lowercase();
    let date = low.split_whitespace().next().is_some_and(|word| {
        let parts: Vec<&str> = word.split(['-', '/', '.']).filter(|part| !part.is_empty()).collect();
        parts.len() == 3 && parts.iter().all(|part| part.len() <= 4 && part.parse::<u16>().is_ok())
    });
    let joined: String = lines.iter().take(3).map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let named = joined.contains('@') && joined.contains('<');
    let timed = low.split_whitespace().nth(1).is_some_and(|word| word.contains(':'));
    if date && (named || (timed && low.contains("gmt"))) {
        let end = lines.iter().take(3).position(|line| line.trim().ends_with(':'));
        return Some(end.unwrap_or(0) + 1);
    }
    // “On Thu, 31 Mar 2016 at 11:16 Ann”, its address and “wrote:” far below.
    let weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter();
    let day = low.strip_prefix("on ").is_some_and(|rest| weekday.clone().any(|day| rest.starts_with(day)));
    let year = low.split(|c: char| !c.is_ascii_digit()).any(|part| part.len() == 4 && part.starts_with("20"));
    let clock = low.split_whitespace().any(|word| word.len() >= 4 && word.contains(':'));
    let far = lines.iter().take(8).any(|line| line.trim().to_lowercase().ends_with("wrote:"));
    (day && year && clock && far).then_some(lines.len().min(1))
}

fn is_attribution(line: &str) -> bool {
    let low = line.to_lowercase().replace("&lt;", "<");
    if low.starts_with("----") && low.contains(" wrote ----") {
        return true;
    }
    if !low.ends_with(':') || low.len() > 400 {
        return false;
    }
    let pairs: &[(&str, &[&str])] = &[
        ("on ", &["wrote:", "écrit :", "said:"]),
        ("am ", &["schrieb:", "geschrieben:"]),
        ("le ", &["écrit :", "écrit:", "ecrit :", "ecrit:"]),
        ("el ", &["escribió:", "escribio:", "escribió :"]),
        ("il ", &["scritto:"]),
        ("em ", &["escreveu:"]),
        ("op ", &["schreef:"]),
        ("den ", &["skrev:"]),
        ("at ", &["you wrote:", "wrote:"]),
    ];
    let dated = low.bytes().any(|b| b.is_ascii_digit()) || low.contains('@');
    if dated
        && pairs.iter().any(|(start, ends)| {
            low.starts_with(start)
                && ends.iter().any(|end| low.ends_with(end) || low.contains(&end[..end.len() - 1]))
        })
    {
        return true;
    }
    let ends = [
        "wrote:",
        "schrieb:",
        "a écrit :",
        "a écrit:",
        "escribió:",
        "ha scritto:",
        "escreveu:",
        "schreef:",
        "skrev:",
        "napisał(a):",
        "napisał:",
        "napisała:",
        "написал:",
        "написал(а):",
        "пишет:",
        "пише:",
        "kirjoitti:",
        "yazdı:",
        "写道:",
        "写道：",
    ];
    let german = low.contains("schrieb am") && (low.ends_with("uhr:") || low.ends_with(':'));
    (german || ends.iter().any(|end| low.ends_with(end))) && (low.contains('@') || dated)
}

// ---- our own lines --------------------------------------------------------------------------

/// Removes lines that we wrote and that came back without a mark.
fn drop_ours(kept: &mut Vec<String>, ours: &Ours<'_>) {
    let known: Vec<String> = [ours.body, ours.footer]
        .into_iter()
        .flatten()
        .flat_map(str::lines)
        .map(fold)
        .filter(|line| line.split(' ').count() >= 4)
        .collect();
    kept.retain(|line| {
        let folded = fold(line);
        !(known.contains(&folded) || looks_like_footer(&folded))
    });
}

fn fold(line: &str) -> String {
    line.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Opt-out instructions as senders write them: no person writes such a line about himself.
fn looks_like_footer(folded: &str) -> bool {
    let starts = [
        "to unsubscribe ",
        "to opt out ",
        "if you no longer wish",
        "if you d rather not",
        "if you would rather not",
        "if you prefer not to",
        "you received this email",
        "you are receiving this",
        "you re receiving this",
        "don t want to hear from",
        "want to unsubscribe",
        "um sich abzumelden",
        "pour vous désinscrire",
        "pour se désinscrire",
        "para darse de baja",
        "si no desea recibir",
        "not interested click",
        "click here to unsubscribe",
        "unsubscribe here",
        "unsubscribe https",
        "unsubscribe http",
        "manage preferences",
        "unsubscribe manage",
        "unsubscribe update",
        "reply stop to",
        "reply unsubscribe to",
        "reply with unsubscribe",
        "reply with stop",
    ];
    let holds = [
        "click here to unsubscribe",
        "click the unsubscribe link",
        "reply stop to opt out",
        "to stop receiving these emails",
        "unsubscribe from this list",
        "update your preferences",
    ];
    starts.iter().any(|start| folded.starts_with(start)) || holds.iter().any(|part| folded.contains(part))
}

// ---- signatures -----------------------------------------------------------------------------

const SIGN_OFFS: &[&str] = &[
    "regards",
    "kind regards",
    "best regards",
    "warm regards",
    "warmest regards",
    "many regards",
    "best",
    "all the best",
    "best wishes",
    "kind wishes",
    "cheers",
    "thanks",
    "thank you",
    "many thanks",
    "thanks and regards",
    "thanks regards",
    "thanks in advance",
    "thank you and regards",
    "thx",
    "rgds",
    "br",
    "kr",
    "ta",
    "sincerely",
    "yours sincerely",
    "yours faithfully",
    "yours truly",
    "respectfully",
    "warmly",
    "cordially",
    "yours",
    "with thanks",
    "with regards",
    "with kind regards",
    "have a great day",
    "have a good day",
    "mit freundlichen grüßen",
    "mit freundlichen gruessen",
    "freundliche grüße",
    "freundliche grüsse",
    "viele grüße",
    "viele gruesse",
    "beste grüße",
    "liebe grüße",
    "mfg",
    "lg",
    "vg",
    "gruß",
    "cordialement",
    "bien cordialement",
    "bien à vous",
    "sincères salutations",
    "salutations",
    "saludos",
    "un saludo",
    "saludos cordiales",
    "atentamente",
    "cordiales saludos",
    "cordiali saluti",
    "saluti",
    "atenciosamente",
    "abraços",
    "met vriendelijke groet",
    "groeten",
    "cheers mate",
    "thanks mate",
    "regds",
    "thanks a lot",
    "thanks again",
];

fn is_mobile_line(folded: &str) -> bool {
    let starts = [
        "sent from my ",
        "sent from mail for",
        "sent from outlook",
        "sent from yahoo",
        "sent from proton",
        "get outlook for",
        "sent via ",
        "sent with ",
        "envoyé de mon",
        "envoyé depuis",
        "von meinem",
        "gesendet von",
        "gesendet mit",
        "enviado desde",
        "enviado do meu",
        "inviato da",
        "verstuurd vanaf",
        "sent on the go",
        "sent from mailbox",
        "sent from a phone",
        "sent from mobile",
        "sent from windows mail",
        "sent from mail ",
        "sent by galaxy",
        "from my iphone",
        "sendt fra min",
        "sendt fra mit",
        "skickat från min",
        "lähetetty",
        "wysłano z ",
        "verzonden met",
        "verzonden vanaf",
        "diese nachricht wurde von meinem",
        "отправлено с ",
        "надіслано з ",
        "iphoneから送信",
        "從我的",
        "发自我的",
    ];
    // “Sent from my desk, is much easier than my phone” is a sentence.
    let tool = folded.split(' ').count() <= 9;
    starts.iter().any(|start| folded.starts_with(start)) && folded.len() < 110 && tool
}

/// Takes away what is marked as no part of the reply: lines of mail programs, what stands below `--`.
fn cut_marked(kept: &mut Vec<String>, out: &mut OwnWords) {
    kept.retain(|line| !is_mobile_line(&fold(line)));
    if let Some(at) = kept.iter().position(|line| is_delimiter(line)) {
        out.signature = join(&kept[at + 1..]);
        kept.truncate(at);
    }
}

fn cut_signature(kept: &mut Vec<String>, out: &mut OwnWords) {
    let has_words = |lines: &[String]| lines.iter().any(|line| !line.trim().is_empty());
    let sign_off = (0..kept.len()).find(|at| {
        let folded = fold(&kept[*at]);
        SIGN_OFFS.contains(&folded.as_str()) && (has_words(&kept[..*at])) && plausible(&kept[*at + 1..])
    });
    if let Some(at) = sign_off {
        let tail = kept.split_off(at);
        let (said, block): (Vec<String>, Vec<String>) = keep_postscript(tail);
        if out.signature.is_empty() {
            out.signature = join(&block);
        }
        kept.extend(said);
        return;
    }
    cut_disclaimer(kept);
}

/// A line of nothing but marks, as people put above their signature or below their reply.
fn is_delimiter(line: &str) -> bool {
    let line = line.trim();
    let marks = line.chars().all(|c| "-_*=~#+—–".contains(c)) && line.chars().count() >= 2;
    marks || matches!(line, "—" | "ᐧ")
}

/// A sign-off is the end: at most a name block, a postscript and a disclaimer follow.
fn plausible(tail: &[String]) -> bool {
    let filled: Vec<&String> = tail.iter().filter(|line| !line.trim().is_empty()).collect();
    filled.first().is_none_or(|first| first.split_whitespace().count() <= 6)
}

/// What people add below their name: a postscript, a question, a request to be left alone.
fn keep_postscript(tail: Vec<String>) -> (Vec<String>, Vec<String>) {
    let mut speaking = false;
    tail.into_iter().partition(|line| {
        let folded = fold(line);
        if folded.starts_with("ps ") || folded.starts_with("p s ") {
            speaking = true;
        } else if line.trim().is_empty() {
            speaking = false;
        }
        let asks = line.trim_end().ends_with('?') && !line.contains("://");
        let leaves = folded.split(' ').count() <= 25
            && !looks_like_footer(&folded)
            && super::optout::find(line).is_some();
        speaking || asks || leaves
    })
}

fn cut_disclaimer(kept: &mut Vec<String>) {
    let at = kept.iter().position(|line| {
        let folded = fold(line);
        [
            "this email and any",
            "this e mail and any",
            "this message and any",
            "this email is confidential",
            "confidentiality notice",
            "disclaimer",
            "the information contained in this",
            "this email may contain",
            "please consider the environment",
            "the contents of this email",
            "caution this email",
            "diese e mail enthält",
        ]
        .iter()
        .any(|start| folded.starts_with(start))
    });
    if let Some(at) = at {
        kept.truncate(at);
    }
}
