use super::brief;
use crate::content::claims::{Ground, Kind, unsupported};

fn kinds(text: &str) -> Vec<Kind> {
    unsupported(&Ground::of(&brief()), text).into_iter().map(|part| part.kind).collect()
}

#[test]
fn what_the_sheet_says_may_be_said() {
    for good in [
        "Hi Priya,",
        "I saw that Harbour Dental is hiring.",
        "I read that patients wait up to 3 weeks for an appointment.",
        "Your patients wait 3 weeks for an appointment.",
        "We build booking pages for clinics from A$1,200 and answer calls within 20 seconds.",
        "Would you be open to a 15-minute call on Tuesday?",
        "As Practice Manager at Harbour Dental you may be the right person for this.",
        "If waiting times are a topic for you, I am happy to show how our pages work.",
        "Should I send a few more details?",
        "Thanks for reading.",
    ] {
        assert_eq!(kinds(good), Vec::<Kind>::new(), "{good}: {:?}", unsupported(&Ground::of(&brief()), good));
    }
}

#[test]
fn what_nobody_supplied_is_found() {
    for (bad, kind) in [
        ("Clinics grow by 40% with this.", Kind::Number),
        ("It costs A$1,300.", Kind::Number),
        ("You could save $5k a month.", Kind::Number),
        ("We doubled bookings for a clinic.", Kind::Number),
        ("A call takes 25 minutes and saves twice that.", Kind::Number),
        ("Bright Smiles uses our pages.", Kind::Name),
        ("We did this for Smile Co in Perth.", Kind::Name),
        ("Google likes our pages.", Kind::Name),
        ("We have helped many clinics.", Kind::Proof),
        ("Here is a case study.", Kind::Proof),
        ("We are trusted by clinics.", Kind::Proof),
        ("This is an award-winning service.", Kind::Award),
        ("There are only a few places, so hurry.", Kind::Urgency),
        ("This offer expires soon.", Kind::Urgency),
        ("Your front desk is losing calls every day.", Kind::AboutReader),
        ("Congratulations on the expansion into orthodontics.", Kind::AboutReader),
        ("I noticed that your website has no online payment.", Kind::AboutReader),
        ("Since you are losing revenue to competitors, would you talk?", Kind::AboutReader),
        ("Harbour Dental recently opened a second surgery.", Kind::AboutReader),
    ] {
        assert!(kinds(bad).contains(&kind), "{bad}: {:?}", unsupported(&Ground::of(&brief()), bad));
    }
}

#[test]
fn the_clients_own_words_carry_its_own_proof() {
    let mut with_proof = brief();
    with_proof.client.offer = Some("We have helped 30 clinics and are trusted by dentists in Perth.".into());
    let found = unsupported(
        &Ground::of(&with_proof),
        "We have helped 30 clinics and are trusted by dentists in Perth.",
    );
    assert_eq!(found, []);
}
