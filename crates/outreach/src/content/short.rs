//! The short forms: text messages, LinkedIn notes and messages, what an assistant says on the phone,
//! postcards. Their limits, their checks, and the built-in writer for them: the same sheet
//! of facts as an e-mail has, in fewer words.

use super::{
    brief::{Brief, Evidence, Topic},
    builtin::{self, Opener, Stage, Written},
    compose::Unwritable,
    fill, footer,
    limits::{self, Issue},
    text,
};
use crate::channel::{Channel, Form};

/// Septets of one GSM-7 message (3GPP TS 23.038).
pub const SMS_SEPTETS: usize = 160;
/// Characters of a note with an invitation, a message, an InMail.
pub const NOTE_CHARS: usize = 300;
/// Characters of a message.
pub const MESSAGE_CHARS: usize = 500;
/// Characters of an InMail.
pub const INMAIL_CHARS: usize = 1_000;
/// Characters of what is said first, of what is offered and of what is asked on the phone.
pub const VOICE_CHARS: [usize; 3] = [200, 500, 200];
/// Words of a postcard's headline.
pub const HEADLINE_WORDS: usize = 10;
/// Words of a postcard.
pub const POSTCARD_WORDS: usize = 100;
/// What every text message ends with.
pub const SMS_OPT_OUT: &str = "Reply STOP to opt out";

/// Characters that count as one septet, beside letters, digits and the blank.
const GSM_SINGLE: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Characters that count as two.
const GSM_DOUBLE: &str = "^{}\\[~]|€";

/// Septets that a text takes as a text message; none when it cannot be said in GSM-7.
pub fn septets(text: &str) -> Option<usize> {
    text.chars().try_fold(0, |sum, c| {
        if c == ' ' || c.is_ascii_alphanumeric() || GSM_SINGLE.contains(c) {
            Some(sum + 1)
        } else if GSM_DOUBLE.contains(c) {
            Some(sum + 2)
        } else {
            None
        }
    })
}

/// The same in GSM-7: typographic marks become plain ones, letters that it lacks lose their accents, and
/// what remains is left out.
pub fn to_gsm(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let plain = match c {
            '’' | '‘' | '´' | '`' => "'",
            '“' | '”' | '„' | '«' | '»' => "\"",
            '–' | '—' | '‐' | '‑' => "-",
            '…' => "...",
            'á' | 'â' | 'ã' | 'ā' => "a",
            'Á' | 'Â' | 'Ã' | 'À' => "A",
            'ê' | 'ë' | 'ē' => "e",
            'È' | 'Ê' | 'Ë' => "E",
            'í' | 'î' | 'ï' => "i",
            'Í' | 'Î' | 'Ï' => "I",
            'ó' | 'ô' | 'õ' => "o",
            'Ó' | 'Ô' | 'Õ' => "O",
            'ú' | 'û' => "u",
            'Ú' | 'Û' => "U",
            'ç' => "Ç",
            'š' => "s",
            'ž' => "z",
            'ł' => "l",
            other if septets(other.encode_utf8(&mut [0; 4])).is_some() => {
                out.push(other);
                continue;
            }
            _ => " ",
        };
        out.push_str(plain);
    }
    text::squeeze(&out)
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// What is too long of a client's own words, placeholders not counted; none when all is well.
pub fn too_long(channel: Channel, form: Form, subject: &str, body: &str) -> Option<String> {
    let over = |count: usize, limit: usize, what: &str| {
        (count > limit).then(|| format!("{count} {what}; at most {limit} fit."))
    };
    match channel {
        Channel::Email => None,
        Channel::Sms => {
            let room = SMS_SEPTETS - SMS_OPT_OUT.len() - 1;
            over(septets(&to_gsm(body)).unwrap_or(usize::MAX), room, "characters before the way to opt out")
        }
        Channel::Linkedin => over(chars(body), linkedin_limit(form), "characters"),
        Channel::Voice => over(chars(body), VOICE_CHARS.iter().sum(), "characters"),
        Channel::Mail => over(words(subject), HEADLINE_WORDS, "words in the headline")
            .or_else(|| over(words(body), POSTCARD_WORDS, "words")),
    }
}

fn linkedin_limit(form: Form) -> usize {
    match form {
        Form::Inmail => INMAIL_CHARS,
        Form::Message => MESSAGE_CHARS,
        Form::Invitation | Form::Plain | Form::Postcard => NOTE_CHARS,
    }
}

/// The parts of what an assistant says: that it is one and that the call is recorded, who calls and why,
/// the offer, the question.
pub fn voice_parts(body: &str) -> Vec<&str> {
    body.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Checks finished words against everything that their form asks for.
pub fn check(channel: Channel, form: Form, subject: &str, body: &str) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut fail = |code: &'static str, detail: String| issues.push(Issue { code, detail, error: true });
    for left in limits::leftovers(subject).into_iter().chain(limits::leftovers(body)) {
        fail("placeholder", format!("A placeholder is left: {left}"));
    }
    if body.trim().is_empty() {
        fail("body.empty", "There are no words.".to_owned());
    }
    if limits::is_shouted(body) {
        fail("body.all_caps", "The text is in capitals.".to_owned());
    }
    match channel {
        Channel::Email => return limits::check(subject, body),
        Channel::Sms => {
            match septets(body) {
                None => fail("sms.alphabet", "It has characters that no GSM-7 message has.".to_owned()),
                Some(n) if n > SMS_SEPTETS => {
                    fail("sms.long", format!("It takes {n} septets; one message has {SMS_SEPTETS}."));
                }
                Some(_) => {}
            }
            if !body.contains("STOP") {
                fail("sms.opt_out", "It does not say how to opt out.".to_owned());
            }
        }
        Channel::Linkedin => {
            let (n, limit) = (chars(body), linkedin_limit(form));
            if n > limit {
                fail("linkedin.long", format!("It has {n} characters; {limit} fit."));
            }
        }
        Channel::Voice => check_voice(body, &mut fail),
        Channel::Mail => {
            let headline = words(subject);
            if headline == 0 || headline > HEADLINE_WORDS {
                fail(
                    "mail.headline",
                    format!("The headline has {headline} words; it needs 1 to {HEADLINE_WORDS}."),
                );
            }
            if words(body) > POSTCARD_WORDS {
                fail("mail.long", format!("It has {} words; {POSTCARD_WORDS} fit.", words(body)));
            }
        }
    }
    issues
}

fn check_voice(body: &str, fail: &mut impl FnMut(&'static str, String)) {
    let parts = voice_parts(body);
    if parts.len() != 4 {
        let detail =
            format!("It has {} parts; it needs four: disclosure, opening, offer, question.", parts.len());
        fail("voice.parts", detail);
    }
    for ((part, limit), what) in parts.iter().skip(1).zip(VOICE_CHARS).zip(["opening", "offer", "question"]) {
        if chars(part) > limit {
            fail("voice.long", format!("The {what} has {} characters; {limit} fit.", chars(part)));
        }
    }
    let first = parts.first().copied().unwrap_or_default().to_lowercase();
    if !first.contains("recorded") || !first.contains("ai assistant") {
        fail("voice.disclosure", "It must begin with “AI assistant” and “recorded”.".to_owned());
    }
}

/// Writes the short form that the step asks for. Errors as [`builtin::write`] has.
pub fn write(brief: &Brief) -> Result<Written, Unwritable> {
    let (channel, form) = (brief.step.channel, brief.step.form);
    let stage = Stage::of(brief);
    let mut last = None;
    // The first fact whose sentence fits is the one that carries the message.
    for (fact, opener) in builtin::openers(brief) {
        for written in candidates(brief, stage, fact, &opener)? {
            let errors: Vec<String> = check(channel, form, &written.subject, &written.body)
                .into_iter()
                .filter(|issue| issue.error)
                .map(|issue| issue.detail)
                .collect();
            if errors.is_empty() {
                return Ok(written);
            }
            last = Some(errors.join(" "));
        }
    }
    Err(match last {
        Some(detail) => Unwritable { code: "limits", detail },
        None => builtin::no_fact(),
    })
}

/// The wordings of one fact, the fullest first.
fn candidates(
    brief: &Brief,
    stage: Stage,
    fact: &Evidence,
    opener: &Opener,
) -> Result<Vec<Written>, Unwritable> {
    let ask = builtin::ask(brief, stage);
    let offers = [builtin::offer(brief, 40), builtin::offer(brief, 16), builtin::offer(brief, 8), None];
    let template =
        format!("{}.{}.{:?}.{}", brief.step.channel.word(), stage.word(), fact.topic, opener.variant)
            .to_lowercase();
    let made = |subject: String, body: String, template: &str| Written {
        subject,
        body,
        used: vec![fact.id.clone()],
        template: template.to_owned(),
    };
    let mut all = Vec::new();
    for offer in offers {
        let core: Vec<&str> = [Some(opener.text.as_str()), offer.as_deref()].into_iter().flatten().collect();
        let own = own_words(brief, &format!("{} {ask}", core.join(" ")))?;
        let words = own.unwrap_or_else(|| format!("{} {ask}", core.join(" ")));
        let template = if brief.step.body_template.trim().is_empty() {
            template.clone()
        } else {
            format!("client.{template}")
        };
        let (subject, body) = match brief.step.channel {
            Channel::Email => (String::new(), words),
            Channel::Sms => (String::new(), sms(brief, &words)),
            Channel::Linkedin => (inmail_subject(brief), linkedin(brief, &words)),
            Channel::Voice => (String::new(), voice(brief, opener, offer.as_deref(), &ask)),
            Channel::Mail => (headline(brief), paper(brief, &words)),
        };
        all.push(made(subject, body, &template));
    }
    if brief.step.channel == Channel::Sms && brief.step.body_template.trim().is_empty() {
        all.extend(lean(brief, stage, fact).into_iter().map(|body| made(String::new(), body, &template)));
    }
    all.dedup_by(|a, b| a.body == b.body);
    Ok(all)
}

/// A text message in as few words as there are: who, the fact, a short question.
fn lean(brief: &Brief, stage: Stage, fact: &Evidence) -> Vec<String> {
    let cut =
        |name: &Option<String>| name.as_deref().and_then(text::name).map(|name| text::cut_chars(&name, 24));
    let company = cut(&brief.lead.company).unwrap_or_else(|| "your company".to_owned());
    let own = fact.id.starts_with("lead.");
    let said = match fact.topic {
        Topic::Hiring if own => Some(format!("{company} is hiring.")),
        Topic::Title | Topic::NewRole => {
            cut(&brief.lead.title).map(|title| format!("You are {title} at {company}."))
        }
        Topic::Industry => {
            cut(&brief.lead.industry).map(|industry| format!("{company} works in {industry}."))
        }
        Topic::Hiring
        | Topic::Funding
        | Topic::PainPoint
        | Topic::Objection
        | Topic::Social
        | Topic::Size
        | Topic::Technology
        | Topic::Profile => {
            text::statement(&fact.text, 8).map(|said| format!("About {company}: \"{said}\"."))
        }
        Topic::ReplyIntent | Topic::Place | Topic::Name | Topic::Other => None,
    };
    let ask = match stage {
        Stage::First => "Open to a short call?",
        Stage::FollowUp => "Is a short call worth it?",
        Stage::Last => "Is a later time better?",
    };
    let client = text::cut_chars(&builtin::client(brief), 20);
    let said = said
        .into_iter()
        .flat_map(|said| [format!("{} here. {said}", who(brief)), format!("{client}: {said}")]);
    said.map(|said| to_gsm(&format!("{said} {ask} {SMS_OPT_OUT}"))).collect()
}

/// The client's own template, filled; none where the writer decides.
fn own_words(brief: &Brief, core: &str) -> Result<Option<String>, Unwritable> {
    if brief.step.body_template.trim().is_empty() {
        return Ok(None);
    }
    let filled = fill::fill(&brief.step.body_template, brief, core);
    if filled.text.is_empty() {
        return Err(Unwritable { code: "template", detail: fill::empty(brief) });
    }
    Ok(Some(filled.text))
}

fn sender_first(brief: &Brief) -> Option<String> {
    brief.sender.name.split_whitespace().next().and_then(text::name)
}

/// Who writes, in a few words: “Ana from Anchor Agency”.
fn who(brief: &Brief) -> String {
    let client = text::cut_chars(&builtin::client(brief), 40);
    match sender_first(brief) {
        Some(first) if !client.to_lowercase().starts_with(&first.to_lowercase()) => {
            format!("{first} from {client}")
        }
        Some(_) | None => client,
    }
}

fn sms(brief: &Brief, words: &str) -> String {
    let first = brief.lead.first_name.as_deref().and_then(text::first_name);
    let hello = first.map_or_else(String::new, |first| format!("Hi {first}, "));
    let named = words.contains(builtin::client(brief).as_str());
    let who = if named { String::new() } else { format!("{} here. ", who(brief)) };
    let body = to_gsm(&format!("{hello}{who}{}", text::squeeze(words)));
    if body.contains("STOP") { body } else { format!("{body} {SMS_OPT_OUT}") }
}

fn linkedin(brief: &Brief, words: &str) -> String {
    if builtin::greets(words) {
        return words.trim().to_owned();
    }
    let signed = format!("{}\n\n{}\n\n{}", footer::greeting(brief), words.trim(), who(brief));
    if chars(&signed) <= linkedin_limit(brief.step.form) {
        return signed;
    }
    format!("{} {}", footer::greeting(brief), text::squeeze(words))
}

fn inmail_subject(brief: &Brief) -> String {
    match brief.step.form {
        Form::Inmail => headline(brief),
        Form::Plain | Form::Invitation | Form::Message | Form::Postcard => String::new(),
    }
}

/// Recording and AI are said before anything else; then who calls and for whom.
fn opening(brief: &Brief) -> [String; 2] {
    let client = text::cut_chars(&builtin::client(brief), 40);
    let person = brief.lead.first_name.as_deref().and_then(text::first_name);
    let hello = person.map_or_else(|| "Hello".to_owned(), |first| format!("Hi {first}"));
    let disclosure = format!("This is an AI assistant calling for {client}. The call is recorded.");
    let opening = match sender_first(brief) {
        Some(first) => format!("{hello}, I am calling for {first} at {client} with one short question."),
        None => format!("{hello}, I am calling for {client} with one short question."),
    };
    [disclosure, text::cut_chars(&opening, VOICE_CHARS[0])]
}

fn voice(brief: &Brief, opener: &Opener, offer: Option<&str>, ask: &str) -> String {
    let [disclosure, opening] = opening(brief);
    let value = [Some(opener.text.as_str()), offer].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!("{disclosure}\n\n{opening}\n\n{value}\n\n{ask}")
}

/// Words of another writer in the form of the step: sender, greeting, way out and what must be said first
/// come from here.
pub(super) fn wrapped(brief: &Brief, core: &str) -> (String, String) {
    match brief.step.channel {
        Channel::Email => (String::new(), core.to_owned()),
        Channel::Sms => (String::new(), sms(brief, core)),
        Channel::Linkedin => (inmail_subject(brief), linkedin(brief, core)),
        Channel::Voice => (String::new(), format!("{}\n\n{}", opening(brief).join("\n\n"), core.trim())),
        Channel::Mail => (headline(brief), paper(brief, core)),
    }
}

/// What a finished short form claims: without what every one of its kind says.
pub(super) fn core(brief: &Brief, body: &str) -> String {
    let [disclosure, opening] = opening(brief);
    let fixed =
        [SMS_OPT_OUT.to_owned(), format!("No more post: {}", brief.unsubscribe_url), disclosure, opening];
    let mut rest = body.to_owned();
    for fixed in fixed {
        rest = rest.replace(&fixed, "");
    }
    let here = format!("{} here. ", who(brief));
    rest = rest.replace(&to_gsm(&here), "").replace(&here, "");
    let signed = who(brief);
    let site = brief.client.website.as_deref().unwrap_or_default();
    let lines = rest.lines().filter(|line| *line != signed && (site.is_empty() || *line != site));
    lines.collect::<Vec<_>>().join("\n")
}

fn headline(brief: &Brief) -> String {
    let filled = text::squeeze(&fill::fill(&brief.step.subject_template, brief, "").text);
    if !filled.is_empty() && words(&filled) <= HEADLINE_WORDS {
        return filled;
    }
    let company = brief.lead.company.as_deref().and_then(text::name);
    let made = company
        .map_or_else(|| "A question for you".to_owned(), |company| format!("A question for {company}"));
    made.split_whitespace().take(HEADLINE_WORDS).collect::<Vec<_>>().join(" ")
}

fn paper(brief: &Brief, words: &str) -> String {
    let greeting =
        if builtin::greets(words) { String::new() } else { format!("{}\n\n", footer::greeting(brief)) };
    let site = brief.client.website.as_deref().unwrap_or_default();
    format!("{greeting}{}\n\n{}\n{site}\nNo more post: {}", words.trim(), who(brief), brief.unsubscribe_url)
}

#[cfg(test)]
mod tests;
