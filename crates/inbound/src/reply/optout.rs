//! Opt-out by rule, on the person's own words only.

use super::phrase::{Hit, Patterns, Word, negated, slice, words};
use std::sync::LazyLock;

/// The phrase that asks to be left alone, when there is one.
///
/// `text` must be the person's own words: a footer of ours that is quoted below would otherwise
/// opt everybody out who answers.
pub fn find(text: &str) -> Option<String> {
    let words = words(text);
    find_in(text, &words)
}

pub(super) fn find_in(text: &str, words: &[Word]) -> Option<String> {
    if let Some(word) = bare(words) {
        return Some(word);
    }
    ASKS.all(words).into_iter().find(|hit| asks(words, *hit)).map(|hit| slice(text, words, hit).to_owned())
}

/// A message that consists of the keyword, as the mobile-phone convention has it.
fn bare(words: &[Word]) -> Option<String> {
    let polite = [
        "please", "now", "pls", "plz", "thanks", "thank", "you", "it", "all", "this", "hi", "hello", "bitte",
        "por", "favor",
    ];
    let rest: Vec<&str> =
        words.iter().map(|word| word.text.as_str()).filter(|word| !polite.contains(word)).collect();
    let keyword = [
        "stop",
        "remove",
        "stopall",
        "unsub",
        "baja",
        "abmelden",
        "austragen",
        "quit",
        "cancel",
        "optout",
        "delete",
        "enough",
    ];
    match rest.as_slice() {
        [one] if keyword.contains(one) && words.len() <= 4 => Some((*one).to_owned()),
        [one, rest @ ..] if *one == "stop" && !rest.is_empty() && rest.iter().all(|word| *word == "stop") => {
            Some("stop".to_owned())
        }
        _ => None,
    }
}

fn asks(words: &[Word], hit: Hit) -> bool {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let before = hit.from.checked_sub(1).map_or("", text);
    let before2 = hit.from.checked_sub(2).map_or("", text);
    let first = text(hit.from);
    // “please don't stop”, “never unsubscribe me”; a pattern that begins with its own negation is a request.
    let own = matches!(first, "dont" | "do" | "never" | "no" | "not" | "why" | "keine" | "ne" | "mat");
    if !own && negated(words, hit.from, 3) {
        return false;
    }
    if own && matches!(before, "please") && text(hit.from + 1) == "stop" {
        return false;
    }
    // “I am no more associated with them” asks for nothing.
    if first == "no" && text(hit.from + 1) == "more" && hit.to == hit.from + 2 {
        let next = words.get(hit.to).filter(|next| next.sentence == words[hit.from].sentence);
        let polite = ["please", "pls", "plz", "thanks", "thank", "ta", "cheers", "ok", "mate", "sir"];
        if next.is_some_and(|next| !polite.contains(&next.text.as_str())) {
            return false;
        }
    }
    if text(hit.to) == "until"
        || text(hit.to) == "till"
        || text(hit.to) == "before"
        || text(hit.to + 1) == "until"
    {
        return false;
    }
    if matches!(first, "unsubscribe" | "opt") {
        // “to unsubscribe, click here” is an instruction, unless it is this person's wish.
        let wish = [
            "want", "wanna", "like", "wish", "need", "trying", "tried", "how", "love", "prefer", "asked",
            "asking", "going", "way", "request",
        ];
        if before == "to" && !wish.contains(&before2) {
            return false;
        }
        let about = [
            "rate",
            "rates",
            "handling",
            "management",
            "feature",
            "features",
            "flow",
            "flows",
            "compliance",
            "laws",
            "clause",
            "of",
        ];
        if about.contains(&text(hit.to)) {
            return false;
        }
        if matches!(before, "can" | "may" | "could" | "will") && before2 == "recipients" {
            return false;
        }
    }
    true
}

static ASKS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(TABLE));

const TABLE: &[&str] = &[
    // English
    "unsubscribe",
    "unsubscribed",
    "unsubscribing",
    "opt out",
    "opt me|us out",
    "opting out",
    "opted out",
    "take|remove|get|pull|cross|scratch|strike|drop|delete|scrub|wipe|kick|keep me|us|my|our|this|her|him *4 off|from *4 list|lists|mailing|database|system|crm|emails|records|distribution|campaign|sequence|contacts|mailings|mailer",
    "take|get|keep|cross|scratch me|us|my|this *3 off",
    "take|get me|us out of *3 list|database|this|sequence",
    "remove me|us|myself|my",
    "remove|delete *3 from *4 list|lists|database|mailing|system|records|contacts|crm",
    "remove|delete this address|email|contact",
    "delete me",
    "delete|erase|destroy|purge|wipe my|our|all *4 data|details|information|info|record|records|address|email|contact",
    "please remove",
    "want|like|need|wish|ask|asked|asking to? be? off *3 list|lists",
    "to be removed",
    "be taken off",
    "off your|this|the|ur *2 list|lists|mailing|distribution|database|mailer",
    "stop|quit|cease emailing|mailing|contacting|messaging|sending|writing|spamming|texting|bothering|harassing|calling|pestering|bugging|reaching|following|bombarding|hounding|hassling|pinging|soliciting|mailings|annoying|chasing|with",
    "stop|cease|halt|end the|these|this|those|your|all|any|ur *3 emails|email|emailing|mails|mail|messages|message|spam|sequence|outreach|followups|followup|contact|communication|communications|correspondence|contacting|nonsense|harassment|crap",
    "stop emails|email|mail|mails|messages|spam",
    "discontinue|refrain|desist|kill|halt|terminate|suspend *2 from? *2 emails|email|mails|mail|messages|sending|mailing|contacting|chain|thread|sequence|communication|communications",
    "please|pls|plz|just stop this|it|now|immediately|already|asap",
    "make it|this|them stop",
    "why dont|cant|wont you stop|leave|remove",
    "dont|never|not email|mail|e-mail|contact|message|msg|call|text|bother|write|ping|dm *2 me|us|again|anymore|here|further",
    "dont|never reach out *3 again|anymore|me|us",
    "please not email|mail|contact|message|call|text|bother|write|ping|solicit|reach",
    "dont|never|not send|forward *3 emails|email|anything|any|messages|more|stuff|me|mails|junk|spam|these|this",
    "dont|never|not want|wish|care|like *4 emails|mails|messages|contacted|emailed|spam|newsletter|newsletters",
    "dont|never|not want|wish|need *1 to hear|receive|get|be|keep *3 from|emails|these|this|contacted|emailed|any|more|your|mails|messages",
    "not to be contacted|emailed|messaged",
    "not to contact|email|message|write",
    "no longer wish|want|like to? *1 receive|hear|get|be|receiving|hearing",
    "no more|further|additional of? these|emails|email|mails|mail|messages|contact|correspondence|communication|communications|spam|followups|pls|please|mailings",
    "no more",
    "lose|forget|burn|ditch|discard my|this *1 email|address|number|contact|details|mail",
    "leave me|us alone",
    "leave me|us in peace",
    "cease and desist",
    "cease *2 contact|communication|correspondence|communications",
    "dont|not ever? contact",
    "withdraw|revoke|withdrawing|revoking *2 consent|permission",
    "right to be? forgotten|erasure|object",
    "under gdpr *8 delete|erase|remove|stop",
    "blacklist|block me|us|this|my",
    "do not contact",
    "not on *3 list *3 anymore",
    "want|wanted|wants out",
    "count me out of *3 emails|list|these",
    "who signed|subscribed me",
    "spare me *3 emails|email|messages",
    "never signed up",
    "end *2 subscription",
    "cancel *3 subscription|emails|mailing",
    "go away",
    "get lost",
    "piss|fuck|bugger|feck|sod|naff|jog|rack off",
    "ever|never *2 write|email|contact|mail|message|call|text|bother *1 me|us|this again",
    "knock it off",
    "comot|remove my *1 name|number|email",
    "abeg no send",
    "make you|una no *1 send|write|mail|call|disturb",
    "any *1 further|more contact",
    "i|we object to *3 marketing|processing|emails|contact",
    "not|no *2 write|writing to me|us again|anymore|further",
    "strike|cross|scratch me|us|my *4 list|lists|database|books",
    // German
    "austragen|abmelden|abbestellen|abmeldung|abbestellung|abzumelden|auszutragen",
    "keine *2 emails|mails|mail|nachrichten|werbung|werbemails|newsletter",
    "nicht *2 mehr? kontaktieren|anschreiben|anzuschreiben|kontaktiert|angeschrieben",
    "entfernen|löschen|loeschen|streichen|nehmen sie? mich|uns|meine|diese *3",
    "aus *3 verteiler|liste|datenbank|kartei|mailingliste|verteilerliste",
    "hören|hoeren sie *1 auf",
    "schreiben sie mir nicht",
    "lassen|lasst sie? mich|uns in ruhe",
    "keine *3 e|weiteren|mehr mails|emails|zusendungen|nachrichten|werbung *3",
    "sehen sie von *4 ab",
    "unterlassen sie *5",
    "nicht mehr? *3 belästigen|belaestigen|schicken|zuschicken|zusenden|erhalten|bekommen",
    "lösch~|loesch~ *1 sie? *1 meine|bitte|uns|mich *4",
    "verschwinden sie",
    // French
    "désinscrire|desinscrire|désinscrivez|desinscrivez|désinscription|desinscription|désabonner|desabonner|désabonnez|desabonnez|désabonnement|desabonnement|désinscris",
    "retirez|supprimez|enlevez|retirer|supprimer|effacez moi|mon|mes|nous|me|cette|notre *2",
    "ne plus me|nous|recevoir|être|etre *3",
    "ne souhaite|souhaitons|veux|voulons|désire|desire plus *3",
    "ne me|nous *1 contactez|écrivez|ecrivez|envoyez|recontactez|sollicitez plus|pas",
    "ne mécrivez|mecrivez|menvoyez plus|pas",
    "cessez|arrêtez|arretez|arrêter|arreter|merci de|vos|les|dm *3 envoyer|menvoyer|mails|emails|messages|mécrire|mecrire|écrire|contacter|contacter|plus",
    "plus *1 demails|demail|de mails|mail|messages|message",
    // Spanish, Portuguese, Italian, Dutch
    "darme|dame|dadme|denme|dar|darnos|dé|de|deme de baja",
    "de baja *4 lista|correo|correos|boletín|boletin",
    "quiero|quisiera|deseo *2 baja",
    "cancelar|cancele|cancelen *2 suscripción|suscripcion",
    "no quiero|deseo|queremos|deseamos *2 recibir|más|mas *3",
    "dejen|deje|deja|dejad de *1 enviar|enviarme|escribir|mandar|mandarme|escribirme|contactarme|molestar|molestarme|contactar",
    "dejen|dejad|deja|dejadme|dejenme|déjenme|dejenos|déjennos *1 en paz",
    "dejen|dejad|deja|deje de *1 molestar|mandar|mandarme|escribirme|enviar|enviarme|escribir|fastidiar",
    "no|ni *2 envíen|envien|manden|escriban|contacten|contacte|escriba|vuelvan *4",
    "retire|retíreme|retireme|retiren|retírenme|retirenme|quítame|quitame|sácame|sacame|bórrame|borrame *4",
    "no me|nos *1 escriban|contacten|envíen|envien|manden|contacte|escriba|envíe|envie|molesten|mande",
    "eliminen|elimine|eliminar|borren|borrar|borre|quiten|quite|saquen|sáquenme|saquenme|quítenme|quitenme|bórrenme|borrenme|elimínenme|eliminenme|elimíneme|eliminarme|borrarme *3 lista|base|datos|correo|mi|de",
    "cancellatemi|cancellami|disiscrivermi|disiscrivetemi|rimuovetemi|rimuovimi|cancellarmi|disiscrivimi|disiscrizione",
    "descadastrar|descadastre|descadastrem|remova|remover meu|me|minha *3",
    "uitschrijven|afmelden|uitgeschreven",
    // Hindi in Latin letters
    "mail|mails|email|emails|message|messages|msg mat|nahi|band *2 bhejo|bhejna|bhejiye|karo|kare|karna|kar|chahiye|kijiye|kariye|karein",
    "mat bhejo|bhejna|bhejiye|bhejo|bhejna",
    "mail|mails|email|message|msg|call *2 mat|nahi|na *2",
    "list se *1 hata~",
    "hata do|dijiye|dijie|dena|den",
    "band karo|kar|kijiye|kariye|karein|karna",
    "dobara|aage *2 mail|mails|message|msg|call|contact *2",
    "hata do|dijiye|dena|de",
    "pareshan mat",
];
