//! A buyer, a developer in another tenant, and the platform's accounts.

use crate::account::{self, Account, Key};
use crate::{AccountId, Act, Chart, Leg, Outcome, Part, Purpose, Step, TransferId, apply};
use base::{Currency, Money, Time};
use db::{Caller, Cx, Scope};
use testkit::{Tenant, TestDb};
use uuid::Uuid;

pub const CURRENCY: Currency = Currency::Usd;

pub fn usd(minor: i64) -> Money {
    Money { minor, currency: CURRENCY }
}

pub struct Bed {
    pub kit: TestDb,
    pub buyer: Tenant,
    pub maker: Tenant,
    pub wallet: AccountId,
    pub trial: AccountId,
    pub developer: AccountId,
}

impl Bed {
    pub async fn new() -> Self {
        let kit = TestDb::new().await;
        let (buyer, maker) = kit.two_tenants().await;
        let keys = [
            Key::wallet(buyer.id, CURRENCY),
            Key::trial(buyer.id, CURRENCY),
            Key::developer(maker.id, maker.id.uuid(), CURRENCY),
        ];
        let mut cx = kit.system().await;
        account::open(&mut cx, &keys).await.expect("opens");
        account::open(&mut cx, &keys).await.expect("opening twice changes nothing");
        account::open_platform(&mut cx, CURRENCY).await.expect("opens");
        cx.commit().await.expect("commits");
        let [wallet, trial, developer] = keys.map(|key| key.id());
        Self { kit, buyer, maker, wallet, trial, developer }
    }

    pub fn id(&self) -> TransferId {
        self.kit.random.id(self.kit.clock.as_ref())
    }

    pub fn now(&self) -> Time {
        self.kit.clock_now()
    }

    pub fn of(&self, chart: Chart) -> AccountId {
        platform(chart)
    }

    pub async fn as_tenant(&self, tenant: &Tenant) -> Cx {
        let caller = Caller::system("test", &self.kit.db);
        self.kit.db.begin(Scope::Tenant(tenant.id), caller).await.expect("begins")
    }

    /// Applies in the scope of the system and commits.
    pub async fn run(&self, steps: &[Step]) -> Vec<Outcome> {
        let mut cx = self.kit.system().await;
        let outcomes = apply(&mut cx, steps).await.expect("applies");
        cx.commit().await.expect("commits");
        outcomes
    }

    pub async fn one(&self, step: Step) -> Outcome {
        self.run(&[step]).await[0]
    }

    pub async fn top_up(&self, minor: i64) {
        let legs = vec![Leg::new(self.of(Chart::PspStripe), self.wallet, usd(minor))];
        let outcome = self.one(Step::new(self.id(), Purpose::TopUp, Act::Transfer { legs })).await;
        assert_eq!(outcome, Outcome::Done);
    }

    pub async fn grant(&self, minor: i64) {
        let legs = vec![Leg::new(self.of(Chart::PromoCredit), self.trial, usd(minor))];
        let outcome = self.one(Step::new(self.id(), Purpose::TrialGrant, Act::Transfer { legs })).await;
        assert_eq!(outcome, Outcome::Done);
    }

    pub fn reserve(&self, minor: i64, ttl_s: i64) -> Step {
        self.reserve_from(&[self.wallet], minor, Some(self.now().plus_s(ttl_s)))
    }

    pub fn reserve_from(&self, from: &[AccountId], minor: i64, expires_at: Option<Time>) -> Step {
        let credit = self.of(Chart::PlatformFee);
        let act = Act::Reserve { from: from.to_vec(), credit, amount: usd(minor), expires_at };
        Step::new(self.id(), Purpose::Charge, act)
    }

    /// Posts to the developer and the platform.
    pub fn post(&self, pending: TransferId, developer: i64, fee: i64) -> Step {
        let shares = [(self.developer, developer), (self.of(Chart::PlatformFee), fee)];
        let parts = shares
            .into_iter()
            .filter(|(_, minor)| *minor != 0)
            .map(|(credit, minor)| Part { credit, minor })
            .collect();
        Step::new(self.id(), Purpose::Charge, Act::Post { pending, parts })
    }

    pub fn void(&self, pending: TransferId) -> Step {
        Step::new(self.id(), Purpose::Charge, Act::Void { pending })
    }

    /// A charge of 80 % to the developer, captured; returns the step that captured it.
    pub async fn charge_from(&self, from: &[AccountId], developer: i64, fee: i64) -> TransferId {
        let reserve = self.reserve_from(from, developer + fee, None);
        let post = self.post(reserve.id, developer, fee);
        let id = post.id;
        assert_eq!(self.run(&[reserve, post]).await, [Outcome::Done, Outcome::Done]);
        id
    }

    pub async fn charge(&self, developer: i64, fee: i64) -> TransferId {
        self.charge_from(&[self.wallet], developer, fee).await
    }

    pub async fn account(&self, id: AccountId) -> Account {
        let mut cx = self.kit.system().await;
        account::find(&mut cx, id).await.expect("there is one")
    }

    pub async fn posted(&self, id: AccountId) -> i64 {
        self.account(id).await.posted()
    }

    pub async fn available(&self, id: AccountId) -> i64 {
        self.account(id).await.available()
    }

    /// Everything that must hold after every step: see L1 and L12.
    pub async fn holds(&self) {
        let mut cx = self.kit.system().await;
        let verdict = crate::verify::verify(&mut cx).await.expect("verifies");
        assert_eq!(verdict.first_bad, None);
        balanced(&mut cx).await;
    }
}

pub fn platform(chart: Chart) -> AccountId {
    Key::platform(chart, CURRENCY).expect("it is the platform's").id()
}

/// In every currency debits equal credits, pending and posted separately, over the accounts.
pub async fn balanced(cx: &mut Cx) {
    let mut sums = std::collections::BTreeMap::<Currency, [i128; 4]>::new();
    for account in account::list(cx, None, 1_000).await.expect("lists") {
        let figures = account.figures;
        let sum = sums.entry(account.currency).or_default();
        let all =
            [figures.pending_debits, figures.pending_credits, figures.posted_debits, figures.posted_credits];
        for (total, figure) in sum.iter_mut().zip(all) {
            *total += i128::from(figure);
        }
    }
    for (currency, [pending_debits, pending_credits, posted_debits, posted_credits]) in sums {
        assert_eq!(pending_debits, pending_credits, "pending {currency:?}");
        assert_eq!(posted_debits, posted_credits, "posted {currency:?}");
    }
}

pub async fn owner(kit: &TestDb) -> sqlx::PgConnection {
    use sqlx::Connection;
    sqlx::PgConnection::connect(kit.url()).await.expect("connects")
}

/// An id for an account that nobody opened.
pub fn nobody() -> AccountId {
    AccountId(Uuid::from_u128(7))
}
