//! A client's credits, as look-ups take them: one for each lead that is enriched; and what outreach holds of what
//! its plan limits.

use base::Result;
use billing::credit::{self, Ask, ReservationId};
use billing::limit::{Held, Later};
use db::Cx;
use enrich::{BoxFuture, Credits};
use leads::lead::LeadId;
use uuid::Uuid;

/// Credits of the client's plan.
pub struct OfPlan;

impl Credits for OfPlan {
    fn reserve<'a>(&'a self, cx: &'a mut Cx, run: Uuid, lead: LeadId) -> BoxFuture<'a, Result<Uuid>> {
        Box::pin(async move {
            let ask = Ask {
                credits: 1,
                key: format!("enrich:{run}:{lead}"),
                purpose: "enrich.lead".to_owned(),
                subject: Some(lead.uuid()),
            };
            Ok(credit::reserve(cx, &ask).await?.uuid())
        })
    }

    fn settle<'a>(&'a self, cx: &'a mut Cx, reservation: Uuid) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { credit::settle(cx, ReservationId(reservation), 1).await })
    }

    fn release<'a>(&'a self, cx: &'a mut Cx, reservation: Uuid) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { credit::release(cx, ReservationId(reservation)).await })
    }
}

/// What a client holds of what its plan limits.
pub fn held(cx: &mut Cx) -> Later<'_, Held> {
    Box::pin(async move {
        Ok(Held {
            campaigns: outreach::campaign::active(cx).await?,
            linkedin_seats: outreach::resource::linkedin_seats(cx).await?,
        })
    })
}
