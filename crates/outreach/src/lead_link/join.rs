//! Leads join campaigns: from the list of leads, and by themselves when an import that names a
//! campaign was scored.

use crate::campaign::{self, AddFilter, CampaignId};
use axum::response::Response;
use base::{Error, Result};
use db::Cx;
use jobs::{Job, Registry, Run};
use leads::lead::Selection;
use maud::html;
use serde::{Deserialize, Serialize};
use ui::prelude::*;
use uuid::Uuid;

/// Leads that join at once at most.
const JOIN_MAX: usize = 10_000;
/// Campaigns offered at most.
const CAMPAIGNS_MAX: i64 = 200;

/// Campaigns that take leads, latest first.
pub async fn open_campaigns(cx: &mut Cx) -> Result<Vec<(Uuid, String)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select id, name from outreach.campaign
         where tenant_id = $1 and deleted_at is null and status <> 'completed' and sequence_id is not null
         order by created_at desc limit $2",
        tenant,
        CAMPAIGNS_MAX
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// `POST /campaigns/join`: the selection of the leads list; asks for the campaign, then adds them.
pub async fn join(
    mut cx: web::Cx,
    axum::Form(form): axum::Form<Vec<(String, String)>>,
) -> web::Result<Response> {
    let selection = Selection::from_form(&form)?;
    let chosen = form.iter().find(|(key, _)| key == "campaign").map(|(_, id)| id.as_str());
    let Some(chosen) = chosen else {
        return ask(cx, &selection).await;
    };
    let campaign: CampaignId =
        chosen.parse().map_err(|_| Error::invalid("campaign.id", "Choose a campaign from the list."))?;
    let lead_ids = selection.ids(&mut cx, JOIN_MAX).await?.into_iter().map(Into::into).collect();
    let joined =
        campaign::add_leads(&mut cx, campaign, &AddFilter { lead_ids, ..AddFilter::default() }).await?;
    cx.commit().await?;
    let notice = match joined {
        0 => {
            "Nobody joined: leads without a score, without an e-mail address or in another campaign stay out."
                .to_owned()
        }
        1 => "1 lead joined.".to_owned(),
        n => format!("{n} leads joined."),
    };
    Ok(web::redirect_with(&format!("/campaigns/{campaign}/leads"), &notice))
}

async fn ask(mut cx: web::Cx, selection: &Selection) -> web::Result<Response> {
    let campaigns = open_campaigns(&mut cx).await?;
    let count = selection.count(&mut cx).await?;
    let choices: Vec<Choice> =
        campaigns.into_iter().map(|(id, name)| Choice::new(id.to_string(), name)).collect();
    let none = choices.is_empty();
    let mut form = Form::post("/campaigns/join", "join")
        .field(Field::select("campaign", "Campaign", choices).required());
    for (name, value) in selection.hidden() {
        form = form.hidden(name, value);
    }
    let body = html! {
        (Heading::new("Add to a campaign").crumb("Leads", "/leads").about(html! { (number::counted(count, "lead", "leads")) " chosen." }))
        @if none {
            (state::empty("No campaign takes leads", "Create a campaign with a sequence first.", Some(Button::link("New campaign", "/campaigns/new").primary())))
        } @else {
            (Card::new("Campaign").padded(form.submit("Add them").cancel("/leads")))
        }
    };
    cx.page("Add to a campaign", body).await
}

/// Puts the leads of a scored import into the campaign that the import named.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinImported {
    import: Uuid,
    campaign: Uuid,
}

impl Job for JoinImported {
    const KIND: &'static str = "outreach.join_imported";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let filter = AddFilter { import_id: Some(self.import), ..AddFilter::default() };
        campaign::add_leads(&mut cx, CampaignId(self.campaign), &filter).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds the kind and its reaction.
pub fn register(registry: &mut Registry) {
    registry.register::<JoinImported>(());
    registry.on_fact::<JoinImported>("leads.import.scored", |fact| {
        let id = |name: &str| fact.payload.get(name)?.as_str()?.parse::<Uuid>().ok();
        Some(JoinImported { import: id("import_id")?, campaign: id("campaign_id")? })
    });
}
