//! The machine: folders, disk, ports, PostgreSQL's programs.

use super::Finding;
use crate::{
    cluster::{Place, binaries, owner},
    roles,
    settings::Settings,
};
use std::{net::SocketAddr, path::Path, process::Command};

/// Less free space than this makes trouble soon.
const DISK_MB_WARN: u64 = 2_000;
/// With less than this PostgreSQL may stop at any moment.
const DISK_MB_FAIL: u64 = 200;

pub(super) fn state(settings: &Settings) -> Finding {
    let folder = &settings.state_dir;
    if !folder.exists() {
        return Finding::ok("state", format!("{} is made at the first start", folder.display()));
    }
    let probe = folder.join(format!("doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Finding::ok("state", format!("{} can be written", folder.display())),
        Err(cause) => Finding::fail(
            "state",
            format!("{} cannot be written: {cause}", folder.display()),
            "Give the folder to the user that runs agency, or choose another one with AGENCY_STATE.",
        ),
    }
}

/// Free space where the state folder is, by `df`: the standard library does not tell.
pub(super) fn disk(settings: &Settings) -> Finding {
    let folder = settings.state_dir.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let free_mb = Command::new("df")
        .args(["-Pk", "--"])
        .arg(folder)
        .output()
        .ok()
        .and_then(|output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
        })
        .map(|kb| kb / 1_024);
    let fix = "Free some space, or move the state folder (AGENCY_STATE) to a larger disk.";
    match free_mb {
        None => Finding::warn("disk", "free space cannot be read (`df` gave nothing)", "Check it by hand."),
        Some(mb) if mb < DISK_MB_FAIL => {
            Finding::fail("disk", format!("only {mb} MB free at {}", folder.display()), fix)
        }
        Some(mb) if mb < DISK_MB_WARN => {
            Finding::warn("disk", format!("{mb} MB free at {}", folder.display()), fix)
        }
        Some(mb) => Finding::ok("disk", format!("{mb} MB free")),
    }
}

pub(super) async fn port(settings: &Settings) -> Finding {
    match roles::bind(&settings.web.listen).await {
        Ok(_) => Finding::ok("port", format!("{} is free", settings.web.listen)),
        Err(error) if error.code() == "web.port" => Finding::warn(
            "port",
            format!("{} is in use; fine if that is agency itself", settings.web.listen),
            "Else stop what uses it, or set AGENCY__WEB__LISTEN to another port.",
        ),
        Err(error) => Finding::fail("port", error.message(), "Correct web.listen."),
    }
}

pub(super) async fn sink_ports(settings: &Settings) -> Vec<Finding> {
    if !settings.sink.enabled {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (name, at) in [("sink.smtp", settings.sink.smtp), ("sink.lookup", settings.sink.lookup)] {
        found.push(sink_port(name, at).await);
    }
    found
}

async fn sink_port(name: &'static str, at: SocketAddr) -> Finding {
    if !at.ip().is_loopback() {
        return Finding::fail(
            name,
            format!("{at} is not on this machine"),
            "The sink listens on loopback only: use 127.0.0.1.",
        );
    }
    match tokio::net::TcpListener::bind(at).await {
        Ok(_) => Finding::ok(name, format!("{at} is free")),
        Err(cause) if cause.kind() == std::io::ErrorKind::AddrInUse => Finding::warn(
            name,
            format!("{at} is in use; fine if that is agency itself"),
            "Else choose another port with AGENCY__SINK__SMTP or AGENCY__SINK__LOOKUP.",
        ),
        Err(cause) => Finding::fail(name, format!("{at} cannot be used: {cause}"), "Choose another port."),
    }
}

pub(super) fn binaries(settings: &Settings) -> Finding {
    let user = match owner::needed() {
        Ok(user) => user,
        Err(error) => return Finding::fail("postgresql", error.message(), "Then run `agency doctor` again."),
    };
    let version = Place::of(&settings.state_dir, user).ok().and_then(|place| place.version());
    match binaries::find(version) {
        Ok(found) => {
            Finding::ok("postgresql", format!("version {} in {}", found.version, found.folder.display()))
        }
        Err(error) => Finding::fail("postgresql", "no usable server programs", error.message()),
    }
}
