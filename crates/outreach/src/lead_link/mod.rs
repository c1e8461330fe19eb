//! What outreach adds to the pages of leads, which know nothing of campaigns: the timeline on a
//! lead's page, the campaigns that an import can feed, and joining a campaign from the list.

pub mod join;
mod timeline;

use leads::{BulkAct, Extras};

/// The additions, for the binary to hand to `leads`.
pub fn extras() -> Extras {
    Extras {
        bulk: vec![BulkAct { label: "Add to campaign…", href: "/campaigns/join" }],
        detail: Some(|cx, lead| Box::pin(timeline::of_lead(cx, lead))),
        campaigns: Some(|cx| Box::pin(join::open_campaigns(cx))),
    }
}
