//! The chain of receipts against PostgreSQL, and what a third party makes of it.

use crate::payment::tests::bed::{Bed, text};
use serde_json::Value;
use std::process::Command;

async fn paid(count: usize) -> Bed {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    for _ in 0..count {
        let mandate = bed.mandate(100).await;
        bed.execute(&mandate).await.expect(200);
    }
    bed
}

async fn verdict(bed: &Bed) -> crate::receipt::verify::Verdict {
    let keys = bed.ring.keys().await.expect("keys").jwks();
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    crate::receipt::verify::chain(&mut cx, &keys).await.expect("verifies")
}

/// Does what no role of the program can: changes kept receipts.
async fn tamper(bed: &Bed, statement: &str) {
    bed.run_sql(&format!("set session_replication_role = replica; {statement}")).await;
}

#[tokio::test]
async fn r1_r5_the_proof_of_a_receipt_verifies_with_a_program_of_sixty_lines_that_is_not_ours() {
    let bed = paid(3).await;
    let list = bed.owner().get("/api/v1/receipts").await.expect(200).json();
    let sequences: Vec<_> =
        list["rows"].as_array().expect("rows").iter().map(|r| r["sequence"].as_i64()).collect();
    assert_eq!(sequences, [Some(3), Some(2), Some(1)]);
    let id = text(&list["rows"][2]["id"]);
    let proof = bed.owner().get(&format!("/api/v1/receipts/{id}/proof")).await.expect(200).json();
    assert_eq!((proof["sequence"].as_i64(), proof["checkpoint"]["size"].as_i64()), (Some(1), Some(3)));
    assert_eq!(python(&proof), (true, "every receipt is sound".to_owned()));
    let mut changed = proof.clone();
    changed["receipts"][1]["receipt"]["amount_minor"] = 7.into();
    let (sound, why) = python(&changed);
    assert!(!sound && why.contains("position 1"), "{why}");
    let mut cut = proof.clone();
    cut["receipts"].as_array_mut().expect("a list").pop();
    let (sound, why) = python(&cut);
    assert!(!sound && why.contains("position 2"), "{why}");
    bed.agent().get(&format!("/api/v1/receipts/{id}")).await.expect(200);
    bed.app.as_member(&bed.other.owner).get(&format!("/api/v1/receipts/{id}/proof")).await.expect(404);
}

fn python(proof: &Value) -> (bool, String) {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, part) in
        [("receipts", &proof["receipts"]), ("checkpoint", &proof["checkpoint"]), ("jwks", &proof["jwks"])]
    {
        std::fs::write(dir.path().join(name), part.to_string()).expect("a file");
    }
    let checker = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/python/verify_receipts.py");
    let python = std::env::var_os("AGENCY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let out = Command::new(python)
        .arg(checker)
        .args(["receipts", "checkpoint", "jwks"].map(|name| dir.path().join(name)))
        .output()
        .expect("python3 runs");
    let said = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&said).trim().to_owned())
}

#[tokio::test]
async fn r2_what_is_changed_taken_out_or_moved_is_found_where_it_happened() {
    for (statement, sequence) in [
        ("update pay.receipt set amount_minor = 7 where sequence = 2", 2),
        (
            "update pay.receipt set body = replace(convert_from(body, 'UTF8'), '100', '700')::bytea where sequence = 2",
            2,
        ),
        ("delete from pay.receipt where sequence = 2", 2),
        ("update pay.receipt set prev_hash = curr_hash where sequence = 3", 3),
        (
            "update pay.receipt set signature = (select signature from pay.receipt where sequence = 1) where sequence = 3",
            3,
        ),
        ("update pay.receipt set kid = 'nobody' where sequence = 1", 1),
    ] {
        let bed = paid(4).await;
        assert_eq!(verdict(&bed).await.first_bad, None);
        tamper(&bed, statement).await;
        assert_eq!(verdict(&bed).await.first_bad.map(|bad| bad.sequence), Some(sequence), "{statement}");
    }
}

#[tokio::test]
async fn r3_a_cut_tail_shows_against_a_checkpoint_that_is_in_the_audit_trail_too() {
    let bed = paid(3).await;
    let point = bed.owner().get("/api/v1/checkpoint").await.expect(200).json();
    assert_eq!(point["size"], 3);
    let anchored =
        bed.sql("select after::text from audit.entry where subject_table = 'pay.checkpoint'").await;
    assert_eq!(anchored.len(), 1);
    // Also the end's own row is cut: nothing but the checkpoint knows.
    tamper(
        &bed,
        "delete from pay.receipt where sequence = 3; update pay.receipt_head set sequence = 2, hash = (select curr_hash from pay.receipt where sequence = 2)",
    )
    .await;
    let bad = verdict(&bed).await.first_bad.expect("a defect");
    assert_eq!(bad.sequence, 3);
    assert!(bad.why.contains("missing at the end"), "{}", bad.why);
}

#[tokio::test]
async fn r6_the_nightly_check_finds_a_planted_defect_and_tells_everybody() {
    let bed = paid(2).await;
    tamper(&bed, "update pay.receipt set amount_minor = 7 where sequence = 1").await;
    assert_eq!(bed.count("control.notification").await, 0);
    bed.app.run_until(bed.kit.clock_now().plus_days(1)).await;
    assert_eq!(bed.count("control.notification where title like '%receipts is not sound'").await, 1);
}

#[tokio::test]
async fn kept_receipts_cannot_be_changed_by_the_program() {
    let bed = paid(1).await;
    for statement in [
        "update pay.receipt set amount_minor = 1",
        "delete from pay.receipt",
        "delete from pay.payment_event",
    ] {
        let mut cx = bed.kit.cx(&bed.tenant.owner).await;
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(cx.conn()).await;
        assert!(refused.is_err(), "{statement}");
    }
}

/// The text of a PDF; none where poppler is not installed, which CI does not accept.
fn words_of(pdf: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("receipt.pdf");
    std::fs::write(&file, pdf).expect("written");
    match Command::new("pdftotext").args(["-layout", "-enc", "UTF-8"]).arg(&file).arg("-").output() {
        Ok(out) => {
            assert!(
                out.status.success() && out.stderr.is_empty(),
                "{}",
                String::from_utf8_lossy(&out.stderr)
            );
            Some(String::from_utf8(out.stdout).expect("UTF-8"))
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && std::env::var_os("CI").is_none() => {
            println!("pdftotext is not installed: the PDF was not read");
            None
        }
        Err(cause) => panic!("pdftotext does not run: {cause}"),
    }
}

#[tokio::test]
async fn a_receipt_is_a_pdf_with_the_figures_and_the_whole_hash() {
    let bed = paid(2).await;
    let receipt = bed.owner().get("/api/v1/receipts").await.expect(200).json()["rows"][0].clone();
    let path = format!("/api/v1/receipts/{}", text(&receipt["id"]));
    let as_pdf = |who: testkit::Client| who.with_header("accept", "application/pdf");
    let answer = as_pdf(bed.owner()).get(&path).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/pdf"));
    assert!(answer.bytes.starts_with(b"%PDF-"));
    let again = as_pdf(bed.agent()).get(&path).await.expect(200);
    assert!(again.bytes == answer.bytes, "the same receipt is the same bytes");
    let page = bed.owner().get(&format!("/pay/receipts/{}/pdf", text(&receipt["id"]))).await.expect(200);
    assert!(page.bytes == answer.bytes);
    as_pdf(bed.app.as_member(&bed.other.owner)).get(&path).await.expect(404);
    assert_eq!(bed.owner().get(&path).await.expect(200).json(), receipt);
    let Some(words) = words_of(&answer.bytes) else { return };
    for expected in
        ["Receipt 2", "Paid: AUD 1.00", "Buyer", "Search Ltd", "https://pay.example/.well-known/jwks.json"]
    {
        assert!(words.contains(expected), "{expected} is not in\n{words}");
    }
    for field in ["prev_hash", "curr_hash", "signature", "kid", "payment_id", "id"] {
        let whole = text(&receipt[field]);
        assert!(words.split_whitespace().any(|word| word == whole), "{field} {whole} is not in\n{words}");
    }
    // What was hashed can be put together again, byte for byte.
    let hashed =
        words.split("What was hashed (RFC 8785)").nth(1).and_then(|rest| rest.split("How to check").next());
    let hashed: String = hashed.expect("the part").lines().map(str::trim).collect();
    let read: Value = serde_json::from_str(&hashed).expect("JSON");
    assert_eq!(read, receipt["receipt"]);
}

#[test]
fn letters_that_the_paper_lacks_are_written_as_in_json_and_a_long_receipt_has_more_pages() {
    let mut receipt = super::Receipt {
        id: crate::receipt::ReceiptId(uuid::Uuid::from_u128(1)),
        sequence: 7,
        kind: super::Kind::Failed,
        payment_id: crate::payment::PaymentId(uuid::Uuid::from_u128(2)),
        subject_id: uuid::Uuid::from_u128(2),
        principal_id: crate::principal::PrincipalId(uuid::Uuid::from_u128(3)),
        rail: crate::Rail::Cashfree,
        provider_ref: None,
        amount_minor: 123_456,
        currency: base::Currency::Inr,
        receipt: serde_json::Map::new(),
        prev_hash: "0".repeat(64),
        curr_hash: "ab".repeat(32),
        kid: "key".to_owned(),
        signature: "s".repeat(86),
        jwt: None,
        at: base::Time::from_us(0),
    };
    let names = super::pdf::Names {
        principal: "Zoë".to_owned(),
        vendor: "नमस्ते (1)".to_owned(),
        keys_at: String::new(),
    };
    let short = super::pdf::write(&receipt, &names);
    receipt.receipt.insert("reason".to_owned(), "long ".repeat(3_000).into());
    let long = super::pdf::write(&receipt, &names);
    let Some(words) = words_of(&short) else { return };
    assert!(words.contains("Failed: INR 1234.56") && words.contains("Zoë"), "{words}");
    assert!(words.contains(r"\u0928\u092e\u0938\u094d\u0924\u0947 (1)"), "{words}");
    assert!(words.contains("page 1 of 1") && words.contains(&"s".repeat(86)), "{words}");
    let words = words_of(&long).unwrap_or_default();
    assert!(words.contains("page 4 of 4") && words.matches("long").count() > 2_900, "{words}");
}
