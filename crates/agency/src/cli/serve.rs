//! `agency serve`: pages, API and hooks, and the mail sink of the installation where that is enabled.

use super::attached;
use crate::{
    roles::{self, House, Running},
    settings::Settings,
    term, wire,
};
use base::Result;
use std::process::ExitCode;

pub(super) async fn run(settings: Settings) -> Result<ExitCode> {
    let listener = roles::bind(&settings.web.listen).await?;
    let house = House::open(&attached(settings)?).await?;
    let mut modules = wire::modules(&house)?;
    // Reactions to facts are rows: a server that publishes needs them as much as a worker.
    roles::registry(&house, &mut modules).await?;
    let mut running = Running::new(roles::shutdown_signal()?);
    running.serve(&house, listener, modules, roles::metrics()?);
    running.watch(&house);
    running.rail_twins(&house);
    running.sink(&house);
    term::line(format!("Serving {}", house.settings.web.origin()));
    let result = running.ended().await;
    house.db.close().await;
    result.map(|()| ExitCode::SUCCESS)
}
