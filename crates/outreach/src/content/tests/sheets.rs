//! The sheets that sentences and drafts are measured on.

use super::{brief, fact};
use crate::{
    channel::Channel,
    content::brief::{Brief, Topic},
};
use uuid::Uuid;

/// A sheet by the name that fixtures use.
pub(super) fn named(name: &str) -> Brief {
    let mut sheet = match name {
        "dental" => brief(),
        "saas" => saas(),
        "trades" => trades(),
        "thin" => thin(),
        other => panic!("no sheet is called {other}"),
    };
    sheet.order();
    sheet
}

fn saas() -> Brief {
    let mut sheet = brief();
    sheet.lead.first_name = Some("Jonas".into());
    sheet.lead.last_name = Some("Weber".into());
    sheet.lead.title = Some("Head of Sales".into());
    sheet.lead.company = Some("Ledgerly".into());
    sheet.lead.industry = Some("accounting software".into());
    sheet.lead.city = Some("Melbourne".into());
    sheet.facts = vec![
        fact("f1", Topic::Funding, "Ledgerly raised A$4 million"),
        fact("f2", Topic::Hiring, "Ledgerly is hiring two account executives"),
        fact("lead.role_started_on", Topic::NewRole, "Began as Head of Sales at Ledgerly"),
        fact("f3", Topic::Social, "Jonas wrote that his team spends too much time on cold lists"),
        fact("f4", Topic::Technology, "Ledgerly uses HubSpot"),
        fact("f5", Topic::Profile, "Ledgerly makes accounting software for small firms"),
        fact("lead.title", Topic::Title, "Head of Sales at Ledgerly"),
    ];
    sheet.client.name = "Beacon Growth".into();
    sheet.client.legal_name = "Beacon Growth Pty Ltd".into();
    sheet.client.offer = Some(
        "We book meetings with finance teams for software companies; you pay only for meetings that take place. Meetings go straight into your CRM."
            .into(),
    );
    sheet.sender.name = "Mia Tran".into();
    sheet
}

fn trades() -> Brief {
    let mut sheet = brief();
    sheet.lead.first_name = Some("Dale".into());
    sheet.lead.last_name = None;
    sheet.lead.title = Some("Owner".into());
    sheet.lead.company = Some("Brightwater Plumbing".into());
    sheet.lead.industry = Some("plumbing".into());
    sheet.lead.city = Some("Geelong".into());
    sheet.facts = vec![
        fact("f1", Topic::Profile, "We fix hot water systems within 24 hours"),
        fact("lead.title", Topic::Title, "Owner at Brightwater Plumbing"),
        fact("lead.industry", Topic::Industry, "Brightwater Plumbing works in plumbing"),
        fact("lead.headcount", Topic::Size, "About 8 people work at Brightwater Plumbing"),
        fact("lead.city", Topic::Place, "Brightwater Plumbing is in Geelong"),
    ];
    sheet.client.name = "Fridge Door Print".into();
    sheet.client.legal_name = String::new();
    sheet.client.offer = Some("Magnets and cards for tradespeople, printed in Melbourne".into());
    sheet.sender.name = "Ros".into();
    sheet
}

fn thin() -> Brief {
    let mut sheet = brief();
    sheet.lead.first_name = None;
    sheet.lead.last_name = None;
    sheet.lead.title = Some("Director".into());
    sheet.lead.company = Some("Oakfield".into());
    sheet.lead.industry = None;
    sheet.lead.city = None;
    sheet.facts = vec![fact("lead.title", Topic::Title, "Director at Oakfield")];
    sheet.client.name = "Plain Books".into();
    sheet.client.legal_name = String::new();
    sheet.client.offer = Some("We keep books for small firms".into());
    sheet
}

/// Sixty sheets for each of five channels, from rich to nearly empty: what is dropped, which step it
/// is and what came before follow from the number.
pub(super) fn three_hundred() -> Vec<Brief> {
    let mut all = Vec::new();
    for number in 0..60_usize {
        for channel in Channel::ALL {
            let mut sheet = named(["dental", "saas", "trades", "thin"][number % 4]);
            sheet.lead.id = Uuid::from_u128(1_000 + u128::try_from(number).unwrap_or(0));
            sheet.step.channel = channel;
            sheet.step.number = i16::try_from(1 + number / 4 % 3).unwrap_or(1);
            // A different half of the facts each time; the last one alone in the thinnest.
            let keep = sheet.facts.len() - (number / 12).min(sheet.facts.len() - 1);
            let turn = number % sheet.facts.len();
            sheet.facts.rotate_left(turn);
            sheet.facts.truncate(keep);
            if sheet.carrying().is_empty() {
                sheet.facts.push(fact("lead.title", Topic::Title, "Director at Oakfield"));
            }
            if number % 5 == 0 {
                sheet.client.offer = None;
            }
            if number % 7 == 0 {
                sheet.lead.first_name = None;
            }
            if number % 9 == 0 {
                sheet.lead.company = None;
            }
            if sheet.step.number > 1 && number % 2 == 0 {
                sheet.earlier = super::follow_up(2).earlier;
            }
            sheet.order();
            all.push(sheet);
        }
    }
    all
}
