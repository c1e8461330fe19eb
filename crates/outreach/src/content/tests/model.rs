//! The writer that asks a model: what it may say, what it costs, and what happens when it may not.

use super::brief;
use crate::content::{
    compose::{Draft, Env, compose},
    model::LlmSettings,
};
use base::Micros;
use ports::{
    InMemory,
    llm::{LlmAccount, MemoryLlm},
};
use serde_json::json;
use std::sync::Arc;
use testkit::{Tenant, TestDb};
use uuid::Uuid;

struct World {
    db: TestDb,
    tenant: Tenant,
    ports: InMemory,
}

async fn world() -> World {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let ports = db.ports();
    World { db, tenant, ports }
}

impl World {
    async fn draft(&self) -> Draft {
        self.draft_with(None).await
    }

    async fn draft_with(&self, critic: Option<&str>) -> Draft {
        let account = MemoryLlm::account();
        let critic = critic.map(|model| LlmAccount { model: model.into(), ..account.clone() });
        let settings = LlmSettings { account, critic };
        let env = Env {
            db: &self.db.db,
            caller: db::Caller::system("test", &self.db.db),
            tenant: self.tenant.id,
            ports: &Arc::new(self.ports.ports()),
            llm: Some(&settings),
            campaign: Uuid::from_u128(1),
            lead: Uuid::from_u128(7),
        };
        compose(&env, &brief()).await.expect("the ledger is there").expect("writable")
    }

    async fn spend(&self) -> Vec<(String, i64)> {
        let mut cx = self.db.cx(&self.tenant.owner).await;
        let rows =
            sqlx::query!(r#"select state::text as "state!", cost_micros from control.spend order by at, id"#)
                .fetch_all(cx.conn())
                .await;
        rows.expect("rows").into_iter().map(|row| (row.state, row.cost_micros)).collect()
    }
}

fn truthful() -> String {
    json!({
        "subject": "Hiring at Harbour Dental",
        "body": "Hi Priya,\n\nI saw that Harbour Dental is hiring. We build booking pages for clinics.\n\nWould you be open to a short call?",
        "claims": [{"text": "Harbour Dental is hiring", "evidence_ids": ["lead.hiring"]}, {"text": "We build booking pages", "evidence_ids": ["offer"]}],
    })
    .to_string()
}

fn lying() -> String {
    truthful().replace("We build booking pages for clinics.", "We helped 40 clinics like yours grow by 35%.")
}

#[tokio::test]
async fn a_truthful_text_of_the_model_is_used_and_paid_for() {
    let world = world().await;
    world.ports.llm.respond_with(|_| truthful());
    let draft = world.draft().await;
    assert_eq!(draft.subject, "Hiring at Harbour Dental");
    assert_eq!(draft.provenance["writer"], "model", "{}", draft.provenance);
    assert_eq!(draft.provenance["model"], "house-model");
    assert_eq!(draft.facts_used[0]["id"], "lead.hiring");
    assert!(draft.body.contains("https://app.example/u/abc"), "{}", draft.body);
    assert_eq!(world.spend().await, [("settled".to_owned(), draft.cost_micros)]);
    assert!(Micros(draft.cost_micros) > Micros(0));
}

#[tokio::test]
async fn a_lie_is_sent_back_once_and_then_corrected() {
    let world = world().await;
    let tries = std::sync::atomic::AtomicUsize::new(0);
    world.ports.llm.respond_with(move |request| {
        if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            return lying();
        }
        assert!(request.messages.last().is_some_and(|m| m.text.contains("35%")), "the fault is named");
        truthful()
    });
    let draft = world.draft().await;
    assert_eq!(
        (draft.provenance["writer"].as_str(), draft.provenance["tries"].as_i64()),
        (Some("model"), Some(2))
    );
    assert_eq!(world.spend().await.len(), 2);
}

#[tokio::test]
async fn two_lies_lead_to_the_built_in_writer_and_are_still_paid_for() {
    let world = world().await;
    world.ports.llm.respond_with(|_| lying());
    let draft = world.draft().await;
    assert_eq!(draft.provenance["writer"], "builtin");
    let reason = draft.provenance["fallback_reason"].as_str().expect("a reason");
    assert!(reason.contains("failed the checks twice") && reason.contains("35%"), "{reason}");
    assert!(!draft.body.contains("35%"));
    let spend = world.spend().await;
    assert_eq!(spend.iter().map(|(_, cost)| cost).sum::<i64>(), draft.cost_micros);
    assert_eq!(spend.len(), 2);
}

#[tokio::test]
async fn a_model_that_does_not_answer_costs_nothing_and_the_built_in_writer_writes() {
    let world = world().await;
    world.ports.llm.set_overloaded(1_000);
    let draft = world.draft().await;
    assert!(
        draft.provenance["fallback_reason"].as_str().is_some_and(|why| why.contains("overloaded")),
        "{}",
        draft.provenance
    );
    assert_eq!(draft.cost_micros, 0);
    assert_eq!(world.spend().await, [("released".to_owned(), 0)]);
}

#[tokio::test]
async fn when_the_budget_says_no_the_model_is_not_asked() {
    let world = world().await;
    let mut cx = world.db.system().await;
    sqlx::query!("update control.budget set cap_micros = 10").execute(cx.conn()).await.expect("changed");
    cx.commit().await.expect("a commit");
    world.ports.llm.respond_with(|_| truthful());
    let draft = world.draft().await;
    assert_eq!(draft.provenance["writer"], "builtin");
    assert!(world.ports.llm.asked().is_empty());
    assert!(world.spend().await.is_empty());
}

#[tokio::test]
async fn invented_evidence_and_injected_links_are_refused() {
    for (from, to) in [
        ("lead.hiring", "made.up"),
        ("We build booking pages for clinics.", "See http://evil.example/ for more."),
        ("Would you be open to a short call?", "Would you? Could you?"),
        ("Hiring at Harbour Dental", "Hiring at Smile Palace"),
    ] {
        let world = world().await;
        world.ports.llm.respond_with(move |_| truthful().replace(from, to));
        assert_eq!(world.draft().await.provenance["writer"], "builtin", "{to}");
    }
}

fn verdict(carried: bool) -> String {
    json!({"claims": [{"text": "Harbour Dental is hiring", "carried": carried, "evidence_ids": ["lead.hiring"], "why": "It hires nobody."}]})
        .to_string()
}

#[tokio::test]
async fn a_second_reader_sends_a_text_back_and_is_paid_for() {
    let world = world().await;
    let reads = std::sync::atomic::AtomicUsize::new(0);
    world.ports.llm.respond_with(move |request| {
        if request.purpose != "outreach.criticise" {
            return truthful();
        }
        verdict(reads.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0)
    });
    let draft = world.draft_with(Some("house-critic")).await;
    assert_eq!(
        (draft.provenance["writer"].as_str(), draft.provenance["tries"].as_i64()),
        (Some("model"), Some(2))
    );
    assert_eq!(draft.provenance["checks"]["critic"], "passed (house-critic)");
    assert!(draft.provenance["prompt_version"].as_str().is_some_and(|version| version.contains('+')));
    assert_eq!(world.spend().await.len(), 4);
    assert_eq!(world.spend().await.iter().map(|(_, cost)| cost).sum::<i64>(), draft.cost_micros);
}

#[tokio::test]
async fn what_the_second_reader_refuses_twice_is_not_sent() {
    let world = world().await;
    world.ports.llm.respond_with(|request| {
        if request.purpose == "outreach.criticise" { verdict(false) } else { truthful() }
    });
    let draft = world.draft_with(Some("house-critic")).await;
    assert_eq!(draft.provenance["writer"], "builtin");
    assert!(draft.provenance["fallback_reason"].as_str().is_some_and(|why| why.contains("second reader")));
}
