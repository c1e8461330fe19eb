//! `/pay/policies`: what agents may do, and whether a payment would pass.

use super::form::{Typed, instant};
use super::{Ask, Judged, Policy, PolicyId, Rules, Verdict};
use crate::list;
use crate::page::ROWS;
use crate::principal::{self, PrincipalId};
use crate::rail::Rail;
use crate::show::{Again, may_manage, next, principal_tag, problem, violations, with_status};
use crate::vendor::{self, Vendor};
use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Currency, Cursor, Error, Money, Result};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

const LIST: &str = "/pay/policies";
/// Vendors offered in forms at most.
const VENDORS: usize = 500;

/// Which versions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    principal: String,
    after: Option<Cursor>,
}

/// `GET /pay/policies`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let owner: Option<PrincipalId> = list::id(&asked.principal)?;
    let page = super::list(&mut cx, owner, asked.after.as_ref(), ROWS).await?;
    let names =
        principal::names(&mut cx, &page.rows.iter().map(|p| p.principal_id.uuid()).collect::<Vec<_>>())
            .await?;
    let agents = principal::list(&mut cx, None, None, 200).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|p| {
        Row::new()
            .link(
                &format!("{}, version {}", names.get(&p.principal_id.uuid()).map_or("—", String::as_str), p.version),
                &format!("{LIST}/{}", p.id),
            )
            .cell(wall.moment(p.rules.valid_from))
            .cell(html! { @match p.rules.valid_until { Some(at) => (wall.moment(at)), None => "without an end" } })
            .cell(html! { @match p.used_at { Some(at) => { "since " (wall.date(at)) }, None => "not yet" } })
            .cell(html! { code { (p.hash.short()) } })
    });
    let columns = [
        Column::text("Policy"),
        Column::text("Holds from"),
        Column::text("Holds until"),
        Column::text("Used"),
        Column::text("Hash"),
    ];
    let table = Table::new("Policies", columns)
        .rows(rows)
        .empty(state::empty(
            "No policies",
            "Without a policy an agent may pay nothing. Write one on the page of the agent.",
            Some(Button::link("Paying agents", "/pay/principals")),
        ))
        .first(asked.after.is_some().then(|| format!("{LIST}?principal={}", asked.principal)))
        .next(page.next.map(|after| next(LIST, &[("principal", &asked.principal)], &after)));
    let who = std::iter::once(Choice::new("", "Any agent"))
        .chain(agents.rows.iter().map(|p| Choice::new(p.id.to_string(), p.name.as_str())));
    let body = html! {
        (Heading::new("Policies").about("What agents may pay for. Of an agent's versions the one with the highest number counts."))
        (Filter::new(LIST).field(Field::select("principal", "Agent", who).value(asked.principal.as_str())).active(owner.is_some()))
        (Card::bare().body(table))
    };
    cx.page("Policies", body).await
}

/// Whose policy is written, and out of which version.
#[derive(Debug, Deserialize)]
pub(crate) struct Write {
    principal: PrincipalId,
    from: Option<PolicyId>,
}

/// `GET /pay/policies/write`: begins with the version that counts, or with rules that allow nothing.
pub(crate) async fn write(mut cx: web::Cx, Query(write): Query<Write>) -> web::Result<Response> {
    let before = match write.from {
        Some(id) => Some(super::get(&mut cx, id).await?),
        None => super::latest(&mut cx, write.principal).await?,
    };
    let rules = match before {
        Some(policy) => policy.rules,
        None => Rules { zone: cx.who().zone.clone(), ..Rules::nothing(cx.now()) },
    };
    editor(cx, write.principal, &Typed::of(&rules), None).await
}

async fn editor(
    mut cx: web::Cx,
    id: PrincipalId,
    typed: &Typed,
    failed: Option<String>,
) -> web::Result<Response> {
    let owner = principal::get(&mut cx, id).await?;
    let vendors = vendor::list(&mut cx, None, None, VENDORS).await?.rows;
    let failing = failed.is_some();
    let form = typed
        .form(&id.to_string(), &vendors)
        .problem(failed)
        .submit("Save as a version")
        .cancel(format!("/pay/principals/{id}"));
    let body = html! {
        (Heading::new("Write a policy")
            .about(html! { "For " (owner.name) ". It counts as soon as it is saved; what is not said is not allowed." })
            .crumb("Policies", LIST)
            .tag(principal_tag(owner.status)))
        (Card::bare().padded(form))
    };
    Ok(with_status(cx.page("Write a policy", body).await?, failing))
}

/// `POST /pay/policies`
pub(crate) async fn add(
    mut cx: web::Cx,
    again: Again,
    Sent(sent): Sent<Vec<(String, String)>>,
) -> web::Result<Response> {
    let typed = Typed::sent(sent);
    let id =
        list::id::<PrincipalId>(typed.get("principal_id"))?.ok_or_else(|| Error::not_found("principal"))?;
    let added = match typed.rules() {
        Ok(rules) => super::add(&mut cx, id, rules).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(policy) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{}", policy.id), "Saved. It counts from now on."))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            editor(again.cx().await?, id, &typed, Some(failed)).await
        }
    }
}

/// A payment to try.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Try {
    sku: String,
    vendor: String,
    amount: String,
    currency: String,
    rail: String,
    country: String,
    ip: String,
    at: String,
}

/// `GET /pay/policies/{id}`
pub(crate) async fn detail(cx: web::Cx, Path(id): Path<PolicyId>) -> web::Result<Response> {
    one(cx, id, &Try::default(), None).await
}

/// `POST /pay/policies/{id}/test`: would this pass? Changes nothing.
pub(crate) async fn test(
    mut cx: web::Cx,
    Path(id): Path<PolicyId>,
    Sent(tried): Sent<Try>,
) -> web::Result<Response> {
    let policy = super::get(&mut cx, id).await?;
    let owner = principal::get(&mut cx, policy.principal_id).await?;
    let judged = match tried.ask(&policy, owner.risk, cx.now()) {
        Ok(ask) => Ok(super::judge(&mut cx, &owner, Some(policy), &ask).await?),
        Err(error) => Err(problem(error)?),
    };
    one(cx, id, &tried, Some(judged)).await
}

impl Try {
    fn ask(&self, policy: &Policy, risk: principal::Risk, now: base::Time) -> Result<Ask> {
        let bad = |text: &str| Error::invalid("try.invalid", text);
        let currency: Currency = self.currency.parse()?;
        let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let money = Money::from_major(self.amount.trim(), currency)?;
        Ok(Ask {
            sku: self.sku.trim().to_owned(),
            vendor: self.vendor.parse().map_err(|_| bad("Choose a vendor."))?,
            amount: crate::intent::amount(money.minor, currency)?,
            rail: some(&self.rail).map(|word| word.parse()).transpose()?,
            country: some(&self.country).map(|word| word.parse()).transpose()?,
            ip: some(&self.ip)
                .map(|text| text.parse())
                .transpose()
                .map_err(|_| bad("That is no network address."))?,
            at: instant(self.at.trim(), &policy.rules.zone)?.unwrap_or(now),
            risk,
        })
    }

    fn form(&self, policy: &Policy, vendors: &[Vendor]) -> Form {
        let sellers = vendors.iter().map(|v| Choice::new(v.id.to_string(), v.name.as_str()));
        let currencies = Currency::ALL.map(|c| Choice::new(c.code(), c.code()));
        let rails = std::iter::once(Choice::new("", "Any"))
            .chain(Rail::ALL.map(|r| Choice::new(r.word(), r.label())));
        Form::post(format!("{LIST}/{}/test", policy.id), "try")
            .line([
                Field::text("sku", "SKU").value(self.sku.as_str()).required(),
                Field::select("vendor", "Vendor", sellers).value(self.vendor.as_str()),
            ])
            .line([
                Field::text("amount", "Amount").value(self.amount.as_str()).required().placeholder("4.30"),
                Field::select("currency", "Currency", currencies).value(self.currency.as_str()),
                Field::select("rail", "Rail", rails).value(self.rail.as_str()),
            ])
            .line([
                Field::text("country", "Country").value(self.country.as_str()).hint("Empty: unknown."),
                Field::text("ip", "Address").value(self.ip.as_str()).hint("Empty: unknown."),
                Field::line(Input::DateTime, "at", "When").value(self.at.as_str()).hint("Empty: now."),
            ])
            .submit("Would this pass?")
    }
}

type Tried = std::result::Result<Judged, String>;

async fn one(mut cx: web::Cx, id: PolicyId, tried: &Try, judged: Option<Tried>) -> web::Result<Response> {
    let policy = super::get(&mut cx, id).await?;
    let owner = principal::get(&mut cx, policy.principal_id).await?;
    let counts = super::latest(&mut cx, owner.id).await?.is_some_and(|latest| latest.id == policy.id);
    let vendors = vendor::list(&mut cx, None, None, VENDORS).await?.rows;
    let makers = web::actor::names(&mut cx, [policy.created_by.as_str()]).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let (mut failed, mut said) = (None, None);
    match judged {
        Some(Ok(judged)) => said = Some(judged),
        Some(Err(text)) => failed = Some(text),
        None => {}
    }
    let failing = failed.is_some();
    let standing = if counts { tag(Tone::Good, "Counts") } else { tag(Tone::Cold, "Replaced") };
    let facts = Pairs::new()
        .add("Whose", html! { a href={ "/pay/principals/" (owner.id) } { (owner.name) } })
        .add("Used", html! { @match policy.used_at { Some(at) => { "since " (wall.moment(at)) ": it is never changed" }, None => "not yet" } })
        .add("Hash", html! { code { (policy.hash) } })
        .add("Written by", makers.of(&policy.created_by))
        .add("Written", wall.moment(policy.created_at));
    let mut heading = Heading::new(format!("{}, version {}", owner.name, policy.version))
        .crumb("Policies", LIST)
        .tag(standing);
    if may_manage(&cx) && owner.status != principal::Status::Closed {
        heading = heading.act(Button::link(
            "Write a version out of it",
            format!("{LIST}/write?principal={}&from={id}", owner.id),
        ));
    }
    let body = html! {
        (heading)
        @if let Some(judged) = &said { (verdict(judged)) }
        (Card::new("Would this pass?").padded(tried.form(&policy, &vendors).problem(failed)))
        (Card::new("What it says").padded(says(&policy.rules, &vendors)))
        (Card::new("About this version").padded(facts))
    };
    Ok(with_status(cx.page("Policy", body).await?, failing))
}

fn verdict(judged: &Judged) -> Markup {
    let (tone, text) = match judged.verdict() {
        Verdict::Pass => (Tone::Good, "It would pass"),
        Verdict::NeedsApproval => (Tone::Warm, "It would wait for a person"),
        Verdict::Deny => (Tone::Bad, "It would be refused"),
    };
    html! { (Card::new("The gate says").aside(tag(tone, text)).body(violations(&judged.violations))) }
}

fn says(rules: &Rules, vendors: &[Vendor]) -> Pairs {
    let list =
        |items: Vec<String>, none: &str| if items.is_empty() { none.to_owned() } else { items.join(", ") };
    let name = |id: &vendor::VendorId| {
        vendors.iter().find(|v| v.id == *id).map_or_else(|| id.to_string(), |v| v.name.clone())
    };
    let mut pairs = Pairs::new()
        .add("May be bought", list(rules.skus.iter().cloned().collect(), "nothing"))
        .add("May be paid", list(rules.vendors.iter().map(name).collect(), "nobody"));
    for (currency, caps) in &rules.caps {
        let money = |minor: i64| Money { minor, currency: *currency };
        let approval = caps
            .approval_above_minor
            .map_or_else(String::new, |minor| format!("; a person agrees above {}", money(minor)));
        pairs = pairs.add(
            format!("Limits in {}", currency.code()),
            format!(
                "{} a payment, {} a day, {} a month{approval}",
                money(caps.per_transaction_minor),
                money(caps.per_day_minor),
                money(caps.per_month_minor)
            ),
        );
    }
    if rules.caps.is_empty() {
        pairs = pairs.add("Limits", "no currency may be used");
    }
    let often = rules
        .velocity
        .map(|v| format!("{} payments within {}", v.count_max, number::duration_s(i64::from(v.window_s))));
    let places = rules.geo.as_ref().map(|geo| match geo {
        super::words::Geo::Allow(codes) => {
            format!("only from {}", list(codes.iter().map(ToString::to_string).collect(), "nowhere"))
        }
        super::words::Geo::Deny(codes) => {
            format!("not from {}", list(codes.iter().map(ToString::to_string).collect(), "unknown places"))
        }
    });
    let hours = rules.hours.as_ref().map(|h| {
        let days = list(h.weekdays.iter().map(|d| d.label().to_owned()).collect(), "no day");
        format!("{days}, {} to {}", h.from, h.until)
    });
    let networks = rules.ip_allow.as_ref().map(|n| list(n.iter().map(ToString::to_string).collect(), "none"));
    let rails =
        rules.rails.iter().filter(|rail| super::rules::may_use(rules, **rail)).map(|r| r.label().to_owned());
    pairs
        .add("How often", often.unwrap_or_else(|| "no limit".to_owned()))
        .add("From where", places.unwrap_or_else(|| "anywhere".to_owned()))
        .add("From which networks", networks.unwrap_or_else(|| "any".to_owned()))
        .add("When", hours.unwrap_or_else(|| "at any time".to_owned()))
        .add("Zone", rules.zone.name().to_owned())
        .add("Over which rails", list(rails.collect(), "none"))
        .add("Holds from", rules.valid_from.in_zone(&rules.zone).strftime("%Y-%m-%d %H:%M %Z").to_string())
        .add(
            "Holds until",
            rules.valid_until.map_or_else(
                || "without an end".to_owned(),
                |at| at.in_zone(&rules.zone).strftime("%Y-%m-%d %H:%M %Z").to_string(),
            ),
        )
}
