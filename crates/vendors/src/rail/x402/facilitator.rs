//! A facilitator: checks payments and brings them to the network.

use super::super::{Does, Line, read, secure};
use super::rejected;
use crate::http;
use ::x402::wire::{FacilitatorRequest, Supported};
use ::x402::{SettleResponse, VerifyResponse};
use ports::rail::RailError;
use serde::de::DeserializeOwned;
use url::Url;

/// A facilitator's address, and how to call it.
pub struct Facilitator {
    line: Line,
    url: Url,
}

impl Facilitator {
    /// The facilitator below `url`.
    ///
    /// # Errors
    /// Rejected unless the address is encrypted or on this machine.
    pub fn at(line: &Line, url: &Url) -> Result<Self, RailError> {
        secure(url)?;
        Ok(Self { line: line.clone(), url: url.clone() })
    }

    fn path(&self, name: &str) -> Result<Url, RailError> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| rejected("facilitator_address", "The facilitator's address cannot have a path."))?
            .pop_if_empty()
            .push(name);
        Ok(url)
    }

    /// What it settles.
    ///
    /// # Errors
    /// Not started when it does not answer.
    pub async fn supported(&self) -> Result<Supported, RailError> {
        let url = self.path("supported")?;
        let reply = self.line.call(Does::Read, &url, || self.line.http.get(url.clone())).await?;
        read(Does::Read, &url, &reply.body)
    }

    /// Whether a payment would be settled now. Moves nothing.
    ///
    /// # Errors
    /// Not started when it does not answer; rejected when it finds the request malformed.
    pub async fn verify(&self, request: &FacilitatorRequest) -> Result<VerifyResponse, RailError> {
        self.post("verify", request, Does::Read).await
    }

    /// Settles a payment. Sent once: a second try could only be told that the first one worked, so
    /// that a lost answer is looked up on the network.
    ///
    /// # Errors
    /// Unknown when the answer was lost: the money may have moved.
    pub async fn settle(&self, request: &FacilitatorRequest) -> Result<SettleResponse, RailError> {
        self.post("settle", request, Does::Move).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        name: &str,
        request: &FacilitatorRequest,
        does: Does,
    ) -> Result<T, RailError> {
        let url = self.path(name)?;
        let body = serde_json::to_vec(request).map_err(|cause| rejected("json", &cause.to_string()))?;
        let send =
            || self.line.http.post(url.clone()).header("content-type", "application/json").body(body.clone());
        let (status, body) = match does {
            Does::Read => {
                let reply = self.line.call(does, &url, send).await?;
                (reply.status, reply.body)
            }
            Does::Move => {
                let host = http::host_of(&url);
                match http::exchange(send()).await {
                    Ok((status, _, _)) if status.is_server_error() => {
                        let detail = status.to_string();
                        return Err(RailError::Unknown { host, detail, provider_ref: None });
                    }
                    Ok((status, _, body)) => (status, body),
                    Err(http::Failure::NotConnected(detail)) => {
                        return Err(RailError::NotStarted { host, detail });
                    }
                    Err(http::Failure::Lost(detail)) => {
                        return Err(RailError::Unknown { host, detail, provider_ref: None });
                    }
                    Err(http::Failure::Status { status, .. }) => {
                        let detail = status.to_string();
                        return Err(RailError::Unknown { host, detail, provider_ref: None });
                    }
                }
            }
        };
        // A refusal may come with 4xx and still be an answer of the form.
        match serde_json::from_slice(&body) {
            Ok(answer) => Ok(answer),
            Err(_) if !status.is_success() => {
                Err(rejected(&status.as_u16().to_string(), &http::excerpt(&body)))
            }
            Err(_) => read(does, &url, &body),
        }
    }
}
