//! A twin of an x402 world: a network with token balances, a facilitator that settles on it, and a
//! shop that sells resources for tokens.
//!
//! | call | is |
//! |---|---|
//! | `GET /supported`, `POST /verify`, `POST /settle` | the facilitator |
//! | `POST /rpc` | the network, in Ethereum's JSON-RPC: `eth_chainId`, `eth_call` of `balanceOf` and `authorizationState` |
//! | `GET /shop/{name}` | a resource that costs what it was priced at |
//! | `POST /_twin/mint {"address","amount"}` | gives a wallet tokens |
//! | `POST /_twin/price {"name","amount","required"}` | prices a resource; `required` insists on a payment identifier |
//!
//! There is one token, with the domain of USDC on Base Sepolia.

mod shop;
mod table;

use super::control::{Desk, FaultKind, locked};
use super::{RailTwin, seconds};
use ::x402::exact::SCHEME;
use ::x402::wire::{FacilitatorRequest, Kind, Supported};
use ::x402::{Address, Network, Reason, SettleResponse, Uint, VERSION, VerifyResponse, keccak256};
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
    let answer = match call["method"].as_str() {
        Some("eth_chainId") => Ok(format!("0x{CHAIN:x}")),
        Some("eth_call") => read_contract(&shared, &call["params"][0]),
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
    let reverted = || "execution reverted".to_owned();
    if call["to"].as_str().and_then(|to| to.parse::<Address>().ok()) != ASSET.parse().ok() {
        return Ok("0x".to_owned());
    }
    let data = call["data"]
        .as_str()
        .and_then(|data| hex::decode(data.trim_start_matches("0x")).ok())
        .ok_or_else(reverted)?;
    let (selector, words) = data.split_at_checked(4).ok_or_else(reverted)?;
    let word =
        |index: usize| words.get(index * 32..(index + 1) * 32).and_then(|w| <[u8; 32]>::try_from(w).ok());
    let is = |signature: &str| keccak256(signature.as_bytes()).get(..4) == Some(selector);
    let mut wallet = [0; 20];
    wallet.copy_from_slice(word(0).ok_or_else(reverted)?.get(12..).ok_or_else(reverted)?);
    let table = locked(&shared.table);
    if is("balanceOf(address)") {
        return Ok(format!("0x{}", hex::encode(table.balance(Address(wallet)).to_be_bytes())));
    }
    if is("authorizationState(address,bytes32)") {
        let used = table.is_used(Address(wallet), word(1).ok_or_else(reverted)?);
        return Ok(format!("0x{:064x}", u8::from(used)));
    }
    Err(reverted())
}

/// Why the seller does not deliver.
fn words(reason: &Reason) -> String {
    reason.to_string()
}
