//! Each client against its twin, over HTTP, with what can go wrong.

use super::{Line, crms};
use base::{Clock, ManualClock, Random, Secret, Time};
use ports::crm::{Account, CrmError, CrmKind, Crms, Deal, Meaning, Person, Wanted};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use twins::crm::{self as twin, CrmTwin, Fault, FaultKind};
use uuid::Uuid;

struct Bed {
    twin: CrmTwin,
    clock: Arc<ManualClock>,
    all: Crms,
}

impl Bed {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Time::from_us(1_700_000_000_000_000)));
        let twin = CrmTwin::start("127.0.0.1:0".parse().unwrap(), clock.clone()).await.unwrap();
        let line = Line::new(Arc::new(Random::seeded(1)), Duration::from_millis(400)).unwrap();
        Self { twin, clock, all: crms(&line) }
    }

    fn account(&self, kind: CrmKind) -> Account {
        Account { base_url: self.twin.url(kind.word()).parse().ok(), key: Secret::new("key") }
    }

    fn people(&self, kind: CrmKind, from: usize, to: usize) {
        for n in from..to {
            self.twin.know(twin::Person {
                service: kind.word().to_owned(),
                email: format!("p{n}@c{n}.example"),
                first_name: format!("Pat{n}"),
                last_name: "Jones".to_owned(),
                company: format!("Company {n}"),
                phone: "+61 2 9374 4000".to_owned(),
                ..twin::Person::default()
            });
        }
    }

    /// Every contact since an instant, page by page; the addresses, and how many pages there were.
    async fn read(&self, kind: CrmKind, since: Option<Time>) -> (Vec<String>, usize) {
        let (crm, account) = (self.all.get(kind).unwrap(), self.account(kind));
        let (mut got, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = crm.contacts(&account, &Wanted { since, cursor }).await.unwrap();
            got.extend(page.contacts.into_iter().filter_map(|contact| contact.person.email));
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                return (got, pages);
            }
        }
    }

    async fn ana(&self, kind: CrmKind) -> ports::crm::Contact {
        self.all.get(kind).unwrap().create(&self.account(kind), &ana()).await.unwrap()
    }
}

fn ana() -> Person {
    Person {
        email: Some("ana@harbour.example".into()),
        first_name: Some("Ana".into()),
        last_name: Some("Silva".into()),
        title: Some("Owner".into()),
        company: Some("Harbour Dental".into()),
        website: Some("harbour.example".into()),
        ..Person::default()
    }
}

fn deal(kind: CrmKind, contact: &ports::crm::Contact) -> Deal {
    let (pipeline, stage) = match kind {
        CrmKind::Hubspot => ("default", "qualifiedtobuy"),
        CrmKind::Pipedrive => ("1", "2"),
        CrmKind::Close => ("pipe_1", "stat_demo"),
    };
    Deal {
        mark: Uuid::from_u128(0x0190_0000_0000_7000_8000_1234_5678_9abc),
        name: "Intro call with Ana".into(),
        contact: contact.reference.clone(),
        company: contact.company_reference.clone(),
        pipeline: pipeline.into(),
        stage: Some(stage.into()),
        meaning: Meaning::Open,
        value_minor: Some(1_200_050),
        currency: "AUD".into(),
        lost_reason: None,
    }
}

#[tokio::test]
async fn a_good_key_opens_an_account_and_a_bad_one_says_so() {
    let bed = Bed::new().await;
    for kind in CrmKind::ALL {
        let crm = bed.all.get(kind).unwrap();
        let owner = crm.check(&bed.account(kind)).await.unwrap();
        assert!(!owner.name.is_empty(), "{kind:?}");
        let wrong = Account { key: Secret::new("wrong"), ..bed.account(kind) };
        let refused = crm.check(&wrong).await.unwrap_err();
        assert!(matches!(refused, CrmError::Unauthorised { .. }), "{kind:?}: {refused}");
        let plain = Account { base_url: "http://crm.example".parse().ok(), key: Secret::new("key") };
        let refused = crm.check(&plain).await.unwrap_err();
        assert!(
            matches!(refused, CrmError::Rejected { ref code, .. } if code == "address_not_https"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn pipelines_come_with_their_stages_in_order_and_what_they_mean() {
    let bed = Bed::new().await;
    for (kind, stages, won) in [
        (CrmKind::Hubspot, 7, Some("closedwon")),
        (CrmKind::Pipedrive, 5, None),
        (CrmKind::Close, 5, Some("stat_won")),
    ] {
        let pipelines = bed.all.get(kind).unwrap().pipelines(&bed.account(kind)).await.unwrap();
        assert_eq!((pipelines.len(), pipelines[0].stages.len()), (1, stages), "{kind:?}");
        let found = pipelines[0].stages.iter().find(|stage| stage.meaning == Meaning::Won);
        assert_eq!(found.map(|stage| stage.reference.as_str()), won, "{kind:?}");
    }
}

#[tokio::test]
async fn every_contact_is_read_once_over_all_pages() {
    let bed = Bed::new().await;
    for kind in CrmKind::ALL {
        bed.people(kind, 0, 230);
        let (got, pages) = bed.read(kind, None).await;
        assert_eq!((got.len(), pages), (230, 3), "{kind:?}");
        assert_eq!(got.iter().collect::<BTreeSet<_>>().len(), 230, "{kind:?}");
    }
}

#[tokio::test]
async fn a_later_run_reads_only_what_changed_since() {
    let bed = Bed::new().await;
    for kind in CrmKind::ALL {
        bed.people(kind, 0, 120);
    }
    bed.clock.advance_s(3_600);
    let since = bed.clock.now();
    for kind in CrmKind::ALL {
        bed.people(kind, 120, 250);
        let (got, pages) = bed.read(kind, Some(since)).await;
        assert_eq!((got.len(), pages), (130, 2), "{kind:?}");
        assert!(got.contains(&"p120@c120.example".to_owned()), "{kind:?}");
    }
}

#[tokio::test]
async fn a_contact_is_made_found_by_address_and_filled_without_overwriting() {
    let bed = Bed::new().await;
    for kind in CrmKind::ALL {
        let (crm, account) = (bed.all.get(kind).unwrap(), bed.account(kind));
        assert_eq!(crm.find(&account, "ana@harbour.example").await.unwrap(), None, "{kind:?}");
        let made = bed.ana(kind).await;
        let found = crm.find(&account, "ANA@harbour.example").await.unwrap().unwrap();
        assert_eq!(found.reference, made.reference, "{kind:?}");
        let more = Person { first_name: Some("Anna".into()), phone: Some("+61293744000".into()), ..ana() };
        crm.fill(&account, &made.reference, &more).await.unwrap();
        let there = bed.twin.contacts(kind.word());
        assert_eq!((there.len(), there[0].first_name.as_str()), (1, "Ana"), "{kind:?}");
        assert_eq!(there[0].phone, "+61293744000", "{kind:?}");
        let gone = crm.fill(&account, "999999", &more).await.unwrap_err();
        assert_eq!(gone, CrmError::Gone, "{kind:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_there_is_named_and_a_bad_one_refused() {
    let bed = Bed::new().await;
    let (crm, account) = (bed.all.get(CrmKind::Hubspot).unwrap(), bed.account(CrmKind::Hubspot));
    let made = bed.ana(CrmKind::Hubspot).await;
    let again = crm.create(&account, &ana()).await.unwrap_err();
    assert_eq!(again, CrmError::Taken { reference: Some(made.reference) });
    let bad = Person { email: Some("ana".into()), ..ana() };
    let refused = crm.create(&account, &bad).await.unwrap_err();
    assert!(
        matches!(refused, CrmError::Rejected { ref code, .. } if code == "VALIDATION_ERROR"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_deal_is_made_found_by_its_mark_and_moved() {
    let bed = Bed::new().await;
    for kind in CrmKind::ALL {
        let (crm, account) = (bed.all.get(kind).unwrap(), bed.account(kind));
        let mut ours = deal(kind, &bed.ana(kind).await);
        assert_eq!(crm.find_deal(&account, &ours).await.unwrap(), None, "{kind:?}");
        let reference = crm.create_deal(&account, &ours).await.unwrap();
        assert_eq!(crm.find_deal(&account, &ours).await.unwrap(), Some(reference.clone()), "{kind:?}");
        let other = Deal { mark: Uuid::from_u128(0x0190_0000_0000_7000_8000_ffff_ffff_0001), ..ours.clone() };
        assert_eq!(crm.find_deal(&account, &other).await.unwrap(), None, "{kind:?}");
        (ours.stage, ours.meaning) = match kind {
            CrmKind::Hubspot => (Some("closedwon".into()), Meaning::Won),
            CrmKind::Pipedrive => (None, Meaning::Won),
            CrmKind::Close => (Some("stat_won".into()), Meaning::Won),
        };
        crm.update_deal(&account, &reference, &ours).await.unwrap();
        let there = bed.twin.deals(kind.word()).remove(0);
        let (value, state) = match kind {
            CrmKind::Hubspot => ("12000.50", there.stage == "closedwon"),
            CrmKind::Pipedrive => ("12000.50", there.status == "won" && there.stage == "2"),
            CrmKind::Close => ("1200050", there.stage == "stat_won"),
        };
        assert!(state, "{kind:?}: {there:?}");
        assert_eq!(there.value.parse::<f64>().unwrap(), value.parse::<f64>().unwrap(), "{kind:?}");
        assert_eq!(crm.update_deal(&account, "999999", &ours).await.unwrap_err(), CrmError::Gone, "{kind:?}");
    }
}

#[tokio::test]
async fn what_makes_something_is_never_sent_again_when_its_answer_is_lost() {
    let bed = Bed::new().await;
    for (kind, on) in [
        (CrmKind::Hubspot, "POST /hubspot/crm/v3/objects/contacts"),
        (CrmKind::Pipedrive, "POST /pipedrive/api/v2/persons"),
        (CrmKind::Close, "POST /close/api/v1/lead/"),
    ] {
        let (crm, account) = (bed.all.get(kind).unwrap(), bed.account(kind));
        for (n, fault) in
            [FaultKind::TimeoutAfter, FaultKind::ServerErrorAfter, FaultKind::Garbage].into_iter().enumerate()
        {
            let person = Person {
                email: Some(format!("lost{n}@harbour.example")),
                company: Some(format!("Lost {n}")),
                ..ana()
            };
            bed.twin.inject(Fault::on(fault, on));
            let lost = crm.create(&account, &person).await.unwrap_err();
            assert!(matches!(lost, CrmError::Unknown { .. }), "{kind:?} {fault:?}: {lost}");
            let there = crm.find(&account, &format!("lost{n}@harbour.example")).await.unwrap();
            assert!(there.is_some(), "{kind:?} {fault:?}: it is found instead");
        }
        assert_eq!(bed.twin.contacts(kind.word()).len(), 3, "{kind:?}: each once");
    }
}

#[tokio::test]
async fn what_reads_is_asked_again_and_a_short_limit_is_waited_for() {
    let bed = Bed::new().await;
    for kind in CrmKind::ALL {
        let (crm, account) = (bed.all.get(kind).unwrap(), bed.account(kind));
        bed.twin.inject(Fault { kind: FaultKind::ServerError, on: None, ms: 0 });
        bed.twin.inject(Fault { kind: FaultKind::RateLimited, on: None, ms: 0 });
        assert_eq!(crm.find(&account, "nobody@harbour.example").await.unwrap(), None, "{kind:?}");
    }
}

#[tokio::test]
async fn a_limit_of_the_day_is_the_callers_business() {
    let bed = Bed::new().await;
    for (kind, name) in [
        (CrmKind::Hubspot, "daily"),
        (CrmKind::Pipedrive, "daily token budget"),
        (CrmKind::Close, "endpoint group"),
    ] {
        bed.twin.inject(Fault { kind: FaultKind::Exhausted, on: None, ms: 0 });
        let limited = bed.all.get(kind).unwrap().create(&bed.account(kind), &ana()).await.unwrap_err();
        let CrmError::Limited { limit, retry_after_s, .. } = limited else { panic!("{kind:?}: {limited}") };
        assert_eq!((limit.as_str(), retry_after_s), (name, 3_600), "{kind:?}");
        assert!(bed.twin.contacts(kind.word()).is_empty(), "{kind:?}: nothing was made");
    }
}

#[tokio::test]
async fn a_key_that_is_taken_back_meanwhile_is_told_apart() {
    let bed = Bed::new().await;
    for kind in CrmKind::ALL {
        bed.twin.inject(Fault { kind: FaultKind::Unauthorized, on: None, ms: 0 });
        let refused = bed.all.get(kind).unwrap().find(&bed.account(kind), "a@b.example").await.unwrap_err();
        assert!(matches!(refused, CrmError::Unauthorised { .. }), "{kind:?}: {refused}");
    }
}
