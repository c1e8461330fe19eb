//! Two tenants: what one has, the other never sees, changes or learns of, on every table, route and job
//! kind that there is. The lists come from the catalogue and from the program, so that nothing added
//! later can be left out.

use super::{
    catalogue::{self, CANARY, Table},
    house,
};
use base::{Role, TenantId};
use db::{Caller, Scope};
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::BTreeMap;
use testkit::{Tenant, TestDb, role};
use uuid::Uuid;
use web::{Access, RouteKind};

/// Tables whose rows name no tenant, and why no tenant can read another's there.
const WITHOUT_TENANT: [(&str, &str); 20] = [
    ("audit.redaction", "what erasures took out of the whole chain; only the kernel's role may read it"),
    ("accounts.mail_token", "belongs to a person; only the kernel's role may read it"),
    ("accounts.person", "a person may be in several tenants; a policy shows colleagues only"),
    ("accounts.sign_in_failure", "of people who are not signed in; only the kernel's role may read it"),
    ("audit.checkpoint", "of the whole chain; only the kernel's role may read it"),
    ("audit.link", "hashes of the whole chain; only the kernel's role may read it"),
    ("hooks.fan_out", "how far the outbox of all tenants was read; only the kernel's role may read it"),
    ("jobs.node", "processes of the installation; only the kernel's role may read it"),
    ("jobs.subscription", "which fact starts which kind of job: the program's, the same for everybody"),
    (
        "ledger.sweep",
        "one instant: how far overdue reservations were ended; only the kernel's role may read it",
    ),
    ("pay.coin", "tokens as their contracts describe them: the program's, the same for everybody"),
    (
        "pay.coin_balance",
        "simulated balances of wallets, which are nobody's here; anybody may read them, as on a chain",
    ),
    ("pay.coin_transfer", "simulated transfers between wallets; only the kernel's role may read it"),
    ("pay.exchange_rate", "dated rates of the installation, the same for everybody"),
    ("insight.prior", "four numbers of each dimension, sums of at least three clients"),
    ("public._sqlx_migrations", "the schema's own history; no role of the program may read it"),
    ("billing.invoice_series", "one counter; only the kernel's role may read it"),
    ("billing.plan", "what is sold, the same for everybody"),
    ("billing.stray", "words of the provider about nobody known here; only the kernel's role may read it"),
    ("billing.term", "dated figures of the installation, the same for everybody"),
];
/// Those of them that a tenant's role may read.
const READABLE: [&str; 8] = [
    "insight.prior",
    "accounts.person",
    "jobs.subscription",
    "pay.coin",
    "pay.coin_balance",
    "pay.exchange_rate",
    "billing.plan",
    "billing.term",
];

async fn planted(kit: &TestDb, tenant: Uuid) -> (PgConnection, Vec<Table>, BTreeMap<String, Uuid>) {
    let mut conn = catalogue::owner(kit).await;
    let tables = catalogue::tables(&mut conn).await;
    let mut ids = BTreeMap::new();
    for table in tables.iter().filter(|table| table.tenant && !table.part && table.name != "accounts.tenant")
    {
        if let Some(id) = catalogue::plant(&mut conn, table, tenant).await {
            ids.insert(table.name.clone(), id);
        }
    }
    // What the queue holds of them stays where it is: it is looked at, never run.
    sqlx::raw_sql("update jobs.job set state = 'waiting'; update jobs.schedule set next_at = 'infinity'::timestamptz where not built_in")
        .execute(&mut conn)
        .await
        .expect("the queue rests");
    (conn, tables, ids)
}

#[tokio::test]
async fn every_table_is_isolated_or_named_with_a_reason() {
    let kit = TestDb::new().await;
    let mut conn = catalogue::owner(&kit).await;
    let tables = catalogue::tables(&mut conn).await;
    assert!(tables.len() > 50, "the catalogue was read: {} tables", tables.len());
    let mut bare = Vec::new();
    for table in &tables {
        if !table.tenant {
            bare.push(table.name.as_str());
            let readable: bool =
                sqlx::query_scalar("select has_any_column_privilege('agency_app', $1::regclass, 'select')")
                    .bind(&table.name)
                    .fetch_one(&mut conn)
                    .await
                    .expect("privileges");
            assert_eq!(readable, READABLE.contains(&table.name.as_str()), "{}", table.name);
            continue;
        }
        assert!(
            table.enabled && table.forced,
            "{} has no forced row security: call kernel.isolate",
            table.name
        );
        let policies: Vec<(String, String)> = sqlx::query_as(
            "select p.polname::text, coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
             from pg_policy p where p.polrelid = $1::regclass and 'agency_app'::regrole = any (p.polroles)",
        )
        .bind(&table.name)
        .fetch_all(&mut conn)
        .await
        .expect("policies");
        assert!(table.part || !policies.is_empty(), "{} has no policy of agency_app", table.name);
        for (name, text) in policies {
            assert!(
                text.contains("kernel.tenant()") || text.contains("agency.seek"),
                "{}: the policy {name} does not ask whose: {text}",
                table.name
            );
        }
    }
    let mut known: Vec<&str> = WITHOUT_TENANT.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(bare, known, "tables without tenant_id: give them one, or say here why not");
}

#[tokio::test]
async fn rows_of_another_tenant_are_never_seen_changed_or_made() {
    let kit = TestDb::new().await;
    let (ours, theirs) = kit.two_tenants().await;
    let (mut conn, tables, _) = planted(&kit, ours.id.uuid()).await;
    let before = catalogue::state_of(&mut conn, &tables, ours.id.uuid()).await;
    assert!(before.values().all(|line| !line.starts_with("0 ")), "a row in every table: {before:?}");
    let mut tried = 0;
    for table in tables.iter().filter(|table| table.tenant) {
        for scope in [Some(theirs.id), None] {
            let seen = format!("select count(*) from {} where tenant_id = '{}'", table.name, ours.id);
            assert_eq!(
                as_tenant(&kit, scope, &seen).await.unwrap_or(0),
                0,
                "{} shows rows of another tenant",
                table.name
            );
            let changes = [
                format!(
                    "with done as (update {0} set tenant_id = tenant_id where tenant_id = '{1}' returning 1) select count(*) from done",
                    table.name, ours.id
                ),
                format!(
                    "with done as (delete from {0} where tenant_id = '{1}' returning 1) select count(*) from done",
                    table.name, ours.id
                ),
            ];
            for change in changes {
                let touched = as_tenant(&kit, scope, &change).await.unwrap_or(0);
                assert_eq!(touched, 0, "{change}");
                tried += 1;
            }
        }
    }
    // A row that names another tenant is refused by every table into which a tenant may write.
    for table in tables.iter().filter(|table| table.tenant && !table.part && table.name != "accounts.tenant")
    {
        let refused =
            forge(&kit, table, theirs.id, ours.id).await.expect_err("a row in the name of another tenant");
        let code = refused.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{}: {refused}", table.name);
    }
    assert_eq!(before, catalogue::state_of(&mut conn, &tables, ours.id.uuid()).await);
    println!(
        "tenancy: {} tables, {tried} tries, nothing seen or changed",
        tables.iter().filter(|t| t.tenant).count()
    );
}

/// Runs a counting statement as a tenant; none: no tenant was set.
async fn as_tenant(kit: &TestDb, tenant: Option<TenantId>, statement: &str) -> Result<i64, sqlx::Error> {
    let scope = Scope::Tenant(tenant.unwrap_or(TenantId(Uuid::nil())));
    let mut cx = kit.db.begin(scope, Caller::system("proof", &kit.db)).await.expect("begins");
    if tenant.is_none() {
        sqlx::query("select set_config('agency.tenant', '', true)")
            .execute(cx.conn())
            .await
            .expect("cleared");
    }
    sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(cx.conn()).await
}

/// Inserts, as one tenant, a row that names another.
async fn forge(kit: &TestDb, table: &Table, by: TenantId, of: TenantId) -> Result<(), sqlx::Error> {
    let mut cx = kit.db.begin(Scope::Tenant(by), Caller::system("proof", &kit.db)).await.expect("begins");
    // Row security is asked before the other values are looked at.
    let statement = format!("insert into {} (tenant_id) values ('{of}')", table.name);
    sqlx::query(AssertSqlSafe(statement)).execute(cx.conn()).await.map(|_| ())
}

/// The table whose ids stand at a parameter of a path, by the segment before it.
fn table_at(path: &str, parameter: &str) -> &'static str {
    let before: Vec<&str> = path.split('/').take_while(|part| *part != parameter).collect();
    match (before.last().copied().unwrap_or_default(), path) {
        ("accounts", path) if path.starts_with("/pay") => "ledger.account",
        ("accounts", _) => "outreach.account",
        ("{provider}", path) if path.starts_with("/hooks") => "outreach.account",
        ("approvals", _) => "control.approval",
        ("api-keys", _) => "accounts.api_key",
        ("budgets", _) => "control.budget",
        // Clients, for whoever runs the installation.
        ("billing", _) => "accounts.tenant",
        ("calendar" | "calendars", _) => "outreach.calendar",
        ("campaigns", _) => "outreach.campaign",
        ("checkout" | "checkouts", _) => "billing.checkout",
        ("invoices", _) => "billing.invoice",
        ("companies", _) => "leads.company",
        ("deals", _) => "outreach.deal",
        ("differences", _) => "pay.difference",
        ("disputes", _) => "pay.dispute",
        ("exchanges", _) => "pay.exchange",
        ("drafts" | "messages", _) => "outreach.message",
        ("connections", path) if path.contains("/crm") => "crm.connection",
        ("imports", path) if path.contains("/crm") => "crm.import",
        ("pushes", path) if path.contains("/crm") => "crm.push",
        ("imports" | "import", _) => "leads.import",
        ("inbox", path) if path.starts_with("/operations") => "hooks.inbox",
        ("inbox", _) => "outreach.thread",
        ("intents" | "purchase-intents", _) => "pay.intent",
        ("invitations", _) => "accounts.invitation",
        ("jobs" | "flows", _) => "jobs.job",
        ("keys", _) => "pay.principal_key",
        ("leads", _) => "leads.lead",
        ("facts", _) => "leads.fact",
        ("mandates", _) => "pay.mandate",
        ("meetings", _) => "outreach.meeting",
        ("members" | "team", _) => "accounts.membership",
        ("notifications", _) => "control.notification",
        ("paid-resources", _) => "pay.resource",
        ("payees" | "vendors" | "x402", _) => "pay.vendor",
        ("patterns", path) if path.starts_with("/learning") => "insight.pattern",
        ("payments", _) => "pay.payment",
        ("payouts", _) => "pay.payout",
        ("policies", _) => "pay.policy",
        ("principals", _) => "pay.principal",
        ("public-keys", _) => "pay.public_key",
        ("receipts", _) => "pay.receipt",
        ("resources", path) if path.starts_with("/pay") => "pay.resource",
        // What is for sale is open to every buyer.
        ("r", path) if path.starts_with("/x402") => "pay.resource",
        ("runs", path) if path.contains("/enrichment") => "enrich.run",
        ("quarantine", _) => "enrich.quarantine",
        ("dnc", _) => "leads.dnc_wash",
        ("scoring", _) => "leads.weight",
        ("portfolio", _) => "onboarding.portfolio",
        ("onboarding" | "analyses", _) => "onboarding.analysis",
        ("knowledge", _) => "outreach.knowledge",
        ("sales", _) => "pay.sale",
        ("sending" | "resources", _) => "outreach.resource",
        ("sessions", _) => "accounts.session",
        ("sink" | "installation", _) => "outreach.sink_message",
        ("suggestions", _) => "insight.suggestion",
        ("suppressions" | "suppression", _) => "leads.suppression",
        ("switches", _) => "control.switch",
        ("webhook-deliveries", _) => "hooks.delivery",
        ("webhook-endpoints" | "webhooks", _) => "hooks.endpoint",
        ("views", _) => "leads.saved_view",
        _ => "",
    }
}

/// A path with another tenant's ids at its parameters; none when it names nothing of a tenant.
pub fn aimed(path: &str, ids: &BTreeMap<String, Uuid>) -> Option<String> {
    let mut found = false;
    let parts: Vec<String> = path
        .split('/')
        .map(|part| {
            if !part.starts_with('{') {
                return part.to_owned();
            }
            match table_at(path, part) {
                "" => "bounce".to_owned(),
                table => {
                    found = true;
                    ids.get(table).copied().unwrap_or_default().to_string()
                }
            }
        })
        .collect();
    found.then(|| parts.join("/"))
}

/// Parameters that name nothing of a tenant's rows: words, tokens and public names.
const WORDS: [&str; 12] = [
    "{provider}",
    "{purpose}",
    "{detector}",
    "{link}",
    "{chain}",
    "{token}",
    "{slug}",
    "{part}",
    "{what}",
    "{key}",
    "{name}",
    "{number}",
];

struct Asked {
    status: u16,
    text: String,
    location: String,
}

async fn ask(
    app: &testkit::TestApp,
    who: Option<&testkit::Member>,
    method: &str,
    path: &str,
    api: bool,
) -> Asked {
    let client = match who {
        Some(member) => app.as_member(member),
        None => app.stranger(),
    };
    let answer = if api {
        client.json(method, path, &serde_json::json!({"reason": "because", "role": "member"})).await
    } else if method == "GET" {
        client.get(path).await
    } else {
        let fields = [
            ("reason", "because"),
            ("role", "member"),
            ("body", "hello"),
            ("subject", "hello"),
            ("until", "2026-03-05"),
            ("value", "1"),
            ("stage", "won"),
            ("intent", "angry"),
        ];
        client.post(path, &fields).await
    };
    Asked { status: answer.status, text: answer.text(), location: answer.location().to_owned() }
}

#[tokio::test]
async fn no_route_shows_or_changes_anything_of_another_tenant() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let (ours, theirs) = kit.two_tenants().await;
    let app = house::app(&kit, folder.path()).await;
    let (mut conn, tables, ids) = planted(&kit, ours.id.uuid()).await;
    let before = catalogue::state_of(&mut conn, &tables, ours.id.uuid()).await;
    let (mut aimed_at, mut broken) = (0, Vec::new());
    for route in app.app.routes() {
        let unknown = route.path.split('/').find(|part| {
            part.starts_with('{') && !WORDS.contains(part) && table_at(route.path, part).is_empty()
        });
        if let Some(part) = unknown {
            broken.push(format!(
                "{} {}: say in table_at which table's ids stand at {part}",
                route.method, route.path
            ));
        }
        let path = aimed(route.path, &ids);
        let target = path.clone().unwrap_or_else(|| route.path.replace(['{', '}'], ""));
        if target == "/live" || matches!(route.access, Access::Open | Access::Public) {
            continue;
        }
        let answer =
            ask(&app, Some(&theirs.owner), route.method.as_str(), &target, route.kind == RouteKind::Api)
                .await;
        let line = format!("{} {} → {}", route.method, route.path, answer.status);
        if answer.text.contains("canary-7f3a") {
            broken.push(format!("{line} shows the other tenant's words"));
        }
        if answer.status >= 500 {
            broken.push(format!("{line}: {}", answer.text.chars().take(300).collect::<String>()));
        }
        if path.is_some() {
            aimed_at += 1;
            let fine = match route.method.as_str() {
                "GET" => matches!(answer.status, 403 | 404),
                // A form that does not fit is refused before anything is looked up.
                _ => (400..500).contains(&answer.status),
            };
            if !fine {
                broken.push(line);
            }
        }
    }
    let after = catalogue::state_of(&mut conn, &tables, ours.id.uuid()).await;
    for (table, line) in &before {
        if after.get(table) != Some(line) {
            broken.push(format!("{table} of the other tenant was changed"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(aimed_at > 40, "only {aimed_at} routes name something of a tenant");
    println!("tenancy: {} routes, {aimed_at} aimed at another tenant's rows", app.app.routes().len());
}

#[tokio::test]
async fn strangers_are_sent_to_the_sign_in_and_viewers_change_nothing() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let (ours, _) = kit.two_tenants().await;
    let viewer = kit.member(&ours, role::VIEWER).await;
    let app = house::app(&kit, folder.path()).await;
    let (_conn, _tables, ids) = planted(&kit, ours.id.uuid()).await;
    let mut broken = Vec::new();
    for route in app.app.routes() {
        let target = aimed(route.path, &ids).unwrap_or_else(|| route.path.replace(['{', '}'], ""));
        let api = route.kind == RouteKind::Api;
        let least = match route.access {
            Access::Open | Access::Public => continue,
            Access::Role(least) | Access::Machine(least) => Some(least),
            Access::Platform => None,
        };
        let answer = ask(&app, None, route.method.as_str(), &target, api).await;
        let asked_to_sign_in = answer.status == 303 && answer.location.starts_with("/login");
        if !(answer.status == 401 || asked_to_sign_in && !api) || answer.text.contains("canary-7f3a") {
            broken.push(format!(
                "a stranger: {} {} → {} {}",
                route.method, route.path, answer.status, answer.location
            ));
        }
        if least.is_none_or(|least| least > Role::Viewer) {
            let answer = ask(&app, Some(&viewer), route.method.as_str(), &target, api).await;
            if answer.status != 403 {
                broken.push(format!("a viewer: {} {} → {}", route.method, route.path, answer.status));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn no_kind_of_job_of_one_tenant_changes_anything_of_another() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let (ours, theirs) = kit.two_tenants().await;
    let app = house::app(&kit, folder.path()).await;
    let (mut conn, tables, ids) = planted(&kit, ours.id.uuid()).await;
    // The installation's own schedules work for every tenant: they rest.
    sqlx::raw_sql("update jobs.schedule set paused = true").execute(&mut conn).await.expect("they rest");
    let before = catalogue::state_of(&mut conn, &tables, ours.id.uuid()).await;
    let kinds = app.registry.kinds();
    let payload = everything(&ids, &ours);
    for kind in &kinds {
        sqlx::query(
            "insert into jobs.job (id, tenant_id, run_at, rank, created_at, state, queue, kind, payload)
             values (gen_random_uuid(), $1, $2, $2, $2, 'ready', 'default', $3, $4)",
        )
        .bind(theirs.id.uuid())
        .bind(kit.clock_now())
        .bind(kind)
        .bind(own(kind, &ids).unwrap_or_else(|| payload.clone()))
        .execute(&mut conn)
        .await
        .expect("a job");
    }
    app.settle().await;
    let unread: Vec<String> = sqlx::query_scalar(
        "select kind from jobs.job_done where error like '%does not fit this program%' union select kind from jobs.job where error like '%does not fit this program%'",
    )
    .fetch_all(&mut conn)
    .await
    .expect("ends");
    assert!(unread.is_empty(), "say in `everything` which fields these jobs take: {unread:?}");
    let after = catalogue::state_of(&mut conn, &tables, ours.id.uuid()).await;
    let changed: Vec<&String> = before
        .iter()
        .filter(|(table, line)| after.get(*table) != Some(line))
        .map(|(table, _)| table)
        .collect();
    assert!(changed.is_empty(), "changed by another tenant's jobs: {changed:?}");
    assert!(kinds.len() > 15, "only {} kinds", kinds.len());
    println!("tenancy: {} kinds of jobs aimed at another tenant's rows", kinds.len());
}

/// The input of kinds whose fields have a shape of their own.
fn own(kind: &str, ids: &BTreeMap<String, Uuid>) -> Option<serde_json::Value> {
    let id = |table: &str| ids.get(table).copied().unwrap_or_default();
    match kind {
        // The installation's own letters, across tenants by design: asked for an address that nobody has.
        "accounts.mail" => Some(serde_json::json!({"mail": "reset", "email": "nobody@nowhere.example"})),
        "crm.check" | "crm.import_begin" => Some(serde_json::json!({"connection": id("crm.connection")})),
        "crm.hear" => Some(serde_json::json!({
            "sort": "deal", "subject": id("outreach.deal"), "lead": id("leads.lead"), "why": "outreach.deal.moved",
        })),
        "crm.import" => Some(serde_json::json!({"import": id("crm.import")})),
        "crm.push" => Some(serde_json::json!({"push": id("crm.push")})),
        "enrich.lead" => Some(serde_json::json!({"run": id("enrich.run"), "lead": id("leads.lead")})),
        "enrich.search" => Some(serde_json::json!({"search": id("enrich.search")})),
        "insight.digest" => Some(serde_json::json!({"week": "2026-11-16"})),
        "insight.digest_mail" => Some(serde_json::json!({"mail": id("insight.digest_mail")})),
        "insight.learn" => Some(serde_json::json!({"cause": "person", "as_of": null})),
        "leads.rescore" => Some(serde_json::json!({"run": id("leads.rescore")})),
        "onboarding.analyse" => Some(serde_json::json!({"analysis": id("onboarding.analysis")})),
        "outreach.import_knowledge" => Some(serde_json::json!({"website": "http://127.0.0.1:9/"})),
        "leads.bulk" => Some(serde_json::json!({
            "query": "", "act": {"act": "delete"}, "asked_at": "2100-01-01T00:00:00Z", "after": null,
        })),
        "leads.enrich" => Some(serde_json::json!({"domain": "anchor.example", "again": true})),
        "leads.score" => Some(serde_json::json!({"of": {"leads": [id("leads.lead")]}})),
        "outreach.calendar_connect" => Some(serde_json::json!({"calendar": id("outreach.calendar")})),
        "outreach.calendar_disconnect" => {
            Some(serde_json::json!({"calendar": id("outreach.calendar"), "subscription": "1"}))
        }
        "outreach.calendar_cancel" => {
            Some(serde_json::json!({"meeting": id("outreach.meeting"), "reason": CANARY}))
        }
        "outreach.meeting_mail" => Some(serde_json::json!({
            "meeting": id("outreach.meeting"), "occasion": "booked", "sequence": 1, "token": null, "to_host": true,
        })),
        "pay.reconcile" => Some(serde_json::json!({
            "rail": "stripe", "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z",
        })),
        _ => None,
    }
}

/// The input of any other job: every field that a kind takes, each with the other tenant's id.
fn everything(ids: &BTreeMap<String, Uuid>, other: &Tenant) -> serde_json::Value {
    let id = |table: &str| serde_json::json!(ids.get(table).copied().unwrap_or_default());
    serde_json::json!({
        "touch": id("outreach.touch"), "message": id("outreach.message"), "thread": id("outreach.thread"), "resource": id("outreach.resource"),
        "inbox": id("hooks.inbox"), "meeting": id("outreach.meeting"), "lead": id("leads.lead"), "leads": [id("leads.lead")], "import": id("leads.import"),
        "campaign": id("outreach.campaign"), "approval": id("control.approval"), "id": id("leads.lead"), "tenant": other.id,
        "payment": id("pay.payment"), "payout": id("pay.payout"), "refund": id("pay.refund"), "mandate": id("pay.mandate"),
        "delivery": id("hooks.inbox"), "sale": id("pay.sale"), "endpoint": id("hooks.endpoint"),
        "request": id("privacy.request"), "suggestion": id("insight.suggestion"),
        "checkout": id("billing.checkout"), "notice": id("billing.dunning_notice"), "subscription": id("billing.subscription"),
        "provider_ref": CANARY, "since": "2026-01-01T00:00:00Z",
        "status": "approved", "what": "invitation", "kind": "invitation", "to": CANARY, "letter": "verify", "token": "0".repeat(64),
    })
}
