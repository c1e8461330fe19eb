//! Clients that want things done once: they send a request under one key until it is answered, whatever
//! happens to the servers.

use super::bed::{Bed, Outside, People, RAILS, SHOP_MINOR, ask_twin};
use super::http::{Answer, Ask};
use base::Random;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;
use twins::rail::{Fault, FaultKind};

/// How long a client waits for one answer.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// Tries of a request before a client leaves it for later.
const TRIES: usize = 12;

/// What a client wanted: a call under one key, and its last answer.
#[derive(Clone, Debug)]
pub struct Op {
    pub what: What,
    pub key: String,
    pub path: String,
    pub body: Value,
    pub answer: Option<Answer>,
}

/// A payment that its payer's bank asks back.
#[derive(Clone, Debug)]
pub struct Contested {
    pub payment: String,
    /// Stripe's name of the payment.
    pub intent: String,
    pub minor: i64,
    /// How it ended at Stripe; none: it is open.
    pub won: Option<bool>,
}

impl Contested {
    /// What Stripe calls its state.
    fn status(&self) -> &'static str {
        match self.won {
            None => "needs_response",
            Some(true) => "won",
            Some(false) => "lost",
        }
    }

    /// Stripe opens or ends it, or says once more how it stands, and tells us.
    pub async fn tell(&self, outside: &Outside) {
        let order = json!({"payment_intent": self.intent, "status": self.status()});
        ask_twin(&outside.stripe, "POST", "/_twin/disputes", &[], order).await;
        ask_twin(&outside.stripe, "POST", "/_twin/webhook/flush", &[], Value::Null).await;
    }
}

/// A payment that succeeded and what it took.
#[derive(Clone, Debug)]
struct Paid {
    id: String,
    minor: i64,
    /// Stripe's name of it, as long as nothing of it was given back.
    intent: Option<String>,
}

/// A kind of call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    Intent,
    Mandate,
    Execute,
    Refund,
    Payout,
}

impl What {
    /// Whether the agent asks, or the organisation.
    fn is_agents(self) -> bool {
        matches!(self, Self::Intent | Self::Mandate | Self::Execute)
    }
}

/// What all clients share.
pub struct Office {
    people: People,
    servers: [SocketAddr; 2],
    outside: Arc<Outside>,
    stop: AtomicBool,
    answered: AtomicUsize,
    ops: Mutex<Vec<Op>>,
    contested: Mutex<Vec<Contested>>,
}

pub struct Load {
    office: Arc<Office>,
    clients: JoinSet<()>,
}

impl Load {
    pub fn start(bed: &Bed, seed: u64, clients: usize) -> Self {
        let office = Arc::new(Office {
            people: bed.people.clone(),
            servers: bed.servers,
            outside: bed.outside.clone(),
            stop: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            ops: Mutex::default(),
            contested: Mutex::default(),
        });
        let mut set = JoinSet::new();
        for number in 0..clients {
            let client = Client {
                office: office.clone(),
                random: Random::seeded(seed.wrapping_add(1 + number as u64)),
                number,
                calls: 0,
                paid: Vec::new(),
            };
            set.spawn(client.run());
        }
        Self { office, clients: set }
    }

    pub fn answered(&self) -> usize {
        self.office.answered.load(Ordering::Relaxed)
    }

    /// Lets each client finish what it is at.
    pub async fn stop(mut self) -> (Vec<Op>, Vec<Contested>) {
        self.office.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client ends well");
        }
        let mut ops = self.office.ops.lock().unwrap_or_else(PoisonError::into_inner);
        let mut contested = self.office.contested.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut *ops), std::mem::take(&mut *contested))
    }
}

/// Sends a call once.
pub async fn send(people: &People, to: SocketAddr, op: &Op, patience: Duration) -> Option<Answer> {
    let bearer = format!("Bearer {}", if op.what.is_agents() { &people.agent } else { &people.admin });
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", op.key.as_str()),
    ];
    Ask { method: "POST", path: &op.path, headers: &headers, body: op.body.to_string() }
        .send(to, patience)
        .await
}

/// Whether an answer is the end of asking: not that a server is away or busy.
fn is_final(answer: &Answer) -> bool {
    answer.status < 500 && answer.status != 429 && answer.body["code"] != "idempotency_in_flight"
}

struct Client {
    office: Arc<Office>,
    random: Random,
    number: usize,
    calls: usize,
    paid: Vec<Paid>,
}

impl Client {
    async fn run(mut self) {
        while !self.office.stop.load(Ordering::Relaxed) {
            match self.random.between(0, 12) {
                0..=4 => self.pay().await,
                5..=8 => self.refund().await,
                9 | 10 => self.dispute().await,
                11 => self.verdict().await,
                _ => self.payout().await,
            }
        }
    }

    fn chance(&self, percent: i64) -> bool {
        self.random.between(0, 99) < percent
    }

    /// Lets a call of a rail go wrong soon.
    fn spoil(&self, calls: &[(&str, &str)]) {
        if !self.chance(60) {
            return;
        }
        let kind = match self.random.between(0, 11) {
            0 | 1 => FaultKind::TimeoutAfter,
            2 => FaultKind::TimeoutBefore,
            3..=6 => FaultKind::ServerErrorAfter,
            7 => FaultKind::ServerError,
            8 => FaultKind::RateLimited,
            9 => FaultKind::WrongAmount,
            _ => FaultKind::Slow,
        };
        // The first is the one that moves money: it goes wrong most often.
        let at = if self.chance(70) {
            0
        } else {
            usize::try_from(self.random.between(0, calls.len() as i64 - 1)).expect("small")
        };
        let Some((rail, call)) = calls.get(at) else { return };
        let twin = match *rail {
            "stripe" => &self.office.outside.stripe,
            "cashfree" => &self.office.outside.cashfree,
            "x402" => &self.office.outside.x402,
            _ => return,
        };
        let ms = self.random.between(50, 700).unsigned_abs();
        twin.inject(Fault { kind, on: Some((*call).to_owned()), ms });
    }

    /// Sends until it is answered, now and then from two servers at once; what was answered is kept.
    async fn until_answered(&mut self, what: What, path: String, body: Value) -> Option<Value> {
        self.calls += 1;
        let mut op = Op { what, key: format!("c{}-{}", self.number, self.calls), path, body, answer: None };
        for _ in 0..TRIES {
            let first = usize::from(self.chance(50));
            let [a, b] = [self.office.servers[first], self.office.servers[1 - first]];
            let people = &self.office.people;
            let answer = if self.chance(15) {
                let (one, two) = tokio::join!(send(people, a, &op, PATIENCE), send(people, b, &op, PATIENCE));
                one.filter(is_final).or(two)
            } else {
                send(people, a, &op, PATIENCE).await
            };
            if let Some(answer) = answer.filter(is_final) {
                op.answer = Some(answer);
                break;
            }
            tokio::time::sleep(Duration::from_millis(self.random.between(20, 200).unsigned_abs())).await;
        }
        let body = op.answer.as_ref().filter(|answer| answer.status < 300).map(|answer| answer.body.clone());
        self.office.answered.fetch_add(usize::from(op.answer.is_some()), Ordering::Relaxed);
        self.office.ops.lock().unwrap_or_else(PoisonError::into_inner).push(op);
        body
    }

    async fn pay(&mut self) {
        let at = match self.random.between(0, 9) {
            0 => 0,
            1..=5 => 1,
            6..=7 => 2,
            _ => 3,
        };
        let (rail, currency) = RAILS[at];
        let minor = if rail == "x402" { SHOP_MINOR } else { self.random.between(100, 5_000) };
        let vendor = self.office.people.vendors[at].clone();
        let intent =
            json!({"vendor_id": vendor, "sku": "report", "amount_minor": minor, "currency": currency});
        let Some(intent) =
            self.until_answered(What::Intent, "/api/v1/purchase-intents".to_owned(), intent).await
        else {
            return;
        };
        let mandate = json!({"intent_id": intent["id"], "template": "micro_task"});
        let Some(mandate) = self.until_answered(What::Mandate, "/api/v1/mandates".to_owned(), mandate).await
        else {
            return;
        };
        match rail {
            "stripe" => {
                self.spoil(&[("stripe", "POST /v1/payment_intents"), ("stripe", "GET /v1/payment_intents")])
            }
            "cashfree" => self.spoil(&[
                ("cashfree", "POST /pg/orders/sessions"),
                ("cashfree", "POST /pg/orders"),
                ("cashfree", "GET /pg/orders"),
            ]),
            "x402" => self.spoil(&[("x402", "PAID GET /shop"), ("x402", "GET /shop"), ("x402", "POST /rpc")]),
            _ => {}
        }
        let execute = json!({"mandate_id": mandate["id"]});
        let done = self.until_answered(What::Execute, "/api/v1/execute".to_owned(), execute).await;
        let Some(payment) = done.map(|done| done["payment"].clone()) else { return };
        if payment["status"] == "succeeded" && rail != "x402" {
            let text = |name: &str| payment[name].as_str().unwrap_or_default().to_owned();
            let intent = (rail == "stripe").then(|| text("provider_ref"));
            self.paid.push(Paid { id: text("id"), minor, intent });
        }
    }

    async fn refund(&mut self) {
        if self.paid.is_empty() {
            return self.pay().await;
        }
        let at = usize::try_from(self.random.between(0, self.paid.len() as i64 - 1)).expect("small");
        // What was given back in part is not asked back by a bank here.
        self.paid[at].intent = None;
        let Paid { id: payment, minor: taken, .. } = self.paid[at].clone();
        let minor = self.random.between(1, taken);
        self.spoil(&[
            ("stripe", "POST /v1/refunds"),
            ("stripe", "GET /v1/refunds"),
            ("cashfree", "POST /pg/orders"),
        ]);
        let body = json!({"amount_minor": minor, "reason": "as the load says"});
        self.until_answered(What::Refund, format!("/api/v1/payments/{payment}/refund"), body).await;
    }

    async fn payout(&mut self) {
        self.spoil(&[("stripe", "POST /v1/transfers"), ("stripe", "GET /v1/transfers")]);
        let minor = self.random.between(1_000, 9_000);
        let body =
            json!({"developer_id": self.office.people.vendors[0], "currency": "AUD", "amount_minor": minor});
        self.until_answered(What::Payout, "/api/v1/payouts".to_owned(), body).await;
    }

    /// A payer's bank asks a whole payment back.
    async fn dispute(&mut self) {
        let Some(at) = self.paid.iter().position(|paid| paid.intent.is_some()) else {
            return self.pay().await;
        };
        let Paid { id: payment, minor, intent } = self.paid.swap_remove(at);
        let contested = Contested { payment, intent: intent.unwrap_or_default(), minor, won: None };
        contested.tell(&self.office.outside).await;
        self.office.contested.lock().unwrap_or_else(PoisonError::into_inner).push(contested);
    }

    /// A bank decides about one of them.
    async fn verdict(&mut self) {
        let won = self.chance(50);
        let decided = {
            let mut all = self.office.contested.lock().unwrap_or_else(PoisonError::into_inner);
            let open = all.iter_mut().find(|contested| contested.won.is_none());
            open.map(|contested| {
                contested.won = Some(won);
                contested.clone()
            })
        };
        match decided {
            Some(decided) => decided.tell(&self.office.outside).await,
            None => self.pay().await,
        }
    }
}
