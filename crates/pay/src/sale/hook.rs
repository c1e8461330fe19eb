//! `GET /x402/r/{id}`: what a tenant sells, for whoever pays. Without a payment it answers 402 and says how
//! to pay; with one it delivers.

use super::offer::{ask, document, put, with_settlement};
use super::present::{self, Offer, Unreadable};
use super::sell::{Counter, Told};
use super::{Output, Sale, Shop};
use crate::facilitator::hook::marked;
use crate::resource::{self, ResourceId};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{Actor, Error, Random, Result, Time};
use std::sync::Arc;
use web::Open;
use x402::mpp::{self, Problem, Receipt, charge};
use x402::{Reason, SettleResponse, header as names};

const PROBLEM: &str = "urn:agency-os:problem:";

/// Everything that an answer needs besides what happened.
struct Till {
    counter: Counter,
    offer: Offer,
    random: Arc<Random>,
    now: Time,
}

/// `GET /x402/r/{id}`
pub(crate) async fn sell(
    open: Open,
    id: ResourceId,
    headers: HeaderMap,
    shop: Shop,
) -> web::Result<Response> {
    let mut cx = open.system("x402").await?;
    let tenant = resource::seller(&mut cx, id).await?.ok_or_else(|| Error::not_found("paid resource"))?;
    drop(cx);
    let db = open.app().db().clone();
    let by = open.tenant(tenant, Actor::system("x402")).await?.caller().clone();
    let (now, random) = (db.clock().now(), db.random().clone());
    let counter = Counter { shop, db, tenant, by, resource: id };
    let offer = counter.offer().await?;
    let till = Till { counter, offer, random, now };
    let response = match present::read(&headers, &till.counter.shop, &till.offer, now).await? {
        None => till.ask(Problem::PaymentRequired, "payment_required", "Pay to get it.").await?,
        Some(Err(Unreadable::Malformed(reason))) => malformed(&reason),
        Some(Err(Unreadable::Problem(problem))) => {
            till.ask(problem, "payment_refused", "The credential is not good for this.").await?
        }
        Some(Ok(presented)) => {
            // Apart from the request: a buyer who hangs up stops nothing that was begun.
            let carried = tokio::spawn(async move {
                let told = till.counter.sell(&presented, &till.offer).await;
                (till, told)
            });
            let (till, told) = carried
                .await
                .map_err(|cause| Error::internal("A sale ended in a defect.").caused_by(cause))?;
            return Ok(marked(till.answer(told?).await?, &*till.counter.shop.facilitator));
        }
    };
    Ok(marked(response, &*till.counter.shop.facilitator))
}

fn malformed(reason: &Reason) -> Response {
    let detail = "The payment is not of the form of x402 version 2.";
    document(StatusCode::BAD_REQUEST, &format!("{PROBLEM}x402.malformed"), reason.as_str(), detail)
}

impl Till {
    async fn ask(&self, problem: Problem, code: &str, detail: &str) -> Result<Response> {
        let at = (self.now, &*self.random);
        ask(&self.counter.shop, &self.offer, at, problem, (code, detail)).await
    }

    async fn answer(&self, told: Told) -> Result<Response> {
        match told {
            Told::Delivered(sale, output) => delivered(&sale, output, self.now),
            Told::Unpaid(reason, settled) => {
                let problem = present::problem_of(&reason);
                let response = self
                    .ask(problem, reason.as_str(), "The payment was not taken; nothing was charged.")
                    .await?;
                match settled {
                    Some(settled) => with_settlement(response, &settled),
                    None => Ok(response),
                }
            }
            Told::NameNeeded => Ok(document(
                StatusCode::BAD_REQUEST,
                &format!("{PROBLEM}payment_identifier_required"),
                "payment_identifier_required",
                "Name the payment: this resource asks for the extension payment-identifier.",
            )),
            Told::NameTaken => Ok(document(
                StatusCode::CONFLICT,
                &format!("{PROBLEM}payment_identifier_conflict"),
                "payment_identifier_conflict",
                "This payment-identifier stands for another payment. Choose a fresh one.",
            )),
            Told::Wait(sale) => {
                let detail = "The payment is being carried out or looked up. Send the same request again.";
                let code = Reason::SettlementPending.to_string();
                let response =
                    document(StatusCode::SERVICE_UNAVAILABLE, &format!("{PROBLEM}{code}"), &code, detail);
                with_settlement(again(response), &settlement(&sale, false)?)
            }
            Told::Owed(sale) => {
                let detail = "You paid, and what you bought could not be made. The seller owes you the amount: show the transaction.";
                let code = "paid_not_delivered";
                let response =
                    document(StatusCode::INTERNAL_SERVER_ERROR, &format!("{PROBLEM}{code}"), code, detail);
                with_settlement(response, &settlement(&sale, true)?)
            }
            Told::NotCharged(code, detail) => Ok(again(document(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!("{PROBLEM}{code}"),
                code,
                &detail,
            ))),
        }
    }
}

fn again(mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

fn settlement(sale: &Sale, success: bool) -> Result<SettleResponse> {
    let damaged = || Error::internal("The claim of a sale cannot be read.");
    Ok(SettleResponse {
        success,
        error_reason: (!success).then(|| Reason::SettlementPending.to_string()),
        payer: sale.payer.parse::<x402::Address>().ok().map(|payer| payer.to_string()),
        transaction: sale.transaction.clone().unwrap_or_default(),
        network: sale.network.parse().map_err(|_| damaged())?,
        amount: if success { Some(sale.units.parse().map_err(|_| damaged())?) } else { None },
    })
}

fn delivered(sale: &Sale, output: Output, now: Time) -> Result<Response> {
    let mut response = (StatusCode::OK, output.body).into_response();
    put(&mut response, "content-type", &output.content_type);
    let receipt = Receipt {
        status: "success".to_owned(),
        method: charge::METHOD.to_owned(),
        timestamp: now.to_string(),
        reference: sale.transaction.clone().unwrap_or_default(),
    };
    put(&mut response, mpp::RECEIPT, &receipt.to_header()?);
    put(&mut response, names::PAYMENT_RESPONSE, &names::encode(&settlement(sale, true)?)?);
    Ok(response)
}
