//! Every table is under audit, or stands here with the reason why not.

use super::catalogue;
use testkit::TestDb;

/// Tables whose changes write no audit entry of their own.
const EXEMPT: [(&str, &str); 82] = [
    ("audit.redaction", "what an erasure took out of the trail: the trail's own record"),
    ("leads.rescore", "how far a run over everyone is; the weights that began it are audited"),
    ("onboarding.page", "pages as they were read, which nobody changes"),
    ("outreach.content_snapshot", "what a message was written from, which nobody changes"),
    ("accounts.mail_token", "single-use tokens; what they lead to is audited"),
    ("accounts.session", "signing in and out are noted as verbs; the rest is when it was last seen"),
    ("accounts.sign_in_failure", "counts guesses; kept for minutes"),
    ("audit.checkpoint", "is the trail"),
    ("audit.entry", "is the trail"),
    ("audit.link", "is the trail"),
    ("control.budget_use", "sums of control.spend, which keeps each unit"),
    ("control.notification", "tells of facts that are kept elsewhere"),
    ("control.notification_mail", "which notification left by mail to whom; each line ends once"),
    ("control.notification_preference", "what somebody wants to be told"),
    ("control.spend", "a ledger of its own: rows are never changed behind their end"),
    ("crm.attempt", "append-only: it is the history"),
    ("crm.contact", "what became of a contact under the CRM's name for it; the run that says so is audited"),
    ("crm.push", "how far a push is; each try is a row of crm.attempt"),
    ("enrich.call", "a ledger of its own: claimed before it is asked, ended once, with its cost"),
    ("enrich.item", "a lead's place in a batch; each step of it is a row of enrich.step"),
    ("enrich.prospect", "who was found under which name; rows are only added"),
    ("enrich.step", "append-only: it is the lineage"),
    ("hooks.attempt", "one for each call, written before it and completed once"),
    ("hooks.delivery", "each try is an attempt, which is kept; a person's act on it is noted as a verb"),
    ("hooks.endpoint_health", "counters of attempts, which are kept"),
    ("hooks.fan_out", "how far the outbox was read; moves with every fact"),
    ("hooks.inbox", "keeps what came in, as it came; only how far it was worked on changes"),
    ("hooks.message", "what a fact says; written once"),
    ("insight.digest_choice", "who wants the weekly digest; the person's own choice"),
    ("insight.digest_mail", "which digest left to whom; each line ends once"),
    ("insight.prior", "sums of patterns, made anew every week"),
    ("insight.run", "one line for each run of learning, written by it"),
    ("insight.sent", "what was read of a message that is kept elsewhere; written once"),
    ("jobs.job", "the queue; every end is kept in its history"),
    ("jobs.job_done", "the history of the queue"),
    ("jobs.job_done_other", "a part of jobs.job_done"),
    ("jobs.node", "heartbeats"),
    ("jobs.schedule", "moves with the clock; a person's acts on it are noted as verbs"),
    ("jobs.step", "the history of flows"),
    ("jobs.subscription", "the program's own list, written at its start"),
    ("jobs.wait", "what flows wait for"),
    ("kernel.fact", "append-only: it is the history"),
    ("kernel.idempotency", "answers of the API, kept to be given again"),
    ("leads.dnc", "what the last wash said; each wash is kept with its numbers"),
    ("leads.dnc_number", "rows of a wash, which is audited"),
    ("leads.fact", "each row carries its source, and rows are only added"),
    ("leads.import_reject", "rows of an import, which is audited"),
    ("leads.import_row", "rows of an import, which is audited"),
    ("leads.saved_view", "a person's bookmark"),
    ("leads.tally", "sums of leads, which are audited"),
    ("ledger.balance", "sums of ledger.transfer, recomputed by the nightly check"),
    ("ledger.resolution", "append-only: it is the history"),
    ("ledger.sweep", "moves with the clock"),
    ("ledger.transfer", "append-only: it is the history"),
    ("outreach.activity", "append-only: it is the history"),
    ("outreach.capacity", "counters of what touches reserve"),
    ("outreach.delivery", "append-only: what providers reported, as it was read"),
    ("outreach.mailbox_cursor", "how far a mailbox was read"),
    ("outreach.track", "append-only: looks and visits, with the signs of machines"),
    ("pay.cap_use", "counters of what payments take, which are rows of their own"),
    ("pay.closed_mandate", "append-only: it is the evidence, byte for byte"),
    ("pay.coin", "the program's own list, written by migrations"),
    ("pay.coin_balance", "simulated balances: each move but a gift is a row of pay.coin_transfer"),
    ("pay.coin_transfer", "append-only: it is the history"),
    ("pay.delivery", "append-only: what came in, as it came"),
    ("pay.intent", "ends once; each step is a fact"),
    ("pay.mandate", "what it says never changes; each step is a fact, each execution a payment"),
    ("pay.payment", "its timeline is append-only, and each end has a receipt"),
    ("pay.payment_event", "append-only: it is the history"),
    ("pay.receipt", "append-only and chained: it is the proof"),
    ("pay.receipt_head", "where the chain of receipts ends, recomputed by the nightly check"),
    ("pay.resource_body", "append-only: each version stays"),
    ("pay.sale", "ends once; each step is a fact"),
    ("pay.sale_output", "append-only, with its sale"),
    ("pay.velocity", "when somebody last paid, within a window"),
    ("public._sqlx_migrations", "the schema's own history"),
    ("billing.credit_account", "sums of billing.credit_entry, which billing recomputes"),
    ("billing.credit_entry", "append-only: it is the history"),
    ("billing.credit_reservation", "each step of it is an entry of the credits"),
    ("billing.dunning_notice", "which reminder left to whom; each line ends once"),
    ("billing.invoice_series", "a counter; each number is an invoice"),
    ("billing.stray", "keeps what came in, as it came"),
];

/// Tables of conversations in motion: each change of theirs is an activity and a fact in the same
/// transaction, which the touch's and the thread's pages show.
const BY_ACTIVITY: [&str; 5] =
    ["outreach.enrolment", "outreach.message", "outreach.sink_message", "outreach.thread", "outreach.touch"];

#[tokio::test]
async fn every_table_is_audited_or_says_why_not() {
    let kit = TestDb::new().await;
    let mut conn = catalogue::owner(&kit).await;
    let tables = catalogue::tables(&mut conn).await;
    let exempt = |name: &str| EXEMPT.iter().any(|(table, _)| *table == name) || BY_ACTIVITY.contains(&name);
    let (mut audited, mut broken) = (0, Vec::new());
    for table in tables.iter().filter(|table| !table.part) {
        let events: Vec<String> = sqlx::query_scalar(
            "select case g.tgtype & 28 when 4 then 'insert' when 8 then 'delete' when 16 then 'update' else 'other' end
             from pg_trigger g where g.tgrelid = $1::regclass and g.tgfoid = 'audit.record'::regproc and g.tgenabled = 'O' order by 1",
        )
        .bind(&table.name)
        .fetch_all(&mut conn)
        .await
        .expect("triggers");
        match (events.join(",").as_str(), exempt(&table.name)) {
            ("delete,insert,update", false) => audited += 1,
            ("", true) => {}
            (_, true) => broken.push(format!("{} is audited: take it off the list", table.name)),
            (some, false) => broken.push(format!(
                "{} is audited for “{some}” only: call kernel.audited, or say why not",
                table.name
            )),
        }
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    for (gone, _) in EXEMPT.iter().filter(|(table, _)| !names.contains(table)) {
        broken.push(format!("{gone} is on the list but not in the database"));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(audited > 20, "{audited}");
    println!(
        "audit: {audited} tables under audit, {} exempt with a reason",
        EXEMPT.len() + BY_ACTIVITY.len()
    );
}
