//! What is to be done at a CRM for one push, and the calls that do it: look first, then make.

use super::{Push, Sort, Wish, store, want_at};
use crate::connection::{self, Connection};
use crate::desk::{Desk, HELD_S, may_call};
use base::{Kind, Result, Time};
use db::Cx;
use leads::lead::{self, Lead, LeadId};
use outreach::deal::{self, DealId};
use ports::crm::{Account, Contact, Crm, CrmError, Deal, Meaning, Person};

/// Seconds for which a CRM's search may not show what was made a moment ago: so long after a change whose answer was
/// lost nothing is looked for, because nothing found would prove nothing.
pub(super) const SETTLE_S: i64 = 90;
/// Seconds until a deal looks again whether its contact is there.
const CONTACT_S: i64 = 15;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Work {
    /// A contact is found, filled or made.
    Contact(Person),
    /// A deal is found, moved or made.
    Deal(Deal),
}

/// Work with what it needs.
#[derive(Debug)]
pub(super) struct Task {
    pub push: Push,
    pub connection: Connection,
    pub account: Account,
    pub work: Work,
}

/// What comes next for a push.
pub(super) enum Next {
    /// Do this.
    Do(Box<Task>),
    /// Look again then.
    Wait(Time),
    /// Its job ends; it is taken up again when the connection works.
    Rest,
    /// There is nothing to do, and why; none: it is done.
    Nothing(Option<String>),
}

/// Looks at a push that is locked and says what comes next.
pub(super) async fn prepare(cx: &mut Cx, desk: &Desk, push: Push) -> Result<Next> {
    if push.pushed >= push.wanted {
        return Ok(Next::Nothing(None));
    }
    let connection = match connection::get(cx, push.connection_id).await {
        Ok(connection) if connection.pushes => connection,
        Ok(_) => return Ok(Next::Nothing(Some("This connection takes nothing.".to_owned()))),
        Err(error) if error.kind() == Kind::NotFound => {
            return Ok(Next::Nothing(Some("The connection was removed.".to_owned())));
        }
        Err(error) => return Err(error),
    };
    let now = cx.now();
    if connection.state != connection::State::Active {
        return Ok(Next::Rest);
    }
    if let Some(settled) = push.claimed_at.map(|at| at.plus_s(SETTLE_S)).filter(|at| *at > now) {
        return Ok(Next::Wait(settled));
    }
    let lead = match lead::get(cx, LeadId(push.lead_id)).await {
        Ok(lead) => lead,
        Err(error) if error.kind() == Kind::NotFound => {
            return Ok(Next::Nothing(Some("The lead was taken out.".to_owned())));
        }
        Err(error) => return Err(error),
    };
    if lead.email.is_none() {
        let why = "The lead has no e-mail address, by which a CRM finds people.".to_owned();
        return Ok(Next::Nothing(Some(why)));
    }
    let work = match push.sort {
        Sort::Contact => Work::Contact(person(&lead)),
        Sort::Deal => match deal_work(cx, &push, &connection).await? {
            Ok(work) => work,
            Err(next) => return Ok(next),
        },
    };
    if !may_call(cx, connection.kind).await? {
        return Ok(Next::Wait(now.plus_s(HELD_S)));
    }
    let account = match connection::account(cx, desk, &connection).await {
        Ok(account) => account,
        Err(error) => return Ok(Next::Nothing(Some(error.message().to_owned()))),
    };
    store::begin(cx, push.id, push.reference.is_none()).await?;
    Ok(Next::Do(Box::new(Task { push, connection, account, work })))
}

/// A deal waits for its contact, which is wanted where it was not yet.
async fn deal_work(
    cx: &mut Cx,
    push: &Push,
    connection: &Connection,
) -> Result<std::result::Result<Work, Next>> {
    let deal = match deal::get(cx, DealId(push.subject_id)).await {
        Ok(deal) => deal,
        Err(error) if error.kind() == Kind::NotFound => {
            return Ok(Err(Next::Nothing(Some("The deal was taken out.".to_owned()))));
        }
        Err(error) => return Err(error),
    };
    let Some(pipeline) = connection.chosen() else {
        let why = "No pipeline is chosen for deals. Choose one in the connection, then try again.".to_owned();
        return Ok(Err(Next::Nothing(Some(why))));
    };
    let contact = store::contact(cx, connection.id, push.lead_id).await?;
    let Some(reference) = contact.as_ref().and_then(|contact| contact.reference.clone()) else {
        return Ok(Err(match contact {
            Some(contact) if contact.state == super::State::Failed => Next::Nothing(Some(format!(
                "Its contact could not be pushed: {}",
                contact.error.unwrap_or_default()
            ))),
            Some(_) => Next::Wait(cx.now().plus_s(CONTACT_S)),
            None => {
                let wish = Wish {
                    sort: Sort::Contact,
                    subject: push.lead_id,
                    lead: LeadId(push.lead_id),
                    why: &push.why,
                };
                want_at(cx, connection.id, &wish).await?;
                Next::Wait(cx.now().plus_s(CONTACT_S))
            }
        }));
    };
    let meaning = match deal.stage {
        deal::Stage::Won => Meaning::Won,
        deal::Stage::Lost => Meaning::Lost,
        deal::Stage::Qualification
        | deal::Stage::Proposal
        | deal::Stage::Negotiation
        | deal::Stage::Verbal
        | deal::Stage::Contract => Meaning::Open,
    };
    let lost_reason = deal.lost_reason.as_deref().map(|word| {
        deal::LOST_REASONS
            .iter()
            .find(|(known, _)| *known == word)
            .map_or(word, |(_, label)| label)
            .to_owned()
    });
    let mapped = connection.stages.get(deal.stage.word()).cloned();
    // A deal begins somewhere; later a stage of ours without one of theirs leaves it where it is.
    let first =
        || pipeline.stages.first().filter(|_| push.reference.is_none()).map(|one| one.reference.clone());
    Ok(Ok(Work::Deal(Deal {
        mark: push.subject_id,
        name: deal.name,
        contact: reference,
        company: contact.and_then(|contact| contact.company_reference),
        pipeline: pipeline.reference.clone(),
        stage: mapped.or_else(first),
        meaning,
        value_minor: deal.value_minor,
        currency: deal.currency,
        lost_reason,
    })))
}

fn person(lead: &Lead) -> Person {
    Person {
        email: lead.email.clone(),
        first_name: lead.first_name.clone(),
        last_name: lead.last_name.clone(),
        title: lead.title.clone(),
        phone: lead.phone.clone(),
        linkedin: lead.linkedin_url.clone(),
        company: lead.company_name.clone(),
        website: lead.domain.clone(),
        country: lead.country.clone(),
        region: lead.region.clone(),
        city: lead.city.clone(),
    }
}

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Done {
    /// `made`, `found` or `changed`.
    pub did: &'static str,
    pub reference: String,
    pub company: Option<String>,
}

/// Does it. Looks before it makes; what was deleted there is looked for anew.
pub(super) async fn carry_out(crm: &dyn Crm, task: &Task) -> std::result::Result<Done, CrmError> {
    let known = task.push.reference.as_deref();
    match &task.work {
        Work::Contact(person) => contact(crm, &task.account, person, known).await,
        Work::Deal(deal) => deal_at(crm, &task.account, deal, known).await,
    }
}

async fn contact(
    crm: &dyn Crm,
    account: &Account,
    person: &Person,
    known: Option<&str>,
) -> std::result::Result<Done, CrmError> {
    let done = |did, contact: Contact| Done {
        did,
        reference: contact.reference,
        company: contact.company_reference,
    };
    if let Some(reference) = known {
        match crm.fill(account, reference, person).await {
            Ok(contact) => return Ok(done("changed", contact)),
            Err(CrmError::Gone) => {}
            Err(error) => return Err(error),
        }
    }
    let email = person.email.as_deref().unwrap_or_default();
    let there = crm.find(account, email).await?;
    let reference = match there {
        Some(contact) => contact.reference,
        None => match crm.create(account, person).await {
            Ok(contact) => return Ok(done("made", contact)),
            Err(CrmError::Taken { reference: Some(reference) }) => reference,
            Err(error) => return Err(error),
        },
    };
    crm.fill(account, &reference, person).await.map(|contact| done("found", contact))
}

async fn deal_at(
    crm: &dyn Crm,
    account: &Account,
    deal: &Deal,
    known: Option<&str>,
) -> std::result::Result<Done, CrmError> {
    let done = |did, reference: String| Done { did, reference, company: deal.company.clone() };
    if let Some(reference) = known {
        match crm.update_deal(account, reference, deal).await {
            Ok(()) => return Ok(done("changed", reference.to_owned())),
            Err(CrmError::Gone) => {}
            Err(error) => return Err(error),
        }
    }
    match crm.find_deal(account, deal).await? {
        Some(reference) => {
            crm.update_deal(account, &reference, deal).await?;
            Ok(done("found", reference))
        }
        None => crm.create_deal(account, deal).await.map(|reference| done("made", reference)),
    }
}
