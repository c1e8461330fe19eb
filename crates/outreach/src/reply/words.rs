//! The built-in texts of answers. Pure; nothing stands in them that is not known.

use inbound::reply::Intent;

/// What an answer is written from.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// The person's first name, when it is known.
    pub first_name: Option<&'a str>,
    /// Times that they proposed, as written.
    pub times: &'a [String],
    /// The page on which they can pick a time, when there is one.
    pub booking_url: Option<&'a str>,
    /// Times that are free, as written.
    pub free: &'a [String],
    /// The zone of those times.
    pub zone: &'a str,
    /// Who answers.
    pub sender_name: &'a str,
    /// The client's name.
    pub company: &'a str,
    /// The client's postal address.
    pub postal_address: &'a str,
}

/// The answer to an intent; none where a person has to find the words.
pub fn answer(intent: Intent, facts: &Facts<'_>) -> Option<String> {
    let core = match intent {
        Intent::MeetingRequest => meeting(facts),
        Intent::Interested => interested(facts),
        Intent::Referral => {
            "Thank you for pointing me to the right person. I will not take more of your time.".to_owned()
        }
        Intent::WrongPerson => {
            "Thank you for telling me. I will not write to you again about this.".to_owned()
        }
        Intent::Question
        | Intent::NotInterested
        | Intent::Unsubscribe
        | Intent::OutOfOffice
        | Intent::AutoReply
        | Intent::Angry
        | Intent::Unclear => return None,
    };
    Some(whole(&core, facts))
}

fn meeting(facts: &Facts<'_>) -> String {
    match (facts.booking_url, facts.times) {
        (Some(url), []) => {
            format!("Great, let us talk. {}\n\nYou will get the invitation at once.", pick(url, facts))
        }
        (Some(url), times) => format!(
            "Great, let us talk. You mentioned {}; please confirm it, or pick what suits you best, here:\n{url}{}\n\nYou will get the invitation at once.",
            join(times),
            free(facts)
        ),
        (None, []) => "Great, let us talk. Which two times suit you in the next days? I will send an invitation for one of them.".to_owned(),
        (None, times) => format!("Great, let us talk. You mentioned {}. I will check it and send you an invitation.", join(times)),
    }
}

/// Where to pick a time, and what is free.
fn pick(url: &str, facts: &Facts<'_>) -> String {
    format!("Pick the time that suits you best here:\n{url}{}", free(facts))
}

fn free(facts: &Facts<'_>) -> String {
    if facts.free.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = facts.free.iter().map(|time| format!("- {time}")).collect();
    format!("\n\nThese are free at the moment ({}):\n{}", facts.zone, lines.join("\n"))
}

/// What somebody is told who did not come to a meeting.
pub fn missed(title: &str, when: &str, facts: &Facts<'_>) -> String {
    let begin = format!(
        "We did not manage to meet for “{title}” ({when}). That happens, and I would still like to talk."
    );
    let core = match facts.booking_url {
        Some(url) => format!("{begin} {}", pick(url, facts)),
        None => format!("{begin} Which two times suit you in the next days?"),
    };
    whole(&core, facts)
}

fn interested(facts: &Facts<'_>) -> String {
    match facts.booking_url {
        Some(url) => format!(
            "Thank you for getting back to me. The quickest way is a short call; pick a time that suits you here:\n{url}\n\nIf you would rather have it in writing, tell me what you want to know first."
        ),
        None => "Thank you for getting back to me. The quickest way is a short call: which two times suit you in the next days? If you would rather have it in writing, tell me what you want to know first.".to_owned(),
    }
}

fn join(times: &[String]) -> String {
    let quoted: Vec<String> = times.iter().take(3).map(|time| format!("“{}”", time.trim())).collect();
    quoted.join(", ")
}

/// Greeting, words, sign-off and who writes from where.
pub fn whole(core: &str, facts: &Facts<'_>) -> String {
    let greeting = facts.first_name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hi {name},"));
    let mut signed = vec!["Kind regards,", facts.sender_name];
    if facts.company != facts.sender_name {
        signed.push(facts.company);
    }
    let signed: Vec<&str> = signed.into_iter().filter(|line| !line.trim().is_empty()).collect();
    let address = facts.postal_address.trim();
    let identity =
        if address.is_empty() { String::new() } else { format!("\n\n--\n{}, {address}", facts.company) };
    format!("{greeting}\n\n{}\n\n{}{identity}\n", core.trim(), signed.join("\n"))
}

/// What somebody is told once who asked to hear no more.
pub fn opted_out(facts: &Facts<'_>) -> String {
    whole("You will hear no more from us, on no channel. Nothing is left for you to do.", facts)
}

/// The subject of an answer: the thread's, with one `Re:` before it, on one line.
pub fn subject(thread: &str) -> String {
    let line: String = thread.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    let line = line.trim();
    if line.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:")) {
        line.to_owned()
    } else {
        format!("Re: {line}").trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_offers_what_is_known_and_nothing_else() {
        let times = ["Tuesday 3pm".to_owned()];
        let facts = Facts {
            first_name: Some("Priya"),
            times: &times,
            booking_url: Some("http://x.example/book/us"),
            free: &[],
            zone: "",
            sender_name: "Ana Wells",
            company: "Anchor",
            postal_address: "1 George Street, Sydney",
        };
        let text = answer(Intent::MeetingRequest, &facts).expect("an answer");
        for part in ["Hi Priya,", "“Tuesday 3pm”", "http://x.example/book/us", "Ana Wells", "1 George Street"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        let bare =
            answer(Intent::Interested, &Facts { sender_name: "Ana", ..Facts::default() }).expect("an answer");
        assert!(bare.starts_with("Hello,") && !bare.contains("http"));
    }

    #[test]
    fn free_times_stand_with_their_zone_and_a_missed_meeting_is_named() {
        let free = ["Tuesday 3 March, 10:00".to_owned(), "Wednesday 4 March, 09:00".to_owned()];
        let facts = Facts {
            booking_url: Some("http://x.example/book/us"),
            free: &free,
            zone: "Australia/Sydney",
            sender_name: "Ana",
            ..Facts::default()
        };
        let text = answer(Intent::MeetingRequest, &facts).expect("an answer");
        assert!(
            text.contains("(Australia/Sydney):\n- Tuesday 3 March, 10:00\n- Wednesday 4 March, 09:00\n"),
            "{text}"
        );
        let again = missed("Intro call", "Monday 2 March, 11:00", &facts);
        assert!(
            again.contains("“Intro call” (Monday 2 March, 11:00)") && again.contains("- Tuesday"),
            "{again}"
        );
        let bare = missed("Intro call", "Monday", &Facts::default());
        assert!(bare.contains("Which two times") && !bare.contains("http"), "{bare}");
    }

    #[test]
    fn nobody_who_is_angry_or_opted_out_gets_a_built_in_answer() {
        for intent in
            [Intent::Angry, Intent::Unsubscribe, Intent::NotInterested, Intent::Unclear, Intent::OutOfOffice]
        {
            assert_eq!(answer(intent, &Facts::default()), None, "{intent:?}");
        }
    }

    #[test]
    fn a_subject_has_one_re_and_one_line() {
        for (thread, expected) in [
            ("Hello", "Re: Hello"),
            ("RE: Hello", "RE: Hello"),
            ("a\r\nBcc: x", "Re: a  Bcc: x"),
            ("Ré", "Re: Ré"),
        ] {
            assert_eq!(subject(thread), expected);
        }
    }
}
