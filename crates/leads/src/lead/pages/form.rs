//! The form of a lead: `/leads/new` and `/leads/{id}/edit`.

use super::super::{Consent, Fields, Problem, Typed, consent, create as add, edit as write, get, typed};
use axum::Form as Sent;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use base::{Error, Kind};
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

fn fields(form: Form, typed: &Typed, problems: &[Problem]) -> Form {
    let wrong = |name: &str| problems.iter().find(|(field, _)| *field == name).map(|(_, text)| text.clone());
    let text = |name: &'static str, label: &str, value: &str| {
        Field::text(name, label).value(value).error(wrong(name)).max_chars(300)
    };
    let choice = [("", "Not known"), ("yes", "Yes"), ("no", "No")];
    let bases = std::iter::once(Choice::new("", "Not recorded: nothing is sent"))
        .chain(Consent::ALL.iter().map(|basis| Choice::new(basis.word(), basis.label())));
    form.set(
        "Person",
        [
            Field::email("email", "E-mail")
                .value(typed.email.as_str())
                .error(wrong("email"))
                .autocomplete("off"),
            text("first_name", "First name", &typed.first_name),
            text("last_name", "Last name", &typed.last_name),
            text("title", "Job title", &typed.title),
            Field::line(Input::Tel, "phone", "Phone").value(typed.phone.as_str()).error(wrong("phone")),
            text("linkedin", "LinkedIn profile", &typed.linkedin),
            Field::email("personal_email", "Personal e-mail")
                .value(typed.personal_email.as_str())
                .error(wrong("personal_email"))
                .autocomplete("off"),
            Field::line(Input::Date, "role_started_on", "In role since")
                .value(typed.role_started_on.as_str())
                .error(wrong("role_started_on")),
        ],
    )
    .set(
        "Company",
        [
            text("company", "Company", &typed.company),
            text("website", "Website", &typed.website),
            text("industry", "Industry", &typed.industry),
            text("headcount", "Employees", &typed.headcount).hint("A number, or a range such as 11-50."),
            text("country", "Country", &typed.country),
            text("state", "State", &typed.state),
            text("city", "City", &typed.city),
            Field::select("hiring", "Hiring", choice).value(typed.hiring.as_str()).error(wrong("hiring")),
            Field::line(Input::Date, "funded_on", "Last funded")
                .value(typed.funded_on.as_str())
                .error(wrong("funded_on")),
            Field::check("competitor", "Competes with us", typed.competitor == "1"),
        ],
    )
    .set(
        "Consent",
        [
            Field::select("consent", "Why may they be written to?", bases)
                .value(typed.consent.as_str())
                .error(wrong("consent")),
            text("consent_source", "Where that stands", &typed.consent_source)
                .hint("The form, contract or page."),
        ],
    )
    .field(Field::area("notes", "Notes", 4).value(typed.notes.as_str()).error(wrong("notes")))
}

async fn page(
    cx: web::Cx,
    title: &str,
    at: &str,
    typed: &Typed,
    problems: &[Problem],
    problem: Option<String>,
) -> web::Result<Response> {
    let form = fields(Form::post(at, "lead"), typed, problems)
        .problem(problem.clone())
        .submit("Save lead")
        .cancel(at.strip_suffix("/edit").unwrap_or("/leads"));
    let body = maud::html! {
        (Heading::new(title).crumb("Leads", "/leads").about("What you do not know, leave empty: nothing is guessed."))
        (Card::bare().padded(form))
    };
    let mut response = cx.page(title, body).await?;
    if !problems.is_empty() || problem.is_some() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// `GET /leads/new`
pub(crate) async fn new(cx: web::Cx) -> web::Result<Response> {
    page(cx, "New lead", "/leads", &Typed::default(), &[], None).await
}

fn basis(typed: &Typed) -> Result<Option<(Consent, &str)>, Problem> {
    if typed.consent.is_empty() {
        return Ok(None);
    }
    let basis = typed.consent.parse::<Consent>().map_err(|error| ("consent", error.message().to_owned()))?;
    if typed.consent_source.trim().is_empty() {
        return Err((
            "consent_source",
            "Say where the consent stands: a form, a contract, a page.".to_owned(),
        ));
    }
    Ok(Some((basis, typed.consent_source.trim())))
}

/// What is stored, and the basis of consent with where it stands.
type Checked<'t> = (Fields, Option<(Consent, &'t str)>);

fn checked<'t>(typed: &'t Typed, before: &Fields) -> Result<Checked<'t>, Vec<Problem>> {
    let (fields, basis) = (typed.read(before), basis(typed));
    match (fields, basis) {
        (Ok(fields), Ok(basis)) => Ok((fields, basis)),
        (Err(mut problems), Err(one)) => {
            problems.push(one);
            Err(problems)
        }
        (Err(problems), Ok(_)) => Err(problems),
        (Ok(_), Err(one)) => Err(vec![one]),
    }
}

/// Errors that a person can mend in the form; others go their way.
fn mendable(error: &Error) -> bool {
    matches!(error.kind(), Kind::Conflict | Kind::Refused | Kind::Invalid)
}

/// `POST /leads`
pub(crate) async fn create(mut cx: web::Cx, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    let (fields, basis) = match checked(&typed, &Fields::default()) {
        Ok(checked) => checked,
        Err(problems) => return page(cx, "New lead", "/leads", &typed, &problems, None).await,
    };
    match add(&mut cx, fields, "manual", basis).await {
        Ok(id) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("/leads/{id}"), "Saved."))
        }
        Err(error) if mendable(&error) => {
            page(cx, "New lead", "/leads", &typed, &[], Some(error.message().to_owned())).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /leads/{id}/edit`
pub(crate) async fn edit(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let lead = get(&mut cx, id.into()).await?;
    page(cx, &format!("Edit {}", lead.name()), &format!("/leads/{id}/edit"), &typed(&lead), &[], None).await
}

/// `POST /leads/{id}/edit`
pub(crate) async fn save(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Sent(given): Sent<Typed>,
) -> web::Result<Response> {
    let lead = get(&mut cx, id.into()).await?;
    let (title, at) = (format!("Edit {}", lead.name()), format!("/leads/{id}/edit"));
    let (fields, basis) = match checked(&given, &Fields::from(&lead)) {
        Ok(checked) => checked,
        Err(problems) => return page(cx, &title, &at, &given, &problems, None).await,
    };
    write(&mut cx, id.into(), fields).await?;
    let before = lead.consent.map(|basis| (basis, lead.consent_source.as_deref().unwrap_or_default()));
    if basis != before {
        consent(&mut cx, id.into(), basis).await?;
    }
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/{id}"), "Saved."))
}
