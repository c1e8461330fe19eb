//! Pipedrive, API v2, as its documents describe it.

use super::book::{Deal, Office, Person, Record};
use super::desk::{Answer, Call, answer, or_null, text, unauthorised};
use base::Time;
use serde_json::{Value, json};

fn found(data: Value) -> Answer {
    answer(200, json!({"success": true, "data": data, "additional_data": {"next_cursor": null}}))
}

fn paged(data: Vec<Value>, next: Option<usize>) -> Answer {
    answer(
        200,
        json!({"success": true, "data": data, "additional_data": {"next_cursor": next.map(|next| format!("c{next}"))}}),
    )
}

fn missing() -> Answer {
    answer(404, json!({"success": false, "error": "Entity not found", "code": "ERR_NOT_FOUND"}))
}

fn invalid(said: &str) -> Answer {
    answer(400, json!({"success": false, "error": said, "code": "ERR_SCHEMA_VALIDATION_FAILED"}))
}

fn values(text: &str) -> Value {
    if text.is_empty() { json!([]) } else { json!([{"value": text, "primary": true, "label": "work"}]) }
}

fn id_or_null(id: u64) -> Value {
    if id == 0 { Value::Null } else { json!(id) }
}

fn person(one: &Record) -> Value {
    let name = format!("{} {}", one.person.first_name, one.person.last_name);
    json!({"id": one.id, "name": name.trim(), "first_name": or_null(&one.person.first_name), "last_name": or_null(&one.person.last_name),
           "owner_id": 1, "org_id": id_or_null(one.company), "emails": values(&one.person.email), "phones": values(&one.person.phone),
           "job_title": or_null(&one.person.title), "is_deleted": false, "add_time": one.created.to_string(), "update_time": one.updated.to_string()})
}

fn deal(one: &Deal) -> Value {
    json!({"id": one.id, "title": one.name, "person_id": one.contact, "org_id": id_or_null(one.company), "pipeline_id": one.pipeline.parse::<i64>().unwrap_or(1),
           "stage_id": one.stage.parse::<i64>().unwrap_or(0), "value": one.value.parse::<f64>().unwrap_or(0.0), "currency": one.currency,
           "status": one.status, "lost_reason": or_null(&one.lost_reason), "is_deleted": false})
}

/// Where a cursor begins.
fn start(call: &Call<'_>) -> usize {
    call.asked("cursor").strip_prefix('c').and_then(|at| at.parse().ok()).unwrap_or(0)
}

pub(super) fn serve(office: &mut Office, call: &Call<'_>) -> Answer {
    let key = call.header("x-api-token");
    if key.is_empty() || key == "wrong" {
        return unauthorised("pipedrive");
    }
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method, path.as_slice()) {
        ("GET", ["api", "v1", "users", "me"]) => {
            found(json!({"id": 1, "name": "Alex Morgan", "company_name": "Bright Agency", "company_id": 77}))
        }
        ("GET", ["api", "v2", "pipelines"]) => {
            found(json!([{"id": 1, "name": "Pipeline", "order_nr": 0, "is_deleted": false}]))
        }
        ("GET", ["api", "v2", "stages"]) => found(stages()),
        ("GET", ["api", "v2", "persons", "search"]) => search(office, call),
        ("GET", ["api", "v2", "persons"]) => persons(office, call),
        ("POST", ["api", "v2", "persons"]) => create(office, call),
        ("GET", ["api", "v2", "persons", id]) => {
            office.person(id).map_or_else(missing, |one| found(person(one)))
        }
        ("PATCH", ["api", "v2", "persons", id]) => {
            let Some(one) = office.person(id) else { return missing() };
            if let Some(phone) = call.body["phones"][0]["value"].as_str() {
                phone.clone_into(&mut one.person.phone);
            }
            if let Some(company) = call.body["org_id"].as_u64() {
                one.company = company;
            }
            one.updated = call.now;
            found(person(one))
        }
        ("GET", ["api", "v2", "organizations", "search"]) => {
            let term = call.asked("term").to_lowercase();
            let items: Vec<Value> = office
                .companies
                .iter()
                .filter(|(_, name)| name.to_lowercase() == term)
                .map(|(id, name)| json!({"result_score": 1.0, "item": {"id": id, "type": "organization", "name": name}}))
                .collect();
            found(json!({"items": items}))
        }
        ("GET", ["api", "v2", "organizations"]) => {
            let ids: Vec<&str> = call.asked("ids").split(',').collect();
            let all = office.companies.iter().filter(|(id, _)| ids.contains(&id.to_string().as_str()));
            found(json!(all.map(|(id, name)| json!({"id": id, "name": name})).collect::<Vec<_>>()))
        }
        ("POST", ["api", "v2", "organizations"]) => {
            let name = text(&call.body, "name");
            if name.is_empty() {
                return invalid("name: is required");
            }
            // Pipedrive makes a second one of the same name without a word.
            let id = office.id();
            office.companies.push((id, name.clone()));
            found(json!({"id": id, "name": name}))
        }
        ("GET", ["api", "v2", "deals"]) => {
            let of = call.asked("person_id");
            let all: Vec<&Deal> =
                office.deals.iter().filter(|one| of.is_empty() || one.contact.to_string() == of).collect();
            let (from, limit) = (start(call), call.number("limit", 100).clamp(1, 500));
            let next = (from + limit < all.len()).then_some(from + limit);
            paged(all.into_iter().skip(from).take(limit).map(deal).collect(), next)
        }
        ("POST", ["api", "v2", "deals"]) => create_deal(office, call),
        ("PATCH", ["api", "v2", "deals", id]) => {
            let Some(one) = office.deal(id) else { return missing() };
            write_deal(one, &call.body);
            found(deal(one))
        }
        _ => missing(),
    }
}

fn persons(office: &Office, call: &Call<'_>) -> Answer {
    let since: Time = call.asked("updated_since").parse().unwrap_or(Time::from_us(0));
    let all: Vec<&Record> = office.people.iter().filter(|one| one.updated >= since).collect();
    let (from, limit) = (start(call), call.number("limit", 100).clamp(1, 500));
    let next = (from + limit < all.len()).then_some(from + limit);
    paged(all.into_iter().skip(from).take(limit).map(person).collect(), next)
}

fn search(office: &Office, call: &Call<'_>) -> Answer {
    let term = call.asked("term").to_lowercase();
    let items: Vec<Value> = office
        .people
        .iter()
        .filter(|one| one.person.email.to_lowercase() == term)
        .map(|one| {
            let organisation =
                office.company_name(one.company).map(|name| json!({"id": one.company, "name": name}));
            let name = format!("{} {}", one.person.first_name, one.person.last_name);
            json!({"result_score": 1.0, "item": {"id": one.id, "type": "person", "name": name.trim(),
                   "emails": [one.person.email], "phones": [one.person.phone], "organization": organisation}})
        })
        .collect();
    found(json!({"items": items}))
}

fn create(office: &mut Office, call: &Call<'_>) -> Answer {
    let name = text(&call.body, "name");
    if name.is_empty() {
        return invalid("name: is required");
    }
    let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
    let company = call.body["org_id"].as_u64().unwrap_or(0);
    let one = Person {
        service: "pipedrive".to_owned(),
        email: call.body["emails"][0]["value"].as_str().unwrap_or_default().to_owned(),
        phone: call.body["phones"][0]["value"].as_str().unwrap_or_default().to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        company: office.company_name(company).unwrap_or_default().to_owned(),
        ..Person::default()
    };
    let id = office.add(one, company, call.now).to_string();
    office.person(&id).map_or_else(missing, |one| found(person(one)))
}

fn write_deal(deal: &mut Deal, body: &Value) {
    for (name, field) in [
        ("title", &mut deal.name),
        ("status", &mut deal.status),
        ("stage_id", &mut deal.stage),
        ("pipeline_id", &mut deal.pipeline),
        ("value", &mut deal.value),
        ("currency", &mut deal.currency),
        ("lost_reason", &mut deal.lost_reason),
    ] {
        if !body[name].is_null() {
            *field = text(body, name);
        }
    }
}

fn create_deal(office: &mut Office, call: &Call<'_>) -> Answer {
    let Some(contact) = call.body["person_id"].as_u64() else {
        return invalid("person_id: must be a number");
    };
    if text(&call.body, "title").is_empty() {
        return invalid("title: is required");
    }
    if !office.people.iter().any(|one| one.id == contact) {
        return missing();
    }
    let company = call.body["org_id"].as_u64().unwrap_or(0);
    let mut one = Deal { id: office.id(), contact, company, status: "open".to_owned(), ..Deal::default() };
    write_deal(&mut one, &call.body);
    let said = deal(&one);
    office.deals.push(one);
    found(said)
}

/// The pipeline that every account begins with.
fn stages() -> Value {
    let names = ["Qualified", "Contact made", "Demo scheduled", "Proposal made", "Negotiations started"];
    json!(
        names
            .iter()
            .enumerate()
            .map(|(at, name)| json!({"id": at + 1, "name": name, "pipeline_id": 1, "order_nr": at, "deal_probability": 100, "is_deleted": false}))
            .collect::<Vec<_>>()
    )
}
