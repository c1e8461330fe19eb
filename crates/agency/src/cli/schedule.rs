//! `agency schedule`: the scheduler and the audit sealer. Any number may run; they share the work.

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
    roles::registry(&house, &mut modules).await?;
    let mut running = Running::new(roles::shutdown_signal()?);
    running.schedule(&house);
    running.watch(&house);
    term::line("Scheduling");
    let result = running.ended().await;
    house.db.close().await;
    result.map(|()| ExitCode::SUCCESS)
}
