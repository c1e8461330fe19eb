//! Where a booking stands, by its words alone.

use super::standing::{State, Word, stand};
use base::Time;
use ports::calendar::{Made, What};
use proptest::prelude::*;
use uuid::Uuid;

fn at(minute: i64) -> Time {
    Time::from_us(minute * 60_000_000)
}

fn booked(minute: i64, reference: &str, replaces: Option<&str>, starts: i64) -> Word {
    let made = Made {
        reference: reference.to_owned(),
        replaces: replaces.map(str::to_owned),
        starts_at: Some(at(starts)),
        ends_at: Some(at(starts + 30)),
        email: "guest@there.example".to_owned(),
        ..Made::default()
    };
    Word { at: at(minute), what: What::Booked(Box::new(made)) }
}

fn cancelled(minute: i64, reference: &str, moved: bool) -> Word {
    let what = What::Cancelled {
        reference: reference.to_owned(),
        reason: (!moved).then(|| "No time".to_owned()),
        moved,
        replaced_by: None,
    };
    Word { at: at(minute), what }
}

fn no_show(minute: i64, reference: &str, missed: bool) -> Word {
    Word { at: at(minute), what: What::NoShow { reference: reference.to_owned(), missed } }
}

fn now(words: &[Word]) -> Option<(String, State)> {
    stand(words).map(|standing| (standing.now.reference, standing.state))
}

/// What is told, which words, and which booking stands how.
type Story = (&'static str, Vec<Word>, Option<(&'static str, State)>);

#[test]
fn each_story_ends_where_it_should() {
    let a = || booked(1, "a", None, 100);
    let b = || booked(5, "b", Some("a"), 200);
    let why = || State::Cancelled("No time".to_owned());
    let stories: [Story; 11] = [
        ("nothing was made", vec![cancelled(1, "a", false)], None),
        ("booked", vec![a()], Some(("a", State::Booked))),
        ("cancelled", vec![a(), cancelled(2, "a", false)], Some(("a", why()))),
        ("moved in one word", vec![a(), b()], Some(("b", State::Booked))),
        ("moved in two words", vec![a(), cancelled(5, "a", true), b()], Some(("b", State::Booked))),
        ("the new time is not told yet", vec![a(), cancelled(5, "a", true)], Some(("a", State::Booked))),
        ("only the new time was told", vec![b()], Some(("b", State::Booked))),
        ("cancelled after the move", vec![a(), b(), cancelled(6, "b", false)], Some(("b", why()))),
        (
            "a late word about the old time",
            vec![a(), b(), cancelled(9, "a", false)],
            Some(("b", State::Booked)),
        ),
        ("missed", vec![a(), no_show(101, "a", true)], Some(("a", State::Missed))),
        (
            "not missed after all",
            vec![a(), no_show(101, "a", true), no_show(102, "a", false)],
            Some(("a", State::Booked)),
        ),
    ];
    for (story, words, expected) in stories {
        assert_eq!(now(&words), expected.map(|(name, state)| (name.to_owned(), state)), "{story}");
    }
}

#[test]
fn the_lead_of_the_first_booking_stays_when_a_move_does_not_name_it() {
    let lead = Uuid::from_u128(7);
    let mut first = booked(1, "a", None, 100);
    if let What::Booked(made) = &mut first.what {
        made.lead = Some(lead);
    }
    let standing = stand(&[booked(5, "b", Some("a"), 200), first]).expect("it was made");
    assert_eq!((standing.now.lead, standing.references), (Some(lead), vec!["a".to_owned(), "b".to_owned()]));
}

fn word() -> impl Strategy<Value = Word> {
    let names = prop::sample::select(vec!["a", "b", "c"]);
    (0_u8..4, 0_i64..6, names.clone(), prop::option::of(names), any::<bool>(), 0_i64..4).prop_map(
        |(kind, minute, name, other, flag, starts)| match kind {
            0 => booked(minute, name, other.filter(|other| *other != name), starts * 60),
            1 => cancelled(minute, name, flag),
            2 => no_show(minute, name, flag),
            _ => booked(minute, name, None, starts * 60),
        },
    )
}

proptest! {
    #[test]
    fn order_and_repetition_of_words_never_matter(
        words in prop::collection::vec(word(), 1..9),
        shuffle in prop::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let before = stand(&words);
        let mut mixed = words.clone();
        for index in &shuffle {
            let one = mixed[index.index(mixed.len())].clone();
            mixed.push(one);
        }
        let by = shuffle[0].index(mixed.len());
        mixed.rotate_left(by);
        mixed.reverse();
        prop_assert_eq!(stand(&mixed), before);
    }
}
