//! A twin of an x402 world: a network with token balances, a facilitator that settles on it, and a
//! shop that sells resources for tokens.
//!
//! | call | is |
//! |---|---|
//! | `GET /supported`, `POST /verify`, `POST /settle` | the facilitator |
//! | `POST /rpc` | the network, in Ethereum's JSON-RPC: `eth_chainId`, `eth_call` of `balanceOf` and `authorizationState`, and the logs of transfers |
//! | `GET /shop/{name}` | a resource that costs what it was priced at |
//! | `POST /_twin/mint {"address","amount"}` | gives a wallet tokens |
//! | `POST /_twin/price {"name","amount","required"}` | prices a resource; `required` insists on a payment identifier |
//!
//! There is one token, with the domain of USDC on Base Sepolia.

mod shop;
mod table;

use super::control::{Desk, FaultKind, locked};
use super::{RailTwin, seconds};
use ::x402::contract::{Question, transfer_topic, used_topic};
use ::x402::exact::SCHEME;
use ::x402::wire::{FacilitatorRequest, Kind, Supported};
use ::x402::{Address, Network, Reason, SettleResponse, Uint, VERSION, VerifyResponse, Word};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base::{Clock, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use table::Table;

/// The chain, Base Sepolia.
pub const CHAIN: u64 = 84_532;
/// The token's contract.
pub const ASSET: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
/// The token's name and version for signatures.
pub const DOMAIN: (&str, &str) = ("USDC", "2");
/// Who sells.
pub const SELLER: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

pub(super) struct Shared {
    desk: Arc<Desk>,
    table: Mutex<Table>,
    shop: Mutex<shop::Shop>,
}

impl Shared {
    fn now_s(&self) -> u64 {
        u64::try_from(seconds(self.desk.clock.as_ref())).unwrap_or(0)
    }
}

/// Listens on a loopback address.
///
/// # Errors
/// Invalid when the address is not loopback; unavailable when the port is taken.
pub async fn start(at: SocketAddr, clock: Arc<dyn Clock>) -> Result<RailTwin> {
    let desk = Desk::new("an x402 network, facilitator and shop", clock, &["amount"], &["network"]);
    let shared = Arc::new(Shared { desk: desk.clone(), table: Mutex::default(), shop: Mutex::default() });
    let app = Router::new()
        .route("/supported", get(supported))
        .route("/verify", post(verify))
        .route("/settle", post(settle))
        .route("/rpc", post(rpc))
        .route("/shop/{name}", get(shop::sell))
        .route("/_twin/mint", post(mint))
        .route("/_twin/price", post(shop::price))
        .with_state(shared);
    RailTwin::serve(at, desk, app).await
}

async fn supported() -> Json<Supported> {
    let kind =
        Kind { x402_version: VERSION, scheme: SCHEME.to_owned(), network: Network::evm(CHAIN), extra: None };
    Json(Supported {
        kinds: vec![kind],
        extensions: vec![::x402::identifier::NAME.to_owned()],
        signers: Map::new(),
    })
}

async fn verify(
    State(shared): State<Arc<Shared>>,
    Json(asked): Json<FacilitatorRequest>,
) -> Json<VerifyResponse> {
    let checked =
        locked(&shared.table).check(&asked.payment_payload, &asked.payment_requirements, shared.now_s());
    let payer = payer(&asked);
    Json(match checked {
        Ok(claim) => {
            VerifyResponse { is_valid: true, invalid_reason: None, payer: Some(claim.from.to_string()) }
        }
        Err(reason) => VerifyResponse { is_valid: false, invalid_reason: Some(reason.to_string()), payer },
    })
}

fn payer(asked: &FacilitatorRequest) -> Option<String> {
    asked.payment_payload.payload["authorization"]["from"].as_str().map(str::to_owned)
}

async fn settle(
    State(shared): State<Arc<Shared>>,
    fault: Option<Extension<FaultKind>>,
    Json(asked): Json<FacilitatorRequest>,
) -> Json<SettleResponse> {
    let settled = shared.settle(&asked);
    Json(spoiled(settled, fault.map(|Extension(kind)| kind)))
}

/// Another amount than moved, where that was ordered.
fn spoiled(mut settled: SettleResponse, fault: Option<FaultKind>) -> SettleResponse {
    if fault == Some(FaultKind::WrongAmount) {
        settled.amount = settled.amount.and_then(Uint::to_u128).map(|units| Uint::from(units + 1));
    }
    settled
}

impl Shared {
    /// Moves the tokens, once for each authorization.
    pub(super) fn settle(&self, asked: &FacilitatorRequest) -> SettleResponse {
        let settled =
            locked(&self.table).settle(&asked.payment_payload, &asked.payment_requirements, self.now_s());
        let network = asked.payment_requirements.network.clone();
        match settled {
            Ok((claim, transaction)) => {
                self.desk.effect();
                SettleResponse {
                    success: true,
                    error_reason: None,
                    payer: Some(claim.from.to_string()),
                    transaction: transaction.to_string(),
                    network,
                    amount: Some(claim.value),
                }
            }
            Err(reason) => SettleResponse {
                success: false,
                error_reason: Some(reason.to_string()),
                payer: payer(asked),
                transaction: String::new(),
                network,
                amount: None,
            },
        }
    }
}

#[derive(Deserialize)]
struct Mint {
    address: Address,
    amount: Uint,
}

async fn mint(State(shared): State<Arc<Shared>>, Json(mint): Json<Mint>) -> StatusCode {
    locked(&shared.table).mint(mint.address, mint.amount);
    StatusCode::NO_CONTENT
}

async fn rpc(State(shared): State<Arc<Shared>>, Json(call): Json<Value>) -> Json<Value> {
    let first = &call["params"][0];
    let answer = match call["method"].as_str() {
        Some("eth_chainId") => Ok(json!(format!("0x{CHAIN:x}"))),
        Some("eth_blockNumber") => Ok(json!("0x10")),
        Some("eth_call") => read_contract(&shared, first).map(Value::from),
        Some("eth_getLogs") => Ok(logs(&shared, first)),
        Some("eth_getTransactionReceipt") => Ok(receipt(&shared, first)),
        Some(other) => Err(format!("the method {other} does not exist")),
        None => Err("no method".to_owned()),
    };
    Json(match answer {
        Ok(result) => json!({"jsonrpc": "2.0", "id": call["id"], "result": result}),
        Err(message) => {
            json!({"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": message}})
        }
    })
}

/// The two reading functions of the token.
fn read_contract(shared: &Shared, call: &Value) -> std::result::Result<String, String> {
    if call["to"].as_str().and_then(|to| to.parse::<Address>().ok()) != ASSET.parse().ok() {
        return Ok("0x".to_owned());
    }
    let (_, question) = Question::read(call).ok_or_else(|| "execution reverted".to_owned())?;
    let table = locked(&shared.table);
    Ok(match question {
        Question::Balance { of } => format!("0x{}", hex::encode(table.balance(of).to_be_bytes())),
        Question::Used { from, nonce } => format!("0x{:064x}", u8::from(table.is_used(from, nonce.0))),
    })
}

/// The log that an authorization was taken, for a filter that names its payer and its name.
fn logs(shared: &Shared, filter: &Value) -> Value {
    let topic = |index: usize| filter["topics"][index].as_str().and_then(|text| text.parse::<Word>().ok());
    let (Some(kind), Some(from), Some(nonce)) = (topic(0), topic(1), topic(2)) else { return json!([]) };
    let mut wallet = [0; 20];
    wallet.copy_from_slice(&from.0[12..]);
    let found = locked(&shared.table).transaction_of(Address(wallet), nonce.0);
    match found {
        Some(transaction) if kind == used_topic() => {
            json!([{"address": ASSET, "topics": [kind, from, nonce], "data": "0x", "transactionHash": transaction}])
        }
        Some(_) | None => json!([]),
    }
}

fn receipt(shared: &Shared, transaction: &Value) -> Value {
    let word = transaction.as_str().and_then(|text| text.parse::<Word>().ok());
    let Some((word, claim)) = word.and_then(|w| locked(&shared.table).moved_by(w).map(|c| (w, c))) else {
        return Value::Null;
    };
    let units = format!("0x{}", hex::encode(claim.value.to_be_bytes()));
    json!({"transactionHash": word, "status": "0x1", "logs": [
        {"address": ASSET, "topics": [used_topic(), Word(claim.from.word()), claim.nonce], "data": "0x"},
        {"address": ASSET, "topics": [transfer_topic(), Word(claim.from.word()), Word(claim.to.word())], "data": units},
    ]})
}

/// Why the seller does not deliver.
fn words(reason: &Reason) -> String {
    reason.to_string()
}
