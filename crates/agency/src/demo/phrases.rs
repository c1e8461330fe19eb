//! What simulated prospects write. `{}` is the sender's first name.

/// Answers that ask for a meeting.
pub const MEETING: [&str; 6] = [
    "Hi {}, sounds useful. Can we have a call next week? Tuesday or Wednesday morning suits me.",
    "Thanks for the note. Happy to book a time, do you have a link?",
    "Yes, let's talk. I'm free Thursday after 2pm.",
    "Good timing actually. Could you set up a quick call with me and our manager?",
    "{}, keen to hear more. What does your calendar look like on Monday?",
    "Let's do a 15 minute chat. Send me an invite please.",
];

/// Answers that show interest.
pub const INTERESTED: [&str; 6] = [
    "This is interesting, please tell me more.",
    "We have been thinking about exactly this. Can you send some details?",
    "Sounds good, I'd like to know how it works.",
    "I'm interested. What would the next step be?",
    "Happy to learn more about this, thanks for reaching out.",
    "Yes, this is something we want to fix this quarter.",
];

/// Questions.
pub const QUESTION: [&str; 5] = [
    "What does it cost for a business with two locations?",
    "Do you work with franchises?",
    "How long does it usually take until there are results?",
    "Is there a minimum contract?",
    "Who else in our industry have you worked with?",
];

/// Refusals.
pub const NOT_INTERESTED: [&str; 6] = [
    "Thanks, but we're not interested at this time.",
    "No thank you. We already have an agency for this.",
    "Not for us, sorry.",
    "We have no budget for this, so I'll pass.",
    "Appreciate the email but this isn't a fit.",
    "Not interested, thanks.",
];

/// Opt-outs.
pub const UNSUBSCRIBE: [&str; 5] = [
    "Please remove me from your list.",
    "unsubscribe",
    "Take me off this mailing list please.",
    "Stop emailing me.",
    "Please don't contact me again.",
];

/// Automatic absence notices; the date is put after the text.
pub const AWAY: [&str; 3] = [
    "I am out of the office and will be back on",
    "Thank you for your email. I am on leave until",
    "I'm away from my desk, returning on",
];

/// Hand-overs; the address is put after the text.
pub const REFERRAL: [&str; 2] = [
    "I don't look after this. You should talk to our marketing lead instead, the address is",
    "Not my area, please contact my colleague at",
];

/// Wrong people.
pub const WRONG_PERSON: [&str; 2] = [
    "I don't work there any more, you have the wrong person.",
    "You've got the wrong person, I have nothing to do with marketing.",
];

/// Anger.
pub const ANGRY: [&str; 2] = [
    "This is spam. Where did you get my details? I will report you.",
    "Are you kidding me? This is harassment, stop this rubbish or hear from my lawyer.",
];
