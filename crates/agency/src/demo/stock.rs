//! The leads of a client: its list goes the way of any upload.

use super::{clients::CLIENTS, people, setup::Ready, stage::Stage};
use base::{Error, Random, Result};
use intake::{
    Options, Upload,
    import::{self, ImportId, Setup},
};
use jobs::simulate;
use leads::{
    Country,
    lead::Consent,
    score::{Target, set_target},
};
use std::io::Cursor;

/// Virtual seconds in which a list is taken in, scored and joined to its campaign; it takes none.
const TAKING_IN_S: i64 = 60;

/// Says whom the client wants, brings its list of `count` prospects in, as a person would, and begins
/// the campaign.
pub(super) async fn bring(stage: &Stage, client: &Ready, number: usize, count: usize) -> Result<()> {
    let mut cx = client.cx(stage).await?;
    set_target(&mut cx, &Target { industries: industries(number), headcount_max: 120, ..Target::default() })
        .await?;
    cx.commit().await?;
    let seed =
        u64::try_from(number).map_or(stage.seed, |number| stage.seed.wrapping_mul(31).wrapping_add(number));
    let csv = people::list(&Random::seeded(seed), number, count, client.spec.trades);
    upload(stage, client, csv).await?;
    let until = stage.house.db.clock().now().plus_s(TAKING_IN_S);
    simulate::run_until(&stage.house.db, &stage.registry, &stage.clock, until, |_| true).await?;
    let mut cx = client.cx(stage).await?;
    outreach::campaign::activate(&mut cx, client.campaign).await?;
    cx.commit().await
}

/// The trades that a client goes for, in the words of its ideal customer.
fn industries(client: usize) -> Vec<String> {
    let trades = CLIENTS.get(client).map_or(&[][..], |client| client.trades);
    trades
        .iter()
        .filter_map(|trade| people::TRADES.get(*trade))
        .map(|trade| trade.industry.to_owned())
        .collect()
}

async fn upload(stage: &Stage, client: &Ready, csv: String) -> Result<()> {
    let mut cx = client.cx(stage).await?;
    let id: ImportId = cx.id();
    let folder = stage.house.settings.state_dir.join("imports");
    let kept =
        std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(id.to_string()), &csv));
    kept.map_err(|cause| {
        Error::unavailable("demo.list", format!("The list cannot be written to {}.", folder.display()))
            .caused_by(cause)
    })?;
    let bytes = i64::try_from(csv.len()).unwrap_or(i64::MAX);
    let options = Options { country: Some(Country::AU) };
    let mut upload = Upload::open(Cursor::new(csv.into_bytes()))?;
    let preview = upload.preview(None, options)?;
    let headers = upload.headers_under(&preview.mapping)?;
    let name = format!("{} prospects.csv", client.spec.name);
    import::receive(&mut cx, id, &name, bytes, &preview.encoding, preview.rows, &headers).await?;
    let setup = Setup {
        mapping: &preview.mapping,
        headers: &headers,
        rows: preview.rows,
        country: Country::AU,
        consent: Some((
            Consent::InferredPublished,
            "Their own websites, where they publish it for such offers",
        )),
        campaign: Some(client.campaign.uuid()),
    };
    import::configure(&mut cx, id, &setup).await?;
    import::start(&mut cx, id).await?;
    cx.commit().await
}
