//! Every call of pay with what it must not take: the promised status and code, and nothing written.
//!
//! The calls come from the routes of the modules: one without a row in [`changes`], [`reads`] or [`hooks`]
//! fails here. What every call refuses (a foreign tenant, a bad key, a body that is no JSON) is made for
//! each; what only one refuses is in its row.

mod agents;
mod body;
mod hooks;
mod money;
mod reads;
mod rows;
mod sales;
mod scene;

use axum::body::Body;
use axum::http::Request;
use body::Bad;
use rows::Rows;
use scene::Scene;
use serde_json::{Value, json};
use testkit::{Answer, Client};
use web::{Access, RouteInfo, RouteKind};

/// A call that changes something, ready to be made.
pub(super) struct Call {
    /// Where, with the ids of this scene.
    path: String,
    /// A body that is taken.
    good: Value,
    /// With which status.
    status: u16,
    /// Another body of a good shape; none: the call takes one body only.
    other: Option<Value>,
    /// What it refuses, apart from what every call does.
    bad: Vec<Bad>,
    /// What others get who make the good call: another tenant's owner, another paying agent. None: the
    /// call names nothing that belongs to anybody.
    others: Option<(u16, &'static str)>,
    /// Whether it changes nothing, so that its key is not kept.
    is_dry: bool,
}

impl Call {
    fn new(path: impl Into<String>, good: Value, status: u16) -> Self {
        Self {
            path: path.into(),
            good,
            status,
            other: None,
            bad: Vec::new(),
            others: Some((404, "not_found")),
            is_dry: false,
        }
    }

    fn other(self, other: Value) -> Self {
        Self { other: Some(other), ..self }
    }

    fn others(self, others: Option<(u16, &'static str)>) -> Self {
        Self { others, ..self }
    }

    fn bad(mut self, bad: impl IntoIterator<Item = Bad>) -> Self {
        self.bad.extend(bad);
        self
    }
}

/// A request whose parts may each be wrong.
#[derive(Clone)]
struct Sent<'a> {
    method: &'a str,
    path: String,
    body: String,
    key: Option<String>,
    kind: Option<&'static str>,
}

impl<'a> Sent<'a> {
    fn good(route: &'a RouteInfo, call: &Call, key: &str) -> Self {
        Self {
            method: route.method.as_str(),
            path: call.path.clone(),
            body: call.good.to_string(),
            key: Some(key.to_owned()),
            kind: Some("application/json"),
        }
    }

    async fn by(self, who: &Client) -> Answer {
        let mut request =
            Request::builder().method(self.method).uri(self.path).header("accept", "application/json");
        if let Some(kind) = self.kind {
            request = request.header("content-type", kind);
        }
        if let Some(key) = self.key {
            request = request.header("idempotency-key", key);
        }
        who.send(request.body(Body::from(self.body)).expect("a request")).await
    }
}

/// Notes an answer that is not the promised problem (RFC 9457).
fn is_problem(wrong: &mut Vec<String>, answer: &Answer, what: &str, status: u16, code: &str) {
    let text = answer.text();
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    let is_so = answer.status == status
        && answer.header("content-type") == Some("application/problem+json")
        && problem["code"] == code
        && problem["status"] == status
        && problem["type"] == format!("urn:agency-os:problem:{code}")
        && problem["detail"].as_str().is_some_and(|text| text.len() > 10);
    if !is_so {
        wrong.push(format!("{what}: {status} {code} was promised; {} came: {text}", answer.status));
    }
}

/// Notes a table that changed.
fn is_untouched(wrong: &mut Vec<String>, what: &str, before: &Rows, after: &Rows) {
    let changed = rows::changed(before, after);
    if !changed.is_empty() {
        wrong.push(format!("{what} wrote something: {changed:?}"));
    }
}

/// Who may not, for each access.
fn strangers(scene: &Scene, access: Access) -> Vec<(&'static str, Client, u16, &'static str)> {
    let bed = &scene.bed;
    let key = |text: &str| bed.app.stranger().with_header("authorization", &format!("Bearer {text}"));
    let mut list = vec![
        ("nobody", bed.app.stranger(), 401, "unauthenticated"),
        ("a text that is no key", key("aop_x"), 401, "principal_key.invalid"),
        ("a changed key", key(&scene.changed_key()), 401, "principal_key.invalid"),
        ("a revoked key", key(&scene.revoked_key), 401, "principal_key.invalid"),
        ("an expired key", key(&scene.expired_key), 401, "principal_key.invalid"),
    ];
    match access {
        Access::Machine(least) => {
            if least > base::Role::Viewer {
                list.push(("a viewer", bed.app.as_member(&scene.viewer), 403, "forbidden"));
            }
        }
        Access::Role(least) => {
            list.push(("a paying agent", bed.agent(), 403, "forbidden"));
            if least > base::Role::Viewer {
                list.push(("a viewer", bed.app.as_member(&scene.viewer), 403, "forbidden"));
            }
        }
        Access::Platform => {
            list.push(("a paying agent", bed.agent(), 403, "forbidden"));
            list.push(("an owner", bed.owner(), 403, "forbidden"));
        }
        Access::Open | Access::Public => list.clear(),
    }
    list
}

/// Who makes the call well.
fn rightful(scene: &Scene, access: Access) -> Client {
    match access {
        Access::Machine(_) => scene.bed.agent(),
        Access::Role(_) | Access::Open | Access::Public => scene.bed.owner(),
        Access::Platform => scene.bed.app.as_member(&scene.chief),
    }
}

/// The same call with one thing wrong that no call takes.
fn malformed<'a>(route: &'a RouteInfo, call: &Call) -> Vec<(&'static str, Sent<'a>, u16, &'static str)> {
    let sent = Sent::good(route, call, "malformed");
    let body = |text: &str| Sent { body: text.to_owned(), ..sent.clone() };
    let mut more = call.good.clone();
    more["more"] = json!(1);
    let mut list = vec![
        ("an unknown member", body(&more.to_string()), 400, "body.invalid"),
        ("half a body", body("{"), 400, "body.not_json"),
        ("a list", body("[]"), 400, "body.invalid"),
        ("a text", body("\"x\""), 400, "body.invalid"),
        ("no Unicode", body("\"\\ud800\""), 400, "body.not_json"),
        ("a body in depth", body(&format!("{}1{}", "[".repeat(200), "]".repeat(200))), 400, "body.not_json"),
        ("3 MiB", body(&format!("{{\"more\":\"{}\"}}", "x".repeat(3 << 20))), 413, "too_large"),
        (
            "a form",
            Sent { kind: Some("application/x-www-form-urlencoded"), ..sent.clone() },
            400,
            "media_type",
        ),
        ("a plain text", Sent { kind: Some("text/plain"), ..sent.clone() }, 400, "media_type"),
        ("no key", Sent { key: None, ..sent.clone() }, 400, "idempotency_key_required"),
        ("an empty key", Sent { key: Some(String::new()), ..sent.clone() }, 400, "idempotency_key_invalid"),
        ("a long key", Sent { key: Some("k".repeat(256)), ..sent.clone() }, 400, "idempotency_key_invalid"),
    ];
    if route.path.contains("{id}") {
        list.push(("no id", Sent { path: placed(route.path, "x"), ..sent.clone() }, 400, "request.invalid"));
    }
    if route.path.contains("{id}") && call.others == Some((404, "not_found")) {
        let nil = uuid::Uuid::nil().to_string();
        list.push(("nobody's id", Sent { path: placed(route.path, &nil), ..sent.clone() }, 404, "not_found"));
    }
    list
}

fn placed(template: &str, id: &str) -> String {
    template
        .split('/')
        .map(|part| if part.starts_with('{') { id } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

/// Makes every bad call, compares what is stored, and then makes the good one, so that what was refused was
/// refused for what is bad in it.
async fn holds(scene: &Scene, route: &RouteInfo, call: &Call, wrong: &mut Vec<String>) -> usize {
    let name = format!("{} {}", route.method, route.path);
    let (bed, mut tried) = (&scene.bed, 0);
    let before = rows::all(bed).await;
    for (who, client, status, code) in strangers(scene, route.access) {
        let answer = Sent::good(route, call, "by").by(&client).await;
        is_problem(wrong, &answer, &format!("{name}, {who}"), status, code);
        tried += 1;
    }
    if let Some((status, code)) = call.others {
        let mut others = vec![("another tenant", bed.app.as_member(&scene.bed.other.owner))];
        match route.access {
            Access::Machine(_) => others.push(("another agent", scene.other_agent())),
            Access::Platform => others.clear(),
            Access::Open | Access::Public | Access::Role(_) => {}
        }
        for (who, client) in others {
            let answer = Sent::good(route, call, "by").by(&client).await;
            is_problem(wrong, &answer, &format!("{name}, {who}"), status, code);
            tried += 1;
        }
    }
    let who = rightful(scene, route.access);
    for (what, sent, status, code) in malformed(route, call) {
        is_problem(wrong, &sent.by(&who).await, &format!("{name}, {what}"), status, code);
        tried += 1;
    }
    for (number, bad) in call.bad.iter().enumerate() {
        let sent = Sent { body: bad.body.clone(), ..Sent::good(route, call, &format!("bad-{number}")) };
        let shown: String = bad.body.chars().take(160).collect();
        is_problem(wrong, &sent.by(&who).await, &format!("{name}, {shown}"), bad.status, bad.code);
        tried += 1;
    }
    is_untouched(wrong, &name, &before, &rows::all(bed).await);
    taken_once(route, call, &who, scene, wrong).await;
    tried
}

/// The good call is taken, under a key that a refused one carried; again, it is answered again; another
/// body under its key is refused.
async fn taken_once(route: &RouteInfo, call: &Call, who: &Client, scene: &Scene, wrong: &mut Vec<String>) {
    let name = format!("{} {}", route.method, route.path);
    let good = Sent::good(route, call, "bad-0");
    let first = good.clone().by(who).await;
    if first.status != call.status {
        wrong.push(format!("{name}, well: {} {}", first.status, first.text()));
        return;
    }
    let after = rows::all(&scene.bed).await;
    let again = good.clone().by(who).await;
    let replayed = (!call.is_dry).then_some("true");
    if again.status != call.status || again.header("idempotent-replayed") != replayed {
        wrong.push(format!("{name} again: {} {}", again.status, again.text()));
    }
    if let Some(other) = call.other.as_ref().filter(|_| !call.is_dry) {
        let answer = Sent { body: other.to_string(), ..good }.by(who).await;
        is_problem(
            wrong,
            &answer,
            &format!("{name}, its key with another body"),
            422,
            "idempotency_conflict",
        );
    }
    is_untouched(wrong, &format!("{name} again"), &after, &rows::all(&scene.bed).await);
}

fn of_pay(scene: &Scene, kind: RouteKind, reads: bool) -> Vec<RouteInfo> {
    let routes = scene.bed.app.app.routes().iter();
    routes
        .filter(|r| r.module.starts_with("pay") && r.kind == kind && (r.method == "GET") == reads)
        .cloned()
        .collect()
}

#[tokio::test]
async fn every_call_that_changes_something_refuses_what_it_must_and_writes_nothing() {
    let scene = Scene::new().await;
    let routes = of_pay(&scene, RouteKind::Api, false);
    assert!(routes.len() >= 24, "{}", routes.len());
    let (mut tried, mut wrong) = (0, Vec::new());
    for route in &routes {
        let call = match agents::row(&scene, route).await {
            Some(call) => Some(call),
            None => match money::row(&scene, route).await {
                Some(call) => Some(call),
                None => sales::row(&scene, route).await,
            },
        };
        match call {
            Some(call) => tried += holds(&scene, route, &call, &mut wrong).await,
            None => {
                wrong.push(format!("{} {} has no row here: say what it refuses", route.method, route.path))
            }
        }
    }
    scene.bed.holds().await;
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 800, "{tried}");
}

#[tokio::test]
async fn every_call_that_reads_refuses_what_it_must_and_writes_nothing() {
    let scene = Scene::new().await;
    let routes = of_pay(&scene, RouteKind::Api, true);
    assert!(routes.len() >= 24, "{}", routes.len());
    let mut wrong = Vec::new();
    for route in &routes {
        match reads::row(&scene, route).await {
            Some(read) => reads::holds(&scene, route, &read, &mut wrong).await,
            None => wrong.push(format!("GET {} has no row here: say what it refuses", route.path)),
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_hook_refuses_what_it_must_and_writes_nothing() {
    let scene = Scene::new().await;
    let mut routes = of_pay(&scene, RouteKind::Hook, false);
    routes.extend(of_pay(&scene, RouteKind::Hook, true));
    assert!(routes.len() >= 3, "{}", routes.len());
    let mut wrong = Vec::new();
    for route in &routes {
        if !hooks::holds(&scene, route, &mut wrong).await {
            wrong.push(format!("{} {} has no row here: say what it refuses", route.method, route.path));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
