//! The dependency table of the house, as data.
//!
//! An edge that is not here fails the gate. Adding a row or an edge is a decision about the
//! house: make it here, in ARCHITECTURE.md, and say why in the commit.

/// One crate: its tier, and what it may depend on besides what those may use themselves.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Height in the house. Edges between domains go down or stay level, never up.
    pub(super) tier: u8,
    pub(super) may_use: &'static [&'static str],
    /// Extra edges for tests only; `testkit` is allowed to everyone and not listed.
    pub(super) tests_may_use: &'static [&'static str],
}

const fn row(name: &'static str, tier: u8, may_use: &'static [&'static str]) -> Row {
    Row { name, tier, may_use, tests_may_use: &[] }
}

/// Crates that only tests may depend on.
pub(super) const TESTS_ONLY: &[&str] = &["testkit"];

/// The table, from the bottom of the house to its roof.
pub(super) const TABLE: &[Row] = &[
    row("base", 0, &[]),
    row("ap2", 1, &["base"]),
    row("db", 1, &["base"]),
    row("discovery", 1, &[]),
    row("evidence", 1, &[]),
    row("inbound", 1, &["base"]),
    row("ports", 1, &["base"]),
    row("ui", 1, &["base"]),
    row("x402", 1, &["base"]),
    row("jobs", 2, &["base", "db"]),
    row("web", 3, &["base", "db", "ui", "jobs"]),
    row("accounts", 4, &["web", "ports"]),
    row("control", 4, &["web", "ports"]),
    row("hooks", 5, &["web", "ports", "control"]),
    row("ledger", 4, &["db"]),
    Row {
        name: "billing",
        tier: 6,
        may_use: &["accounts", "control", "hooks", "web", "ports"],
        tests_may_use: &["twins", "vendors"],
    },
    Row {
        name: "pay",
        tier: 6,
        may_use: &["ledger", "ap2", "x402", "control", "hooks", "web", "ports"],
        tests_may_use: &["twins", "vendors"],
    },
    row("leads", 6, &["web", "ports", "control"]),
    Row {
        name: "enrich",
        tier: 7,
        may_use: &["leads", "hooks", "control", "web", "ports"],
        tests_may_use: &["twins", "vendors"],
    },
    row("intake", 7, &["leads"]),
    row("privacy", 7, &["leads", "control"]),
    Row {
        name: "outreach",
        tier: 7,
        may_use: &["leads", "billing", "hooks", "control", "inbound", "evidence", "discovery"],
        tests_may_use: &["twins", "vendors"],
    },
    Row {
        name: "meetings",
        tier: 8,
        may_use: &["outreach", "leads", "hooks", "control", "web", "ports"],
        tests_may_use: &["twins", "vendors"],
    },
    Row {
        name: "crm",
        tier: 8,
        may_use: &["outreach", "leads", "control", "web", "ports"],
        tests_may_use: &["twins", "vendors"],
    },
    row("onboarding", 8, &["outreach", "leads", "control", "discovery", "accounts"]),
    row("insight", 8, &["outreach", "leads", "control", "evidence", "ports"]),
    row("console", 9, &["accounts", "control", "evidence", "hooks", "leads", "outreach"]),
    Row {
        name: "vendors",
        tier: 2,
        may_use: &["base", "ports", "x402", "discovery"],
        tests_may_use: &["twins"],
    },
    row("twins", 2, &["base", "x402"]),
    row("testkit", 5, &["base", "db", "web", "ports", "jobs"]),
    row(
        "agency",
        10,
        &[
            "base",
            "db",
            "ports",
            "ui",
            "jobs",
            "web",
            "hooks",
            "accounts",
            "billing",
            "control",
            "crm",
            "discovery",
            "enrich",
            "evidence",
            "inbound",
            "insight",
            "intake",
            "leads",
            "meetings",
            "outreach",
            "onboarding",
            "pay",
            "privacy",
            "console",
            "vendors",
            "twins",
        ],
    ),
    row("xtask", 0, &[]),
];

/// The row of a crate.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

/// Everything that `name` may depend on: its list, and what those may use in turn.
pub(super) fn reach(name: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    let mut open: Vec<&'static str> = find(name).map(|row| row.may_use.to_vec()).unwrap_or_default();
    while let Some(next) = open.pop() {
        if !found.contains(&next) {
            found.push(next);
            open.extend(find(next).map(|row| row.may_use).unwrap_or_default());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_of_the_table_leads_down_to_a_known_crate() {
        for row in TABLE {
            for used in row.may_use {
                let below = find(used).map(|found| found.tier);
                assert!(below.is_some_and(|tier| tier < row.tier), "{} -> {used}", row.name);
            }
        }
    }

    #[test]
    fn reach_includes_what_listed_crates_use() {
        let mut reached = reach("hooks");
        reached.sort_unstable();
        assert_eq!(reached, ["base", "control", "db", "jobs", "ports", "ui", "web"]);
    }
}
