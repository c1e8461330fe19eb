//! Statements are the ledger, cent for cent.

use crate::payment::tests::bed::{AUD, Bed};

#[tokio::test]
async fn the_statement_sums_to_the_ledger_cent_for_cent() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    for minor in [430, 7, 100] {
        let mandate = bed.mandate(minor).await;
        bed.execute(&mandate).await.expect(200);
    }
    let path = "/api/v1/exports/statement?from=2026-03-01T00:00:00Z&to=2026-03-09T00:00:00Z&format=csv";
    let text = bed.owner().get(path).await.expect(200).text();
    let mut sums = std::collections::BTreeMap::<String, (i64, i64)>::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let entry = sums.entry(cells[0].to_owned()).or_default();
        match cells[3] {
            "line" => entry.0 += cells[9].parse::<i64>().expect("minor units"),
            "closing" => entry.1 = cells[11].parse().expect("a balance"),
            _ => {}
        }
    }
    for (account, (lines, closing)) in &sums {
        assert_eq!(lines, closing, "{account}");
    }
    assert_eq!(sums["wallet"].1, bed.wallet().await);
    assert_eq!(sums["developer"].1, bed.earned(AUD).await);
    assert_eq!(sums["wallet"].1, 463);
    let theirs = bed.app.as_member(&bed.other.owner).get(path).await.expect(200).text();
    assert_eq!(theirs.lines().count(), 1, "{theirs}");
    let journal =
        bed.owner().get("/api/v1/exports/journal?from=2026-03-01T00:00:00Z&to=2026-03-09T00:00:00Z").await;
    assert!(journal.expect(200).text().contains("Liabilities:Wallet"));
    for bad in [
        "?from=x&to=y",
        "",
        "?from=2026-03-09T00:00:00Z&to=2026-03-01T00:00:00Z",
        "?from=2026-03-01T00:00:00Z&to=2026-03-09T00:00:00Z&format=pdf",
    ] {
        bed.owner().get(&format!("/api/v1/exports/statement{bad}")).await.expect(400);
    }
}

#[test]
fn a_cell_is_never_a_formula() {
    for (field, cell) in [
        ("=1+1", "'=1+1"),
        ("-5", "-5"),
        ("-5.00", "-5.00"),
        ("-cmd", "'-cmd"),
        ("a,\"b\"", "\"a,\"\"b\"\"\""),
        ("@x", "'@x"),
    ] {
        assert_eq!(super::cell(field), cell);
    }
}
