//! `POST /leads/bulk`: an act on chosen leads or on everything that matches, asked back where it matters.

use super::super::{Act, BULK_AT_ONCE, Consent, Selection, bulk};
use super::list::shown;
use crate::module::Extras;
use crate::suppression::Reason;
use axum::Form as Sent;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{Error, Result};
use ui::prelude::*;
use web::redirect_with;

type Pairs = Vec<(String, String)>;

fn value<'f>(form: &'f Pairs, name: &str) -> &'f str {
    form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

/// What is to be done; none when a person must still say more or confirm.
fn said(form: &Pairs) -> Result<Option<Act>> {
    let sure = value(form, "sure") == "1";
    Ok(match value(form, "act") {
        "rescore" => Some(Act::Rescore),
        "enrich" => Some(Act::Enrich),
        "delete" if sure => Some(Act::Delete),
        "suppress" if sure => Some(Act::Suppress { reason: value(form, "reason").parse::<Reason>()? }),
        "consent" if sure => Some(Act::Consent {
            basis: value(form, "basis").parse::<Consent>()?,
            source: value(form, "source").to_owned(),
        }),
        "delete" | "suppress" | "consent" => None,
        other => {
            return Err(Error::invalid(
                "lead.act",
                format!("“{other}” is nothing that can be done with leads."),
            ));
        }
    })
}

/// Carries it out, asks back, or hands the form on to the domain that offered the act.
pub(crate) async fn act(mut cx: web::Cx, Sent(form): Sent<Pairs>, extras: Extras) -> web::Result<Response> {
    let selection = Selection::from_form(&form)?;
    if let Some(at) = value(&form, "act").strip_prefix("extra-") {
        let extra = at.parse::<usize>().ok().and_then(|at| extras.bulk.get(at));
        let extra = extra.ok_or_else(|| Error::invalid("lead.act", "This act is not offered here."))?;
        let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(extra.href));
        return Ok(response);
    }
    let Some(act) = said(&form)? else { return ask(cx, &form, &selection).await };
    let back = match &selection {
        Selection::Matching(asked) => format!("/leads?{}", asked.query()),
        Selection::Chosen(_) => "/leads".to_owned(),
    };
    let done = bulk(&mut cx, &selection, &act).await?;
    cx.commit().await?;
    let notice = match done {
        Some(count) => format!(
            "{} {}.",
            number::counted(i64::try_from(count).unwrap_or(i64::MAX), "lead", "leads"),
            act.done()
        ),
        None => format!("More than {BULK_AT_ONCE} leads match: this is being done in the background."),
    };
    Ok(redirect_with(&back, &notice))
}

async fn ask(mut cx: web::Cx, form: &Pairs, selection: &Selection) -> web::Result<Response> {
    let count = selection.count(&mut cx).await?;
    let leads = format!("{} {}", shown(count), if count == 1 { "lead" } else { "leads" });
    let act = value(form, "act");
    let mut back = Form::post("/leads/bulk", "sure").hidden("act", act).hidden("sure", "1");
    for (name, value) in selection.hidden() {
        back = back.hidden(name, value);
    }
    let (title, form) = match act {
        "suppress" => {
            let reasons = Reason::BY_HAND.map(|(_, word, label)| Choice::new(word, label));
            let why = Field::select("reason", "Why", reasons).hint("Their addresses and numbers go onto your suppression list; nothing is sent to them any more.");
            (
                format!("Suppress {leads}?"),
                back.field(why).act(Button::submit(format!("Suppress {leads}")).danger()),
            )
        }
        "consent" => {
            let bases = Consent::ALL.iter().map(|basis| Choice::new(basis.word(), basis.label()));
            let form = back
                .field(Field::radios("basis", "Why may they be written to?", bases).required())
                .field(
                    Field::text("source", "Where that stands").required().hint("The form, contract or page."),
                )
                .submit(format!("Record for {leads}"));
            (format!("Record consent for {leads}"), form)
        }
        _ => {
            let form = back.other(maud::html! { p { "They leave every list. What was sent and received stays in the records." } });
            (format!("Delete {leads}?"), form.act(Button::submit(format!("Delete {leads}")).danger()))
        }
    };
    let body = maud::html! {
        (Heading::new(title.clone()).crumb("Leads", "/leads"))
        (Card::bare().padded(form.cancel("/leads")))
    };
    cx.page(&title, body).await
}
