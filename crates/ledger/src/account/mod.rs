//! Accounts: whose, in which currency, and how much is on them.

mod store;

use crate::{Chart, Side};
use base::{Currency, Digest, Error, Result, TenantId};
use db::{Cx, Scope};
use uuid::Uuid;

base::id_type!(
    /// One account. It follows from what the account is (see [`Key::id`]), so that nobody looks it up.
    AccountId
);

/// What an account is: its place in the chart, whose it is, and its currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    chart: Chart,
    tenant: Option<TenantId>,
    subject: Uuid,
    currency: Currency,
}

impl Key {
    /// An account of the platform. Errors when accounts of this chart belong to somebody.
    pub fn platform(chart: Chart, currency: Currency) -> Result<Self> {
        if chart.is_bounded() {
            return Err(Error::internal(format!(
                "An account “{}” belongs to a tenant, not to the platform.",
                chart.word()
            )));
        }
        Ok(Self { chart, tenant: None, subject: Uuid::nil(), currency })
    }

    /// A tenant's paid credit.
    pub fn wallet(tenant: TenantId, currency: Currency) -> Self {
        Self { chart: Chart::Wallet, tenant: Some(tenant), subject: tenant.uuid(), currency }
    }

    /// A tenant's trial credit.
    pub fn trial(tenant: TenantId, currency: Currency) -> Self {
        Self { chart: Chart::TrialCredit, tenant: Some(tenant), subject: tenant.uuid(), currency }
    }

    /// What the developer (or vendor) `subject` of a tenant earned.
    pub fn developer(tenant: TenantId, subject: Uuid, currency: Currency) -> Self {
        Self { chart: Chart::Developer, tenant: Some(tenant), subject, currency }
    }

    /// What the developer `subject` of a tenant owes of an advance.
    pub fn advance(tenant: TenantId, subject: Uuid, currency: Currency) -> Self {
        Self { chart: Chart::AdvanceReceivable, tenant: Some(tenant), subject, currency }
    }

    /// The account's id: the first half of SHA-256 over what it is, as a UUIDv8. Every part is in it, so
    /// that nobody can open an account in another's place.
    pub fn id(&self) -> AccountId {
        let tenant = self.tenant.map_or_else(Uuid::nil, TenantId::uuid);
        let text =
            format!("account:{}:{tenant}:{}:{}", self.chart.word(), self.subject, self.currency.code());
        AccountId(uuid_of(&text))
    }

    /// Its place in the chart.
    pub fn chart(&self) -> Chart {
        self.chart
    }

    /// Whose it is; none: the platform's.
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// Its currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    fn subject(&self) -> Uuid {
        self.subject
    }
}

/// A UUIDv8 out of the digest of a text.
pub(crate) fn uuid_of(text: &str) -> Uuid {
    let digest = Digest::of(text.as_bytes()).0;
    let mut half = [0_u8; 16];
    half.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(half).into_uuid()
}

/// The figures of an account, in minor units. None is ever negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Reserved on the debit side.
    pub pending_debits: i64,
    /// Posted debits.
    pub posted_debits: i64,
    /// Expected on the credit side.
    pub pending_credits: i64,
    /// Posted credits.
    pub posted_credits: i64,
}

impl Figures {
    /// What is there by posted entries, positive on the side on which the account grows.
    pub fn posted(&self, side: Side) -> i64 {
        let credit = i128::from(self.posted_credits) - i128::from(self.posted_debits);
        narrow(match side {
            Side::Liability | Side::Income => credit,
            Side::Asset | Side::Expense => -credit,
        })
    }

    /// What may still be taken: posted, less what is reserved. Money that is only expected does not count.
    pub fn available(&self, side: Side) -> i64 {
        let reserved = match side {
            Side::Liability | Side::Income => self.pending_debits,
            Side::Asset | Side::Expense => self.pending_credits,
        };
        narrow(i128::from(self.posted(side)) - i128::from(reserved))
    }
}

/// A difference of two non-negative `i64`, less a third: outside of `i64` only for figures that
/// [`crate::apply`] refuses to write.
fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

/// An account with its figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// Whose; none: the platform's.
    pub tenant: Option<TenantId>,
    /// Its place in the chart.
    pub chart: Chart,
    /// The developer, else the tenant, else nil.
    pub subject: Uuid,
    /// Its currency.
    pub currency: Currency,
    /// Its figures; those of an unbounded account are summed.
    pub figures: Figures,
    /// How often its balance was written; 0 for an unbounded account.
    pub version: i64,
}

impl Account {
    /// What may still be taken.
    pub fn available(&self) -> i64 {
        self.figures.available(self.chart.side())
    }

    /// What is posted.
    pub fn posted(&self) -> i64 {
        self.figures.posted(self.chart.side())
    }
}

/// Makes accounts where they are missing; opening an open one changes nothing. A tenant may open its own
/// and the platform's.
pub async fn open(cx: &mut Cx, keys: &[Key]) -> Result<()> {
    if let Scope::Tenant(own) = cx.scope()
        && keys.iter().any(|key| key.tenant.is_some_and(|tenant| tenant != own))
    {
        return Err(Error::not_found("account"));
    }
    store::open(cx, keys).await
}

/// Makes every account of the platform in a currency.
pub async fn open_platform(cx: &mut Cx, currency: Currency) -> Result<()> {
    let keys: Vec<Key> = Chart::ALL
        .into_iter()
        .filter(|chart| !chart.is_bounded())
        .map(|chart| Key::platform(chart, currency))
        .collect::<Result<_>>()?;
    store::open(cx, &keys).await
}

/// The accounts that the caller sees: its own, or all for the system. At most `limit`, in the order of
/// the chart and their ids, after `after`.
pub async fn list(cx: &mut Cx, after: Option<AccountId>, limit: i64) -> Result<Vec<Account>> {
    store::list(cx, after, limit.clamp(1, 1_000)).await
}

/// The currencies of the accounts that the caller sees.
pub async fn currencies(cx: &mut Cx) -> Result<Vec<Currency>> {
    store::currencies(cx).await
}

/// Accounts of one kind, in one currency, or both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Which {
    /// Only of this place in the chart.
    pub chart: Option<Chart>,
    /// Only in this currency.
    pub currency: Option<Currency>,
}

/// Accounts that the caller sees, in the order of the chart and their ids, after `after`; at most `limit`.
pub async fn some(cx: &mut Cx, which: Which, after: Option<AccountId>, limit: i64) -> Result<Vec<Account>> {
    store::some(cx, which, after, limit.clamp(1, 1_000)).await
}

/// One account that the caller sees.
pub async fn find(cx: &mut Cx, id: AccountId) -> Result<Account> {
    store::find(cx, id).await?.ok_or_else(|| Error::not_found("account"))
}
