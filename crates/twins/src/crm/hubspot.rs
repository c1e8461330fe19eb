//! HubSpot, CRM API v3, as its documents describe it.

use super::book::{Deal, Office, Person, Record};
use super::desk::{Answer, Call, answer, or_null, text, unauthorised};
use base::Time;
use serde_json::{Value, json};

/// Property and value of a contact.
fn properties(one: &Record) -> Value {
    let person = &one.person;
    json!({
        "email": or_null(&person.email.to_lowercase()), "firstname": or_null(&person.first_name), "lastname": or_null(&person.last_name),
        "jobtitle": or_null(&person.title), "phone": or_null(&person.phone), "company": or_null(&person.company),
        "website": or_null(&person.website), "country": or_null(&person.country), "state": or_null(&person.region), "city": or_null(&person.city),
        "createdate": one.created.to_string(), "lastmodifieddate": one.updated.to_string(), "hs_object_id": one.id.to_string(),
    })
}

fn contact(one: &Record) -> Value {
    json!({"id": one.id.to_string(), "properties": properties(one), "createdAt": one.created.to_string(),
           "updatedAt": one.updated.to_string(), "archived": false})
}

fn missing() -> Answer {
    answer(404, json!({"status": "error", "message": "resource not found", "category": "OBJECT_NOT_FOUND"}))
}

fn write(person: &mut Person, properties: &Value) {
    for (name, field) in [
        ("email", &mut person.email),
        ("firstname", &mut person.first_name),
        ("lastname", &mut person.last_name),
        ("jobtitle", &mut person.title),
        ("phone", &mut person.phone),
        ("company", &mut person.company),
        ("website", &mut person.website),
        ("country", &mut person.country),
        ("state", &mut person.region),
        ("city", &mut person.city),
    ] {
        if !properties[name].is_null() {
            *field = text(properties, name);
        }
    }
}

pub(super) fn serve(office: &mut Office, call: &Call<'_>) -> Answer {
    let key = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
    if key.is_empty() || key == "wrong" {
        return unauthorised("hubspot");
    }
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method, path.as_slice()) {
        ("GET", ["account-info", "v3", "details"]) => answer(
            200,
            json!({"portalId": 4_021, "uiDomain": "app.hubspot.com", "timeZone": "Australia/Sydney", "companyCurrency": "AUD"}),
        ),
        ("GET", ["crm", "v3", "pipelines", "deals"]) => answer(200, json!({"results": [pipeline()]})),
        ("GET", ["crm", "v3", "objects", "contacts"]) => list(office, call),
        ("POST", ["crm", "v3", "objects", "contacts", "search"]) => search(office, call),
        ("POST", ["crm", "v3", "objects", "contacts"]) => create(office, call),
        ("GET", ["crm", "v3", "objects", "contacts", id]) => {
            let found = if call.asked("idProperty") == "email" {
                office.by_email(id)
            } else {
                office.people.iter().find(|one| one.id.to_string() == *id)
            };
            found.map_or_else(missing, |one| answer(200, contact(one)))
        }
        ("PATCH", ["crm", "v3", "objects", "contacts", id]) => {
            let Some(one) = office.person(id) else { return missing() };
            write(&mut one.person, &call.body["properties"]);
            one.updated = call.now;
            answer(200, contact(one))
        }
        ("GET", ["crm", "v4", "objects", "contacts", id, "associations", "deals"]) => {
            if !office.people.iter().any(|one| one.id.to_string() == *id) {
                return missing();
            }
            let results: Vec<Value> = office
                .deals
                .iter()
                .filter(|deal| deal.contact.to_string() == *id)
                .map(|deal| json!({"toObjectId": deal.id, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 4, "label": null}]}))
                .collect();
            answer(200, json!({"results": results}))
        }
        ("POST", ["crm", "v3", "objects", "deals", "batch", "read"]) => {
            let ids: Vec<String> =
                call.body["inputs"].as_array().into_iter().flatten().map(|one| text(one, "id")).collect();
            let results: Vec<Value> =
                office.deals.iter().filter(|deal| ids.contains(&deal.id.to_string())).map(deal).collect();
            answer(200, json!({"status": "COMPLETE", "results": results}))
        }
        ("POST", ["crm", "v3", "objects", "deals"]) => create_deal(office, call),
        ("PATCH", ["crm", "v3", "objects", "deals", id]) => {
            let Some(one) = office.deal(id) else { return missing() };
            write_deal(one, &call.body["properties"]);
            let said = deal(one);
            answer(200, said)
        }
        _ => missing(),
    }
}

fn list(office: &Office, call: &Call<'_>) -> Answer {
    let limit = call.number("limit", 10).clamp(1, 100);
    let from: u64 = call.asked("after").parse().unwrap_or(0);
    let rest: Vec<&Record> = office.people.iter().filter(|one| one.id > from).collect();
    let results: Vec<Value> = rest.iter().take(limit).map(|one| contact(one)).collect();
    let mut body = json!({"results": results});
    if let Some(last) = rest.get(limit - 1).filter(|_| rest.len() > limit) {
        body["paging"] = json!({"next": {"after": last.id.to_string(), "link": "https://api.hubapi.com/…"}});
    }
    answer(200, body)
}

/// Changed since, oldest change first: the only search that is asked here.
fn search(office: &Office, call: &Call<'_>) -> Answer {
    let filter = &call.body["filterGroups"][0]["filters"][0];
    let since = text(filter, "value").parse::<i64>().unwrap_or(0);
    let mut rest: Vec<&Record> = office.people.iter().filter(|one| one.updated.ms() >= since).collect();
    rest.sort_by_key(|one| (one.updated, one.id));
    let limit = usize::try_from(call.body["limit"].as_u64().unwrap_or(10)).unwrap_or(10).clamp(1, 200);
    let from: usize = text(&call.body, "after").parse().unwrap_or(0);
    let results: Vec<Value> = rest.iter().skip(from).take(limit).map(|one| contact(one)).collect();
    let mut body = json!({"total": rest.len(), "results": results});
    if from + limit < rest.len() {
        body["paging"] = json!({"next": {"after": (from + limit).to_string()}});
    }
    answer(200, body)
}

fn create(office: &mut Office, call: &Call<'_>) -> Answer {
    let mut person = Person { service: "hubspot".to_owned(), ..Person::default() };
    write(&mut person, &call.body["properties"]);
    if !person.email.is_empty() && !person.email.contains('@') {
        let said = format!(
            "Property values were not valid: [{{\"message\":\"Email address {} is invalid\"}}]",
            person.email
        );
        return answer(400, json!({"status": "error", "message": said, "category": "VALIDATION_ERROR"}));
    }
    if let Some(known) = office.by_email(&person.email) {
        let said = format!("Contact already exists. Existing ID: {}", known.id);
        return answer(409, json!({"status": "error", "message": said, "category": "CONFLICT"}));
    }
    let id = office.add(person, 0, call.now).to_string();
    office.person(&id).map_or_else(missing, |one| answer(201, contact(one)))
}

fn deal(one: &Deal) -> Value {
    json!({"id": one.id.to_string(), "archived": false, "properties": {
        "dealname": one.name, "pipeline": one.pipeline, "dealstage": one.stage, "amount": or_null(&one.value),
        "description": or_null(&one.text), "closed_lost_reason": or_null(&one.lost_reason)}})
}

fn write_deal(deal: &mut Deal, properties: &Value) {
    for (name, field) in [
        ("dealname", &mut deal.name),
        ("pipeline", &mut deal.pipeline),
        ("dealstage", &mut deal.stage),
        ("amount", &mut deal.value),
        ("description", &mut deal.text),
        ("closed_lost_reason", &mut deal.lost_reason),
    ] {
        if !properties[name].is_null() {
            *field = text(properties, name);
        }
    }
}

fn create_deal(office: &mut Office, call: &Call<'_>) -> Answer {
    let association = &call.body["associations"][0];
    let contact: u64 = text(&association["to"], "id").parse().unwrap_or(0);
    let typed = &association["types"][0];
    if contact != 0 && (typed["associationCategory"] != "HUBSPOT_DEFINED" || typed["associationTypeId"] != 3)
    {
        return answer(
            400,
            json!({"status": "error", "message": "invalid association type", "category": "VALIDATION_ERROR"}),
        );
    }
    if contact != 0 && !office.people.iter().any(|one| one.id == contact) {
        return missing();
    }
    let mut one = Deal { id: office.id(), contact, ..Deal::default() };
    write_deal(&mut one, &call.body["properties"]);
    let known = pipeline()["stages"]
        .as_array()
        .is_some_and(|stages| stages.iter().any(|stage| text(stage, "id") == one.stage));
    if !known {
        let said = format!("Property values were not valid: {} is not a stage.", one.stage);
        return answer(400, json!({"status": "error", "message": said, "category": "VALIDATION_ERROR"}));
    }
    let said = deal(&one);
    office.deals.push(one);
    answer(201, said)
}

/// The pipeline that every account begins with.
fn pipeline() -> Value {
    let stages = [
        ("appointmentscheduled", "Appointment scheduled", "0.2", "false"),
        ("qualifiedtobuy", "Qualified to buy", "0.4", "false"),
        ("presentationscheduled", "Presentation scheduled", "0.6", "false"),
        ("decisionmakerboughtin", "Decision maker bought-in", "0.8", "false"),
        ("contractsent", "Contract sent", "0.9", "false"),
        ("closedwon", "Closed won", "1.0", "true"),
        ("closedlost", "Closed lost", "0.0", "true"),
    ];
    let stages: Vec<Value> = stages
        .iter()
        .enumerate()
        .map(|(at, (id, label, share, closed))| {
            json!({"id": id, "label": label, "displayOrder": at, "archived": false, "metadata": {"probability": share, "isClosed": closed},
                   "createdAt": Time::from_us(0).to_string()})
        })
        .collect();
    json!({"id": "default", "label": "Sales pipeline", "displayOrder": 0, "archived": false, "stages": stages})
}
