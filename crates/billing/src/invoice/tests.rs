use super::{Status, get, list, pdf, record};
use crate::testing::Bed;
use base::{Currency, Zone};
use ports::subscription::{Invoice as Seen, InvoiceStatus, Line, Span};
use std::sync::Arc;

fn seen(bed: &Bed, id: &str, status: InvoiceStatus) -> Seen {
    Seen {
        id: id.to_owned(),
        customer: "cus_1".to_owned(),
        subscription: Some("sub_1".to_owned()),
        tenant: Some(bed.ours.id.uuid()),
        status,
        currency: Currency::Aud,
        net_minor: 250_000,
        tax_minor: 25_000,
        total_minor: 275_000,
        paid_minor: if status == InvoiceStatus::Paid { 275_000 } else { 0 },
        lines: vec![Line { text: "1 × Ignition".to_owned(), minor: 250_000 }],
        period: Span { start: bed.now(), end: bed.now().plus_days(30) },
        created_at: bed.now(),
        paid_at: (status == InvoiceStatus::Paid).then(|| bed.now()),
        pay_url: Some("https://pay.example/1".to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_have_no_gaps_whoever_writes_at_once_and_whoever_gives_up() {
    let bed = Arc::new(Bed::new().await);
    let writers: Vec<_> = (0..24)
        .map(|n| {
            let bed = bed.clone();
            tokio::spawn(async move {
                let mut cx = bed.cx().await;
                // Each invoice is told about twice, side by side; every sixth writer gives up.
                let told =
                    record(&mut cx, &bed.desk, &seen(&bed, &format!("in_{}", n / 2), InvoiceStatus::Open))
                        .await;
                match told {
                    Ok(_) if n % 6 == 5 => cx.rollback().await.unwrap(),
                    Ok(_) => cx.commit().await.unwrap(),
                    Err(error) => assert_eq!(error.code(), "billing.invoice_busy"),
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut cx = bed.cx().await;
    for n in 0..12 {
        record(&mut cx, &bed.desk, &seen(&bed, &format!("in_{n}"), InvoiceStatus::Open)).await.unwrap();
    }
    let mut numbers: Vec<i64> =
        list(&mut cx, None, 50).await.unwrap().rows.iter().map(|one| one.number).collect();
    numbers.reverse();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn late_words_do_not_undo_a_payment_and_the_text_never_changes() {
    let bed = Bed::new().await;
    let mut cx = bed.cx().await;
    assert_eq!(record(&mut cx, &bed.desk, &seen(&bed, "in_1", InvoiceStatus::Draft)).await.unwrap(), None);
    let id = record(&mut cx, &bed.desk, &seen(&bed, "in_1", InvoiceStatus::Paid)).await.unwrap().unwrap();
    assert_eq!(record(&mut cx, &bed.desk, &seen(&bed, "in_1", InvoiceStatus::Open)).await.unwrap(), Some(id));
    let mut other = seen(&bed, "in_1", InvoiceStatus::Void);
    other.total_minor = 1;
    record(&mut cx, &bed.desk, &other).await.unwrap();
    let kept = get(&mut cx, id).await.unwrap();
    assert_eq!((kept.status, kept.total_minor, kept.paid_minor), (Status::Paid, 275_000, 275_000));
    let changed = sqlx::query("update billing.invoice set total_minor = 1").execute(cx.conn()).await;
    assert!(changed.unwrap_err().to_string().contains("permission denied"));
    drop(cx);
    // Another client's invoice is refused.
    let mut cx = bed.kit.cx(&bed.theirs.owner).await;
    let refused = record(&mut cx, &bed.desk, &seen(&bed, "in_2", InvoiceStatus::Paid)).await.unwrap_err();
    assert_eq!(refused.code(), "billing.foreign");
}

#[tokio::test]
async fn the_paper_says_what_a_tax_invoice_must_say() {
    let bed = Bed::new().await;
    let mut cx = bed.cx().await;
    let id = record(&mut cx, &bed.desk, &seen(&bed, "in_1", InvoiceStatus::Open)).await.unwrap().unwrap();
    let mut one = get(&mut cx, id).await.unwrap();
    let paper = pdf(&one, &Zone::sydney());
    assert_eq!(paper, pdf(&one, &Zone::sydney()), "the same invoice is the same bytes");
    assert!(paper.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(&paper).into_owned();
    for wanted in [
        "(Tax invoice INV-000001)",
        "(ABN 51 824 753 556)",
        "(Agency Pty Ltd)",
        "(Anchor Agency)",
        "(Date of issue: 2 March 2026)",
        "(Amount excl. GST)",
        "(GST 10%)",
        "(25000.00",
        "(Total including GST)",
        "(AUD 2750.00)",
    ] {
        let wanted = wanted.replace("25000.00", "250.00");
        assert!(text.contains(&wanted), "{wanted} is not in\n{text}");
    }
    one.gst_inclusive = true;
    let text = String::from_utf8_lossy(&pdf(&one, &Zone::sydney())).into_owned();
    assert!(text.contains("(Amount incl. GST)"));
    one.seller.0.abn = String::new();
    let text = String::from_utf8_lossy(&pdf(&one, &Zone::sydney())).into_owned();
    assert!(text.contains("(Invoice INV-000001)") && !text.contains("Tax invoice"));
}
