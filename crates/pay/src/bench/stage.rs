//! Tenants with payers, vendors, credit and signed mandates, made by the verbs that people and agents use.

use super::Order;
use crate::intent;
use crate::mandate::{self, Outcome, Place, Template};
use crate::payment::Desk;
use crate::policy::{self, Rules};
use crate::principal::{self, PrincipalId, Risk, key};
use crate::rail::Rail;
use crate::vendor::{self, VendorId};
use base::{Currency, Error, Money, Result, Secret, TenantId};
use db::{Caller, Cx, Db, Scope};
use ledger::account::Key;
use ledger::{Act, Chart, Leg, Purpose, Step, TransferId};
use serde_json::{Map, json};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// In which currency.
const CURRENCY: Currency = Currency::Aud;
/// Of one payment, in minor units.
pub(super) const AMOUNT_MINOR: i64 = 500;
/// Of each wallet, in minor units.
const CREDIT_MINOR: i64 = 1_000_000_000_000;
/// Who make mandates at once.
const SIGNERS: usize = 12;

/// A tenant's paying agent and whom it pays.
#[derive(Clone, Debug)]
pub struct Payer {
    /// Whose.
    pub tenant: TenantId,
    /// The agent.
    pub principal: PrincipalId,
    /// Its key, for calls over HTTP.
    pub key: Secret,
    /// Whom it pays.
    pub vendor: VendorId,
}

/// The database as its owner, past row security.
pub(super) async fn owner(url: &Secret) -> Result<PgConnection> {
    Ok(PgConnection::connect(url.expose()).await?)
}

/// Statistics as autovacuum would have made them by now.
pub(super) async fn tidy(url: &Secret) -> Result<()> {
    sqlx::query("vacuum analyze").execute(&mut owner(url).await?).await?;
    Ok(())
}

/// Makes tenants with what is needed to pay.
///
/// # Errors
/// What the verbs and the database say.
pub async fn payers(db: &Db, url: &Secret, count: usize) -> Result<Vec<Payer>> {
    let mut conn = owner(url).await?;
    let mut payers = Vec::with_capacity(count);
    for n in 0..count {
        let tenant = TenantId(db.random().uuid(db.clock().now()));
        sqlx::query(
            "insert into accounts.tenant (id, name, created_at, updated_at) values ($1, $2, now(), now())",
        )
        .bind(tenant.uuid())
        .bind(format!("Bench {n}"))
        .execute(&mut conn)
        .await?;
        credit(db, tenant).await?;
        let mut cx = begin(db, tenant).await?;
        payers.push(payer(&mut cx, tenant).await?);
        cx.commit().await?;
    }
    Ok(payers)
}

async fn begin(db: &Db, tenant: TenantId) -> Result<Cx> {
    db.begin(Scope::Tenant(tenant), Caller::system("bench", db)).await
}

async fn credit(db: &Db, tenant: TenantId) -> Result<()> {
    let (psp, wallet) = (Key::platform(Chart::PspStripe, CURRENCY)?, Key::wallet(tenant, CURRENCY));
    let mut cx = db.system("bench").await?;
    ledger::account::open(&mut cx, &[psp, wallet]).await?;
    let legs = vec![Leg::new(psp.id(), wallet.id(), Money { minor: CREDIT_MINOR, currency: CURRENCY })];
    let step = Step::new(cx.id::<TransferId>(), Purpose::TopUp, Act::Transfer { legs });
    ledger::apply_all(&mut cx, &[step]).await?;
    cx.commit().await
}

async fn payer(cx: &mut Cx, tenant: TenantId) -> Result<Payer> {
    let principal =
        principal::add(cx, &principal::New { name: "Buyer".to_owned(), risk: Risk::Low }).await?.id;
    let (_, key) = key::make(cx, principal).await?;
    let rails = BTreeSet::from([Rail::Ledger]);
    let new = vendor::New { name: "Search Ltd".to_owned(), x402_endpoint: None, rails, payout_account: None };
    let vendor = vendor::add(cx, &new).await?.id;
    let caps = json!({ "per_transaction_minor": 10_000, "per_day_minor": CREDIT_MINOR, "per_month_minor": CREDIT_MINOR });
    let rules: Rules = serde_json::from_value(json!({
        "skus": ["search"],
        "vendors": [vendor],
        "caps": { CURRENCY.code(): caps },
        "rails": ["ledger"],
        "x402_enabled": false,
        "valid_from": cx.now(),
    }))?;
    policy::add(cx, principal, rules).await?;
    Ok(Payer { tenant, principal, key, vendor })
}

/// A signed mandate for each cycle, the tenants in turn.
pub(super) async fn orders(db: &Db, desk: &Desk, payers: &[Payer], count: usize) -> Result<Vec<Order>> {
    let payers: Arc<Vec<Payer>> = Arc::new(payers.to_vec());
    let next = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    for _ in 0..SIGNERS {
        let (db, desk, payers, next) = (db.clone(), desk.clone(), payers.clone(), next.clone());
        running.spawn(async move {
            let mut made = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(payer) = payers.get(at % payers.len()).filter(|_| at < count) else {
                    return Ok(made);
                };
                made.push((at, order(&db, &desk, payer).await?));
            }
        });
    }
    let mut made: Vec<(usize, Order)> = Vec::with_capacity(count);
    while let Some(joined) = running.join_next().await {
        let part: Result<Vec<(usize, Order)>> =
            joined.map_err(|cause| Error::internal("A bench signer ended in a defect.").caused_by(cause))?;
        made.extend(part?);
    }
    made.sort_by_key(|(at, _)| *at);
    Ok(made.into_iter().map(|(_, order)| order).collect())
}

async fn order(db: &Db, desk: &Desk, payer: &Payer) -> Result<Order> {
    let keys = desk.ring.keys().await?;
    let mut cx = begin(db, payer.tenant).await?;
    let new = intent::New {
        principal: payer.principal,
        vendor: payer.vendor,
        sku: "search".to_owned(),
        amount_minor: AMOUNT_MINOR,
        currency: CURRENCY,
        description: "One search".to_owned(),
        meta: Map::new(),
    };
    let intent = intent::create(&mut cx, new).await?;
    let new = mandate::New {
        intent: intent.id,
        template: Template::MicroTask,
        mode: None,
        asked: mandate::Asked::default(),
        expires_in_s: None,
        holder: None,
        parent: None,
        wallet: None,
        place: Place::default(),
    };
    let Outcome::Signed(mandate) = mandate::create(&mut cx, &keys, new).await? else {
        return Err(Error::internal("A mandate of the bench waits for a person."));
    };
    cx.commit().await?;
    Ok(Order { payer: payer.clone(), mandate: mandate.id })
}
