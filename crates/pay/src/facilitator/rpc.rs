//! The simulated network as wallets ask it: the reading part of Ethereum's JSON-RPC.

use super::store;
use base::Result;
use db::Cx;
use serde_json::{Value, json};
use x402::contract::Question;
use x402::exact::Claim;
use x402::{Network, Uint};

/// Answers one call.
pub(super) async fn answer(cx: &mut Cx, chain: u64, call: &Value) -> Result<Value> {
    let id = call.get("id").cloned().unwrap_or(Value::Null);
    let refused = |code: i64, message: &str| json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
    let result = match call.get("method").and_then(Value::as_str) {
        Some("eth_chainId") => format!("0x{chain:x}"),
        Some("eth_call") => match read(cx, chain, call).await? {
            Some(word) => word,
            None => return Ok(refused(3, "execution reverted: the sandbox has no such token or function")),
        },
        Some(other) => {
            return Ok(refused(-32601, &format!("the sandbox has no method {other}")));
        }
        None => return Ok(refused(-32600, "a call of JSON-RPC names its method")),
    };
    Ok(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

async fn read(cx: &mut Cx, chain: u64, call: &Value) -> Result<Option<String>> {
    let first = call.get("params").and_then(|params| params.get(0));
    let Some((asset, question)) = first.and_then(Question::read) else { return Ok(None) };
    let network = Network::evm(chain);
    if store::coin(cx, &network, asset).await?.is_none_or(|coin| !coin.simulated) {
        return Ok(None);
    }
    Ok(Some(match question {
        Question::Balance { of } => {
            let units = store::balance(cx, &network, asset, of).await?;
            format!("0x{}", hex::encode(units.to_be_bytes()))
        }
        Question::Used { from, nonce } => {
            let name =
                Claim { network, asset, from, nonce, to: from, value: Uint::ZERO, valid_before: Uint::ZERO };
            let used = store::taken(cx, &name).await?.is_some();
            format!("0x{:064x}", u8::from(used))
        }
    }))
}
