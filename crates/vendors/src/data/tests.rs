//! Each client against its twin, over HTTP, with what can go wrong.

use super::{Line, providers};
use base::{ManualClock, Micros, Random, Secret, Time};
use ports::fetch::MemoryFetcher;
use ports::provider::{
    Account, Answer, Ask, Company, Cost, Field, Finding, Person, ProviderError, ProviderKind, Providers,
    Purpose, Search,
};
use std::sync::Arc;
use std::time::Duration;
use twins::data::{self, DataTwin, Fault, FaultKind};
use uuid::Uuid;

struct Bed {
    twin: DataTwin,
    all: Providers,
}

impl Bed {
    async fn new() -> Self {
        let twin = DataTwin::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        twin.know_company(data::Company {
            name: "Harbour Dental".into(),
            domain: "harbour.example".into(),
            abn: "51824753556".into(),
            region: "NSW".into(),
            city: "Sydney".into(),
            phone: "+61 2 9374 4000".into(),
            industry: "Dentist".into(),
            employees: 12,
        });
        twin.know(data::Person {
            first_name: "Priya".into(),
            last_name: "Nair".into(),
            domain: "harbour.example".into(),
            email: "priya@harbour.example".into(),
            email_status: "valid".into(),
            title: "Owner".into(),
            linkedin_url: "https://www.linkedin.com/in/priya-nair".into(),
            mobile: "+61491570156".into(),
            restricted: false,
        });
        let line = Line::new(Arc::new(Random::seeded(1)), Duration::from_millis(500)).unwrap();
        let clock = Arc::new(ManualClock::at(Time::from_us(0)));
        let enricher = Arc::new(ports::enrich::FromWebsite::new(Arc::new(MemoryFetcher::new(clock))));
        Self { twin, all: providers(&line, enricher) }
    }

    fn account(&self, kind: ProviderKind) -> Account {
        Account {
            base_url: self.twin.url(kind.word()).parse().ok(),
            key: Secret::new("key"),
            actor: Some("someone~reader".into()),
            bare_key: false,
            callback: "http://127.0.0.1:9/webhooks/data/apollo/token".parse().ok(),
        }
    }

    async fn ask(&self, kind: ProviderKind, ask: &Ask) -> Result<Vec<Finding>, ProviderError> {
        match self.all.get(kind)?.look_up(&self.account(kind), ask).await?.answer {
            Answer::Found(findings) => Ok(findings),
            Answer::Pending { ticket, .. } => panic!("pending: {ticket}"),
        }
    }
}

fn priya(purpose: Purpose) -> Ask {
    Ask {
        id: Uuid::from_u128(7),
        purpose,
        person: Person {
            first_name: Some("Priya".into()),
            last_name: Some("Nair".into()),
            email: Some("priya@harbour.example".into()),
            linkedin_url: Some("https://au.linkedin.com/in/priya-nair/".into()),
            ..Person::default()
        },
        company: Company {
            name: Some("Harbour Dental Pty Ltd".into()),
            domain: Some("harbour.example".into()),
            ..Company::default()
        },
        limit_usd: Micros(6_000),
    }
}

fn said(findings: &[Finding], field: Field) -> Option<&str> {
    findings.iter().find(|one| one.field == field).map(|one| one.value.as_str())
}

#[tokio::test]
async fn each_service_is_read_in_its_own_form() {
    let bed = Bed::new().await;
    for (kind, purpose, field, value) in [
        (ProviderKind::Abn, Purpose::Company, Field::Abn, "51824753556"),
        (ProviderKind::Abn, Purpose::Company, Field::Company, "Harbour Dental"),
        (ProviderKind::Abn, Purpose::Company, Field::Gst, "2012-07-01"),
        (ProviderKind::Places, Purpose::Place, Field::Phone, "+61 2 9374 4000"),
        (ProviderKind::Places, Purpose::Place, Field::Domain, "harbour.example"),
        (ProviderKind::Hunter, Purpose::FindEmail, Field::Email, "priya@harbour.example"),
        (ProviderKind::Hunter, Purpose::FindEmail, Field::EmailState, "verified"),
        (ProviderKind::Hunter, Purpose::VerifyEmail, Field::EmailState, "verified"),
        (ProviderKind::Apollo, Purpose::Profile, Field::Title, "Owner"),
        (ProviderKind::Apollo, Purpose::Profile, Field::RoleStarted, "2026-06-01"),
        (ProviderKind::Apollo, Purpose::Profile, Field::Headcount, "12"),
        (ProviderKind::Apollo, Purpose::Company, Field::Industry, "dentist"),
        (ProviderKind::Apify, Purpose::Place, Field::Phone, "+61293744000"),
        (ProviderKind::Apify, Purpose::Profile, Field::Title, "Owner"),
        (ProviderKind::Kaspr, Purpose::Mobile, Field::Mobile, "+61491570156"),
    ] {
        let got = bed.ask(kind, &priya(purpose)).await.unwrap();
        assert_eq!(said(&got, field), Some(value), "{kind:?} {purpose:?}: {got:?}");
    }
}

#[tokio::test]
async fn what_a_service_does_not_know_is_nothing_and_not_an_error() {
    let bed = Bed::new().await;
    let mut stranger = priya(Purpose::FindEmail);
    stranger.person =
        Person { first_name: Some("Otto".into()), last_name: Some("Bold".into()), ..Person::default() };
    stranger.company = Company {
        name: Some("Nowhere".into()),
        domain: Some("nowhere.example".into()),
        ..Company::default()
    };
    for (kind, purpose) in [
        (ProviderKind::Abn, Purpose::Company),
        (ProviderKind::Places, Purpose::Place),
        (ProviderKind::Hunter, Purpose::FindEmail),
        (ProviderKind::Apollo, Purpose::Profile),
        (ProviderKind::Apify, Purpose::Place),
        (ProviderKind::Kaspr, Purpose::Mobile),
        (ProviderKind::Website, Purpose::Company),
    ] {
        stranger.purpose = purpose;
        assert!(bed.ask(kind, &stranger).await.unwrap().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_paid_call_is_never_sent_again_when_its_answer_is_lost() {
    for (kind, purpose, on) in [
        (ProviderKind::Hunter, Purpose::FindEmail, "GET /hunter"),
        (ProviderKind::Places, Purpose::Place, "POST /places"),
        (ProviderKind::Apollo, Purpose::Profile, "POST /apollo"),
        (ProviderKind::Apify, Purpose::Place, "POST /apify"),
        (ProviderKind::Clay, Purpose::Mobile, "POST /clay"),
        (ProviderKind::Kaspr, Purpose::Mobile, "POST /kaspr"),
    ] {
        for fault in [FaultKind::TimeoutAfter, FaultKind::ServerErrorAfter, FaultKind::TimeoutBefore] {
            let bed = Bed::new().await;
            bed.twin.inject(Fault::on(fault, on));
            let provider = bed.all.get(kind).unwrap();
            let got = provider.look_up(&bed.account(kind), &priya(purpose)).await;
            assert!(matches!(got, Err(ProviderError::Unknown { .. })), "{kind:?} {fault:?}: {got:?}");
            assert_eq!(bed.twin.calls(), 1, "{kind:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn what_was_surely_not_charged_is_sent_again() {
    let bed = Bed::new().await;
    bed.twin.inject(Fault::on(FaultKind::RateLimited, "GET /hunter"));
    assert!(!bed.ask(ProviderKind::Hunter, &priya(Purpose::FindEmail)).await.unwrap().is_empty());
    bed.twin.inject(Fault::on(FaultKind::ServerError, "GET /abn"));
    assert!(!bed.ask(ProviderKind::Abn, &priya(Purpose::Company)).await.unwrap().is_empty());
    assert_eq!(bed.twin.charged("hunter"), 1);
    let nowhere =
        Account { base_url: "http://127.0.0.1:1/v2".parse().ok(), ..bed.account(ProviderKind::Hunter) };
    let got = bed.all.get(ProviderKind::Hunter).unwrap().look_up(&nowhere, &priya(Purpose::FindEmail)).await;
    assert!(matches!(got, Err(ProviderError::NotSent { .. })), "{got:?}");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_services_words() {
    let bed = Bed::new().await;
    for (kind, purpose, on) in [
        (ProviderKind::Apollo, Purpose::Profile, "POST /apollo"),
        (ProviderKind::Hunter, Purpose::FindEmail, "GET /hunter"),
    ] {
        bed.twin.inject(Fault::on(FaultKind::Unauthorized, on));
        let got = bed.all.get(kind).unwrap().look_up(&bed.account(kind), &priya(purpose)).await;
        let Err(ProviderError::Rejected { code, message }) = got else { panic!("{got:?}") };
        assert_eq!((code.as_str(), message.as_str()), ("401", "Invalid access credentials."));
    }
    let bare = Account { key: Secret::default(), ..bed.account(ProviderKind::Abn) };
    let got = bed.all.get(ProviderKind::Abn).unwrap().look_up(&bare, &priya(Purpose::Company)).await;
    assert!(matches!(got, Err(ProviderError::Rejected { ref code, .. }) if code == "guid"), "{got:?}");
    let open =
        Account { base_url: "http://api.hunter.io/v2".parse().ok(), ..bed.account(ProviderKind::Hunter) };
    let got = bed.all.get(ProviderKind::Hunter).unwrap().look_up(&open, &priya(Purpose::FindEmail)).await;
    assert!(
        matches!(got, Err(ProviderError::Rejected { ref code, .. }) if code == "address_not_https"),
        "{got:?}"
    );
}

#[tokio::test]
async fn apollos_numbers_come_later_under_ids_that_no_float_holds() {
    let bed = Bed::new().await;
    let (apollo, account) = (bed.all.get(ProviderKind::Apollo).unwrap(), bed.account(ProviderKind::Apollo));
    let asked = apollo.look_up(&account, &priya(Purpose::Mobile)).await.unwrap();
    let Answer::Pending { ticket, .. } = asked.answer else { panic!("{asked:?}") };
    assert_eq!(ticket, "9007199254740994");
    let early = apollo.poll(&account, &priya(Purpose::Mobile), &ticket).await.unwrap();
    assert!(matches!(early.answer, Answer::Pending { retry_after_s: 60, .. }), "{early:?}");
    let done = apollo.poll(&account, &priya(Purpose::Mobile), &ticket).await.unwrap();
    let Answer::Found(found) = done.answer else { panic!("{done:?}") };
    assert_eq!(said(&found, Field::Mobile), Some("+61491570156"));
    assert_eq!(bed.twin.charged("apollo"), 1);
    let gone = apollo.poll(&account, &priya(Purpose::Mobile), "9007199254740995").await.unwrap();
    assert_eq!(gone.answer, Answer::Found(Vec::new()));
}

#[tokio::test]
async fn a_run_that_goes_on_is_asked_for_and_says_what_it_cost() {
    let bed = Bed::new().await;
    let account = Account { actor: Some("slow~reader".into()), ..bed.account(ProviderKind::Apify) };
    let apify = bed.all.get(ProviderKind::Apify).unwrap();
    let started = apify.look_up(&account, &priya(Purpose::Place)).await.unwrap();
    let Answer::Pending { ticket, .. } = started.answer else { panic!("{started:?}") };
    let done = apify.poll(&account, &priya(Purpose::Place), &ticket).await.unwrap();
    assert_eq!(done.cost, Cost::Usd(Micros(4_000)));
    assert!(matches!(done.answer, Answer::Found(ref found) if !found.is_empty()), "{done:?}");
    assert_eq!(bed.twin.charged("apify"), 1);
}

#[tokio::test]
async fn a_check_that_goes_on_is_one_check_and_a_restriction_is_said() {
    let bed = Bed::new().await;
    let (hunter, account) = (bed.all.get(ProviderKind::Hunter).unwrap(), bed.account(ProviderKind::Hunter));
    let mut ask = priya(Purpose::VerifyEmail);
    ask.person.email = Some("slow@harbour.example".into());
    let first = hunter.look_up(&account, &ask).await.unwrap();
    let Answer::Pending { ticket, .. } = first.answer else { panic!("{first:?}") };
    let done = hunter.poll(&account, &ask, &ticket).await.unwrap();
    assert!(matches!(done.answer, Answer::Found(_)), "{done:?}");
    assert_eq!(bed.twin.charged("hunter"), 1);
    bed.twin.know(data::Person {
        first_name: "Nina".into(),
        last_name: "Holt".into(),
        domain: "holt.example".into(),
        restricted: true,
        ..data::Person::default()
    });
    let mut nina = priya(Purpose::FindEmail);
    nina.person =
        Person { first_name: Some("Nina".into()), last_name: Some("Holt".into()), ..Person::default() };
    nina.company.domain = Some("holt.example".into());
    assert_eq!(hunter.look_up(&account, &nina).await, Err(ProviderError::Restricted));
}

#[tokio::test]
async fn clay_answers_with_the_id_that_it_was_given() {
    let bed = Bed::new().await;
    let clay = bed.all.get(ProviderKind::Clay).unwrap();
    let asked = clay.look_up(&bed.account(ProviderKind::Clay), &priya(Purpose::Mobile)).await.unwrap();
    assert!(matches!(asked.answer, Answer::Pending { .. }));
    let row = format!(
        r#"{{"job_id":"{}","mobile":"0491 570 156","work_email":"p@x.example"}}"#,
        Uuid::from_u128(7)
    );
    let arrived = clay.arrived(row.as_bytes()).unwrap();
    assert_eq!(arrived.ask, Some(Uuid::from_u128(7)));
    assert!(clay.arrived(b"{\"mobile\":\"1\"}").is_err());
    assert!(clay.arrived(b"not json").is_err());
}

#[tokio::test]
async fn searches_page_through_and_mask_what_they_mask() {
    let bed = Bed::new().await;
    for n in 0..25 {
        bed.twin.know_company(data::Company {
            name: format!("Dental {n}"),
            domain: format!("d{n}.example"),
            city: "Sydney".into(),
            phone: "+61 2 9374 4001".into(),
            industry: "Dentist".into(),
            ..data::Company::default()
        });
    }
    let places = bed.all.get(ProviderKind::Places).unwrap();
    let mut search = Search {
        industries: vec!["Dentist".into()],
        place: Some("Sydney".into()),
        per_page: 20,
        ..Search::default()
    };
    let account = bed.account(ProviderKind::Places);
    let first = places.search(&account, &search).await.unwrap();
    search.page.clone_from(&first.next);
    let second = places.search(&account, &search).await.unwrap();
    assert_eq!((first.prospects.len(), second.prospects.len(), second.next), (20, 6, None));
    let apollo = bed.all.get(ProviderKind::Apollo).unwrap();
    let owners = Search { titles: vec!["Owner".into()], per_page: 10, ..Search::default() };
    let found = apollo.search(&bed.account(ProviderKind::Apollo), &owners).await.unwrap();
    let one = found.prospects.first().unwrap();
    assert_eq!((one.person.last_name.as_deref(), one.person.email.as_deref()), (None, None));
    assert!(one.person.reference.is_some());
}
