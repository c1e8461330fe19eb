//! `agency work`: workers.

use super::attached;
use crate::{
    roles::{self, House, Running},
    settings::Settings,
    term, wire,
};
use base::Result;
use std::process::ExitCode;

pub(super) async fn run(settings: Settings) -> Result<ExitCode> {
    let house = House::open(&attached(settings)?).await?;
    let mut modules = wire::modules(&house)?;
    let registry = roles::registry(&house, &mut modules).await?;
    let mut running = Running::new(roles::shutdown_signal()?);
    running.work(&house, registry);
    running.watch(&house);
    term::line(format!("Working, {} jobs at once", house.settings.work.concurrency));
    let result = running.ended().await;
    house.db.close().await;
    result.map(|()| ExitCode::SUCCESS)
}
