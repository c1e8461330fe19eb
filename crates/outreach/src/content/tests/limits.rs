use crate::content::limits::{check, leftovers, questions};

const GOOD: &str =
    "Hi Priya,\n\nI saw that Harbour Dental is hiring.\n\nWould it be worth a short conversation?";

fn errors(subject: &str, body: &str) -> Vec<&'static str> {
    check(subject, body).into_iter().filter(|issue| issue.error).map(|issue| issue.code).collect()
}

#[test]
fn a_plain_message_passes() {
    assert_eq!(errors("Hiring at Harbour Dental", GOOD), Vec::<&str>::new());
    assert_eq!(errors("Re: Hiring at Harbour Dental", GOOD), Vec::<&str>::new());
}

#[test]
fn each_limit_is_named_when_it_is_broken() {
    let long = "x".repeat(50);
    let words = format!("{} Is it so?", "word ".repeat(150));
    let cases: [(&str, &str, &str); 9] = [
        (&long, GOOD, "subject.long"),
        ("  ", GOOD, "subject.empty"),
        ("FREE FOR YOU NOW", GOOD, "subject.all_caps"),
        ("Win a prize", GOOD, "subject.spam_word"),
        ("One\nTwo", GOOD, "subject.control"),
        ("Fine", "No question here.", "body.no_question"),
        ("Fine", "One? And two?", "body.questions"),
        ("Fine", &words, "body.long"),
        ("Fine {{company}}", GOOD, "placeholder"),
    ];
    for (subject, body, code) in cases {
        assert!(
            errors(subject, body).contains(&code),
            "{subject:?}: {:?} has no {code}",
            errors(subject, body)
        );
    }
    assert_eq!(errors(&"x".repeat(49), GOOD), Vec::<&str>::new());
}

#[test]
fn placeholders_are_found_in_every_form_and_html_is_not_one() {
    for bad in [
        "Hi {{first_name}}",
        "Hi {name}",
        "Hi [[name]]",
        "Hi [NAME]",
        "Hi <FIRST NAME>",
        "Hi %NAME%",
        "Hi {{first",
    ] {
        assert_eq!(leftovers(bad).len(), 1, "{bad}: {:?}", leftovers(bad));
    }
    for good in [
        "<p>Hi</p>",
        "<BR>",
        "<TABLE>",
        "<strong>x</strong>",
        "[see below]",
        "50% to 60% of",
        "a < B and C > d",
        "100%",
        "[A]",
    ] {
        assert_eq!(leftovers(good), Vec::<String>::new(), "{good}");
    }
}

#[test]
fn spam_words_count_as_whole_words_only() {
    assert_eq!(errors("Freedom Dental and winter hours", GOOD), Vec::<&str>::new());
    assert!(errors("A free hour", GOOD).contains(&"subject.spam_word"));
}

#[test]
fn a_question_mark_in_a_link_is_no_question() {
    assert_eq!(questions("See https://a.example/?x=1 please."), 0);
    assert_eq!(questions("Really??"), 1);
    assert_eq!(questions("One? Two?"), 2);
}

#[test]
fn empty_phrases_are_warned_about_but_pass() {
    let issues = check("Fine", "I hope this email finds you well. Would a talk be free of cost?");
    let codes: Vec<_> = issues.iter().map(|issue| (issue.code, issue.error)).collect();
    assert_eq!(codes, [("body.generic", false), ("body.spam_word", false)]);
}
