//! Behaviour of writers and checks.

mod claims;
mod limits;
mod model;
mod planted;
mod sheets;
mod writer;

use super::brief::{
    Brief, CampaignCard, ClientCard, Earlier, Evidence, LeadCard, SenderCard, StepCard, Topic, rank,
};
use base::{Time, Zone};
use uuid::Uuid;

fn now() -> Time {
    "2026-11-24T00:00:00Z".parse().expect("an instant")
}

fn fact(id: &str, topic: Topic, text: &str) -> Evidence {
    Evidence {
        id: id.to_owned(),
        topic,
        text: text.to_owned(),
        quote: None,
        source: "website".to_owned(),
        source_url: Some("https://harbour-dental.example/".to_owned()),
        observed_at: now().plus_days(-10),
        confidence: 0.9,
        rank: rank(topic, now().plus_days(-10), now()),
    }
}

/// A full sheet about a dental practice.
fn brief() -> Brief {
    let mut brief = Brief {
        lead: LeadCard {
            id: Uuid::from_u128(7),
            first_name: Some("Priya".into()),
            last_name: Some("Nair".into()),
            title: Some("Practice Manager".into()),
            company: Some("Harbour Dental".into()),
            industry: Some("dental care".into()),
            headcount: Some(14),
            city: Some("Newcastle".into()),
            country: Some("AU".into()),
            website: None,
        },
        facts: vec![
            fact("lead.hiring", Topic::Hiring, "Harbour Dental is hiring"),
            fact("f1", Topic::PainPoint, "Patients wait up to 3 weeks for an appointment"),
            fact("lead.title", Topic::Title, "Practice Manager at Harbour Dental"),
            fact("lead.industry", Topic::Industry, "Harbour Dental works in dental care"),
        ],
        client: ClientCard {
            name: "Northwind Studio".into(),
            legal_name: "Northwind Studio Pty Ltd".into(),
            postal_address: "12 Example Street, Sydney NSW 2000".into(),
            website: None,
            offer: Some(
                "We build booking pages for clinics, from A$1,200, and answer calls within 20 seconds."
                    .into(),
            ),
        },
        campaign: CampaignCard::default(),
        step: StepCard { number: 1, of: 3, threaded: true, ..StepCard::default() },
        sender: SenderCard { name: "Alex Morgan".into(), address: "alex@northwind.example".into() },
        earlier: Vec::new(),
        objections: Vec::new(),
        recipient: "priya@harbour-dental.example".into(),
        unsubscribe_url: "https://app.example/u/abc".into(),
        booking_url: None,
        now: now(),
        zone: Zone::sydney(),
    };
    brief.order();
    brief
}

fn follow_up(number: i16) -> Brief {
    let mut brief = brief();
    brief.step.number = number;
    brief.earlier = vec![Earlier {
        subject: "Hiring at Harbour Dental".into(),
        body: "Hi Priya".into(),
        at: now().plus_days(-3),
    }];
    brief
}
