//! The most memory that a process held at once, as Linux counts it.

use base::{Error, Result};

/// Of this process, in megabytes: with the load that it makes.
pub(super) fn own_peak_mb() -> Result<f64> {
    peak_mb("self")
}

/// Of a process that still runs, in megabytes.
pub(super) fn peak_mb(process: &str) -> Result<f64> {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&path).map_err(|cause| {
        Error::unavailable(
            "bench.memory",
            format!("{path} cannot be read: memory is measured on Linux only."),
        )
        .caused_by(cause)
    })?;
    let kb =
        text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    kb.map(|kb: f64| kb / 1_024.0)
        .ok_or_else(|| Error::internal(format!("{path} does not say how much memory was held at most.")))
}
