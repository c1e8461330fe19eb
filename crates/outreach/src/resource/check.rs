//! What mailbox providers ask of a sending domain (SPF, DKIM, DMARC, MX), looked up and explained.

use super::{Resource, SINK};
use base::{Result, Time};
use ports::dns::{self, Dmarc, DmarcPolicy, Dns, Qualifier, Spf};
use serde::{Deserialize, Serialize};

/// What was found about a mailbox, as stored with it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Checks {
    /// Each record.
    pub dns: Vec<Found>,
    /// How the last test message went.
    pub sign_in: Option<SignIn>,
    /// Until when it rested last: bounces before do not count against it again.
    pub rested_until: Option<Time>,
    /// Since when the health is critical.
    pub critical_since: Option<Time>,
    /// Messages of the last 30 days, and what came of them.
    pub outcomes: Option<Outcomes>,
}

/// Messages of the last 30 days.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Outcomes {
    /// Sent by this mailbox.
    pub sent: u64,
    /// Of these, not delivered.
    pub bounced: u64,
    /// Of these, reported as spam.
    pub complained: u64,
}

/// How a test of the sign-in went.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SignIn {
    /// Whether the server took the test message.
    pub ok: bool,
    /// The server's words, or what went wrong.
    pub detail: String,
    /// When.
    pub at: Time,
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// SPF, DKIM, DMARC or MX.
    pub what: String,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do; empty when nothing.
    pub todo: String,
}

/// Whether a record is as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, but could protect better.
    Weak,
    /// Mail of this domain is likely refused or filed as spam.
    Bad,
    /// It does not matter for this mailbox or cannot be told.
    Open,
}

impl Found {
    fn new(what: &str, verdict: Verdict, detail: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict, detail: detail.into(), todo: todo.into() }
    }
}

/// Why mail of a mailbox would be refused for its domain's records, if so: SPF, DKIM and DMARC must have been
/// looked up within `days`, and none of them wrong or missing. What never leaves this machine needs none.
pub fn unready(resource: &Resource, days: i64, now: Time) -> Option<String> {
    if resource.channel != crate::channel::Channel::Email
        || resource.provider == SINK
        || resource.settings.is_local()
    {
        return None;
    }
    let domain = resource.domain.as_deref().unwrap_or(&resource.address);
    let fresh =
        resource.checked_at.is_some_and(|at| at.plus_days(days) > now) && !resource.checks.dns.is_empty();
    if !fresh {
        return Some(format!(
            "The records of {domain} were not looked up in the last {days} days. Look them up on the mailbox's page."
        ));
    }
    let wrong: Vec<&str> = ["SPF", "DKIM", "DMARC"]
        .into_iter()
        .filter(|what| {
            let found = resource.checks.dns.iter().find(|found| found.what == *what);
            !found.is_some_and(|found| matches!(found.verdict, Verdict::Good | Verdict::Weak))
        })
        .collect();
    (!wrong.is_empty()).then(|| {
        format!("Mailbox providers refuse mail of {domain}: {} must be put right first.", wrong.join(", "))
    })
}

/// Selectors under which common providers publish DKIM keys, tried when none was entered.
const SELECTORS: [&str; 12] =
    ["google", "selector1", "selector2", "default", "k1", "s1", "s2", "dkim", "mail", "resend", "pm", "fm1"];

/// Looks a mailbox's domain up. Errors: unavailable when the name server gives no answer.
pub async fn look_up(dns: &dyn Dns, resource: &Resource) -> Result<Vec<Found>> {
    if resource.provider == SINK {
        let detail = "Mail to the built-in sink never leaves this machine, so its domain needs no records.";
        return Ok(vec![Found::new("DNS", Verdict::Open, detail, "")]);
    }
    let Some(domain) = resource.domain.as_deref() else {
        return Ok(Vec::new());
    };
    let spf = spf(&dns::spf(dns, domain).await?, domain);
    let dkim = dkim(dns, domain, resource.settings.dkim_selector.as_deref()).await?;
    let dmarc = dmarc(&dns::dmarc(dns, domain).await?, domain);
    let mx = dns.mx(domain).await?;
    let takes_mail = mx.iter().any(|record| !record.host.is_empty());
    let mx = if takes_mail {
        let hosts: Vec<&str> = mx.iter().map(|record| record.host.as_str()).collect();
        Found::new("MX", Verdict::Good, hosts.join(", "), "")
    } else {
        let todo = format!("Publish an MX record for {domain}, or answers and bounces cannot come back.");
        Found::new("MX", Verdict::Bad, "No server takes mail for this domain.", todo)
    };
    Ok(vec![spf, dkim, dmarc, mx])
}

fn spf(found: &Spf, domain: &str) -> Found {
    match found {
        Spf::Missing => {
            let todo = format!(
                "Publish a TXT record at {domain} that begins with v=spf1, names your mail provider and ends with ~all."
            );
            Found::new("SPF", Verdict::Bad, "No record.", todo)
        }
        Spf::Several => Found::new(
            "SPF",
            Verdict::Bad,
            "More than one record; receivers treat that as an error.",
            "Join them into one.",
        ),
        Spf::Found { record, all } => match all {
            Some(Qualifier::Pass) => Found::new(
                "SPF",
                Verdict::Bad,
                record,
                "The record lets everybody send (+all). End it with ~all or -all.",
            ),
            Some(Qualifier::Neutral) | None => {
                Found::new("SPF", Verdict::Weak, record, "End the record with ~all or -all.")
            }
            Some(Qualifier::SoftFail | Qualifier::Fail) => Found::new("SPF", Verdict::Good, record, ""),
        },
    }
}

async fn dkim(dns: &dyn Dns, domain: &str, selector: Option<&str>) -> Result<Found> {
    if let Some(selector) = selector {
        return Ok(if dns::has_dkim_key(dns, selector, domain).await? {
            Found::new("DKIM", Verdict::Good, format!("A key is published for the selector {selector}."), "")
        } else {
            let todo =
                format!("Publish the key that your mail provider shows at {selector}._domainkey.{domain}.");
            Found::new("DKIM", Verdict::Bad, format!("No key for the selector {selector}."), todo)
        });
    }
    for selector in SELECTORS {
        if dns::has_dkim_key(dns, selector, domain).await? {
            return Ok(Found::new(
                "DKIM",
                Verdict::Good,
                format!("A key is published for the selector {selector}."),
                "",
            ));
        }
    }
    let todo = "Turn DKIM on at your mail provider, publish its key, and enter the selector here.";
    Ok(Found::new(
        "DKIM",
        Verdict::Open,
        "No key under the usual selectors; yours may have another name.",
        todo,
    ))
}

fn dmarc(found: &Dmarc, domain: &str) -> Found {
    match found {
        Dmarc::Missing => {
            let todo = format!(
                "Publish a TXT record at _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:you@{domain}. Gmail and Yahoo ask for it."
            );
            Found::new("DMARC", Verdict::Bad, "No record.", todo)
        }
        Dmarc::Broken { record } => Found::new(
            "DMARC",
            Verdict::Bad,
            record,
            "The record has no valid policy (p=none, quarantine or reject).",
        ),
        Dmarc::Found { policy: DmarcPolicy::None, record, .. } => Found::new(
            "DMARC",
            Verdict::Weak,
            record,
            "It only reports. Move to p=quarantine once the reports are clean.",
        ),
        Dmarc::Found { policy: DmarcPolicy::Quarantine | DmarcPolicy::Reject, record, .. } => {
            Found::new("DMARC", Verdict::Good, record, "")
        }
    }
}
