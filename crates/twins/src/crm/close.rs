//! Close, API v1, as its documents describe it: a lead is a company, contacts and opportunities belong to one.

use super::book::{Deal, Office, Person, Record};
use super::desk::{Answer, Call, answer, text, unauthorised};
use base::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn missing() -> Answer {
    answer(404, json!({"error": "Empty query: it does not exist."}))
}

fn invalid(field: &str, said: &str) -> Answer {
    answer(400, json!({"errors": [], "field-errors": {field: said}}))
}

/// The key of Basic authentication, whose password is empty.
fn key(call: &Call<'_>) -> String {
    let coded = call.header("authorization").strip_prefix("Basic ").unwrap_or_default();
    let decoded = STANDARD.decode(coded).unwrap_or_default();
    String::from_utf8_lossy(&decoded).strip_suffix(':').unwrap_or_default().to_owned()
}

/// The number in `cont_12`.
fn number(id: &str) -> &str {
    id.rsplit('_').next().unwrap_or_default()
}

fn contact(one: &Record) -> Value {
    let emails = if one.person.email.is_empty() {
        json!([])
    } else {
        json!([{"type": "office", "email": one.person.email}])
    };
    let phones = if one.person.phone.is_empty() {
        json!([])
    } else {
        json!([{"type": "office", "phone": one.person.phone}])
    };
    let name = format!("{} {}", one.person.first_name, one.person.last_name);
    json!({"id": format!("cont_{}", one.id), "lead_id": format!("lead_{}", one.company), "name": name.trim(), "title": one.person.title,
           "emails": emails, "phones": phones, "urls": [], "date_created": one.created.to_string(), "date_updated": one.updated.to_string()})
}

/// A company with its people.
fn lead(office: &Office, id: u64) -> Value {
    let people: Vec<&Record> = office.people.iter().filter(|one| one.company == id).collect();
    let first = people.first();
    let of = |field: fn(&Person) -> &str| first.map(|one| field(&one.person)).unwrap_or_default();
    let name = office.company_name(id).unwrap_or_default();
    json!({
        "id": format!("lead_{id}"), "name": name, "display_name": name, "url": of(|person| &person.website),
        "addresses": [{"country": of(|person| &person.country), "state": of(|person| &person.region), "city": of(|person| &person.city)}],
        "contacts": people.iter().map(|one| contact(one)).collect::<Vec<_>>(),
        "date_created": people.iter().map(|one| one.created).min().unwrap_or(Time::from_us(0)).to_string(),
        "date_updated": people.iter().map(|one| one.updated).max().unwrap_or(Time::from_us(0)).to_string(),
    })
}

fn opportunity(one: &Deal) -> Value {
    json!({"id": format!("oppo_{}", one.id), "lead_id": format!("lead_{}", one.company), "contact_id": format!("cont_{}", one.contact),
           "status_id": one.stage, "note": one.text, "value": one.value.parse::<i64>().ok(), "value_period": "one_time", "value_currency": one.currency})
}

pub(super) fn serve(office: &mut Office, call: &Call<'_>) -> Answer {
    let key = key(call);
    if key.is_empty() || key == "wrong" {
        return unauthorised("close");
    }
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method, path.as_slice()) {
        ("GET", ["api", "v1", "me"]) => answer(
            200,
            json!({"id": "user_1", "email": "alex@bright.example", "organizations": [{"id": "orga_1", "name": "Bright Agency"}]}),
        ),
        ("GET", ["api", "v1", "pipeline"]) => answer(200, json!({"data": [pipeline()], "has_more": false})),
        ("GET", ["api", "v1", "lead"]) => leads(office, call),
        ("POST", ["api", "v1", "lead"]) => create_lead(office, call),
        ("POST", ["api", "v1", "contact"]) => {
            let Ok(company) = number(&text(&call.body, "lead_id")).parse::<u64>() else {
                return invalid("lead_id", "This field is required.");
            };
            let id = office
                .add(person(office.company_name(company).unwrap_or_default(), &call.body), company, call.now)
                .to_string();
            office.person(&id).map_or_else(missing, |one| answer(200, contact(one)))
        }
        ("GET", ["api", "v1", "contact", id]) => {
            office.person(number(id)).map_or_else(missing, |one| answer(200, contact(one)))
        }
        ("PUT", ["api", "v1", "contact", id]) => {
            let Some(one) = office.person(number(id)) else { return missing() };
            let given = person("", &call.body);
            for (field, value) in [
                (&mut one.person.email, given.email),
                (&mut one.person.phone, given.phone),
                (&mut one.person.title, given.title),
                (&mut one.person.first_name, given.first_name),
                (&mut one.person.last_name, given.last_name),
            ] {
                if !value.is_empty() {
                    *field = value;
                }
            }
            one.updated = call.now;
            answer(200, contact(one))
        }
        ("GET", ["api", "v1", "opportunity"]) => {
            let of = call.asked("lead_id");
            let all: Vec<Value> = office
                .deals
                .iter()
                .filter(|one| of.is_empty() || format!("lead_{}", one.company) == of)
                .map(opportunity)
                .collect();
            let (skip, limit) = (call.number("_skip", 0), call.number("_limit", 100));
            let more = skip + limit < all.len();
            answer(
                200,
                json!({"data": all.into_iter().skip(skip).take(limit).collect::<Vec<_>>(), "has_more": more}),
            )
        }
        ("POST", ["api", "v1", "opportunity"]) => create_opportunity(office, call),
        ("PUT", ["api", "v1", "opportunity", id]) => {
            let Some(one) = office.deal(number(id)) else { return missing() };
            write(one, &call.body);
            answer(200, opportunity(one))
        }
        _ => missing(),
    }
}

fn person(company: &str, body: &Value) -> Person {
    let name = text(body, "name");
    let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
    Person {
        service: "close".to_owned(),
        email: body["emails"][0]["email"].as_str().unwrap_or_default().to_owned(),
        phone: body["phones"][0]["phone"].as_str().unwrap_or_default().to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        title: text(body, "title"),
        company: company.to_owned(),
        ..Person::default()
    }
}

/// The value of `word:"…"` or `word >= "…"` in a query.
fn within<'q>(query: &'q str, word: &str) -> Option<&'q str> {
    let (_, rest) = query.split_once(word)?;
    rest.split('"').nth(1)
}

fn leads(office: &Office, call: &Call<'_>) -> Answer {
    let query = call.asked("query");
    let mut all: Vec<Value> = office.companies.iter().map(|(id, _)| lead(office, *id)).collect();
    let at = |one: &Value, field: &str| text(one, field).parse::<Time>().unwrap_or(Time::from_us(0));
    if let Some(email) = within(query, "email_address:") {
        all.retain(|one| {
            one["contacts"].to_string().to_lowercase().contains(&format!("\"{}\"", email.to_lowercase()))
        });
    } else if let Some(name) = within(query, "name:") {
        all.retain(|one| text(one, "name").eq_ignore_ascii_case(name));
    } else {
        for (word, field) in [("updated >=", "date_updated"), ("created >=", "date_created")] {
            if let Some(since) = within(query, word).and_then(|since| since.parse::<Time>().ok()) {
                all.retain(|one| at(one, field) >= since);
                all.sort_by_key(|one| at(one, field));
            }
        }
    }
    let (skip, limit) = (call.number("_skip", 0), call.number("_limit", 100).clamp(1, 200));
    let total = all.len();
    let data: Vec<Value> = all.into_iter().skip(skip).take(limit).collect();
    answer(200, json!({"data": data, "total_results": total, "has_more": skip + limit < total}))
}

fn create_lead(office: &mut Office, call: &Call<'_>) -> Answer {
    let name = text(&call.body, "name");
    if name.is_empty() {
        return invalid("name", "This field is required.");
    }
    // Close makes a second one of the same name without a word.
    let id = office.id();
    office.companies.push((id, name.clone()));
    for one in call.body["contacts"].as_array().into_iter().flatten() {
        let mut given = person(&name, one);
        given.website = text(&call.body, "url");
        office.add(given, id, call.now);
    }
    answer(200, lead(office, id))
}

fn write(deal: &mut Deal, body: &Value) {
    for (name, field) in [
        ("status_id", &mut deal.stage),
        ("note", &mut deal.text),
        ("value", &mut deal.value),
        ("value_currency", &mut deal.currency),
    ] {
        if !body[name].is_null() {
            *field = text(body, name);
        }
    }
}

fn create_opportunity(office: &mut Office, call: &Call<'_>) -> Answer {
    let Ok(company) = number(&text(&call.body, "lead_id")).parse::<u64>() else {
        return invalid("lead_id", "This field is required.");
    };
    let contact: u64 = number(&text(&call.body, "contact_id")).parse().unwrap_or(0);
    if !office.people.iter().any(|one| one.id == contact && one.company == company) {
        return invalid("contact_id", "This contact does not belong to the lead.");
    }
    let known = pipeline()["statuses"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one["id"] == call.body["status_id"]));
    if !known {
        return invalid("status_id", "This is not a status.");
    }
    let mut one =
        Deal { id: office.id(), contact, company, pipeline: "pipe_1".to_owned(), ..Deal::default() };
    write(&mut one, &call.body);
    let said = opportunity(&one);
    office.deals.push(one);
    answer(200, said)
}

fn pipeline() -> Value {
    json!({"id": "pipe_1", "name": "Sales", "statuses": [
        {"id": "stat_demo", "label": "Demo completed", "type": "active"},
        {"id": "stat_proposal", "label": "Proposal sent", "type": "active"},
        {"id": "stat_contract", "label": "Contract sent", "type": "active"},
        {"id": "stat_won", "label": "Won", "type": "won"},
        {"id": "stat_lost", "label": "Lost", "type": "lost"},
    ]})
}
