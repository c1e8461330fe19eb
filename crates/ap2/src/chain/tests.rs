//! The chain of receipts: every change is found, at its position.

use super::*;
use crate::{IdentityKey, PublicKey};
use base::{Random, Time};
use proptest::prelude::*;
use serde_json::json;

struct Book {
    key: IdentityKey,
    keys: Jwks,
    entries: Vec<Entry>,
}

fn receipt(tenant: &str, seq: u64) -> Map<String, Value> {
    let value = json!({
        "tenant": tenant, "seq": seq, "payment": format!("pay-{seq}"), "amount_minor": 19_900 + seq, "currency": "USD",
        "outcome": "settled", "mandate_hash": "ab", "note": "Grüße “€” 𝒳 \u{1}\n", "𝒳": 1, "ﬀ": -2,
    });
    value.as_object().unwrap().clone()
}

fn book(tenant: &str, length: u64, seed: u64) -> Book {
    let key = IdentityKey::generate(&Random::seeded(seed));
    let mut entries: Vec<Entry> = Vec::new();
    let mut prev = Digest::ZERO;
    for seq in 1..=length {
        let entry = append(prev, receipt(tenant, seq), &key).unwrap();
        prev = link(prev, &entry.receipt).unwrap();
        entries.push(entry);
    }
    Book { keys: Jwks::of([&key.public()]), key, entries }
}

fn defect(book: &Book, entries: &[Entry]) -> (usize, Fault) {
    let defect = verify(entries, "t1", Start::GENESIS, &book.keys).unwrap_err();
    (defect.position, defect.fault)
}

#[test]
fn r1_each_hash_is_sha256_of_the_one_before_and_the_canonical_receipt() {
    let book = book("t1", 3, 1);
    let mut prev = [0_u8; 32];
    for entry in &book.entries {
        // Members sorted by UTF-16: “𝒳” (D835…) comes before “ﬀ” (FB00), though its code point is larger.
        let canonical = format!(
            "{{\"amount_minor\":{},\"currency\":\"USD\",\"mandate_hash\":\"ab\",\"note\":\"Grüße “€” 𝒳 \\u0001\\n\",\
             \"outcome\":\"settled\",\"payment\":\"{}\",\"seq\":{},\"tenant\":\"t1\",\"𝒳\":1,\"ﬀ\":-2}}",
            entry.receipt["amount_minor"],
            entry.receipt["payment"].as_str().unwrap(),
            entry.receipt["seq"],
        );
        let expected = Digest::of(&[prev.as_slice(), canonical.as_bytes()].concat());
        assert_eq!(entry.curr_hash, expected.to_string());
        prev = expected.0;
    }
    let head = verify(&book.entries, "t1", Start::GENESIS, &book.keys).unwrap();
    assert_eq!(head.0, prev);
    assert_eq!(verify(&[], "t1", Start::GENESIS, &book.keys).unwrap(), Digest::ZERO);
    // A part of a chain verifies from where it begins.
    let first =
        Digest::from_slice(&head.0).map(|_| link(Digest::ZERO, &book.entries[0].receipt).unwrap()).unwrap();
    assert_eq!(verify(&book.entries[1..], "t1", Start { seq: 2, prev: first }, &book.keys).unwrap(), head);
}

#[test]
fn r1_only_texts_and_whole_numbers_are_hashed() {
    for value in [
        json!(1.5),
        json!(1e3),
        json!(null),
        json!(true),
        json!(["x"]),
        json!({"a": 1}),
        json!(1_u64 << 53),
        json!(u64::MAX),
        json!(i64::MIN),
    ] {
        let mut bad = receipt("t1", 1);
        bad.insert("x".into(), value.clone());
        assert!(link(Digest::ZERO, &bad).is_err(), "{value}");
    }
    let mut fine = receipt("t1", 1);
    fine.insert("x".into(), json!((1_i64 << 53) - 1));
    fine.insert("y".into(), json!(-((1_i64 << 53) - 1)));
    assert!(link(Digest::ZERO, &fine).is_ok());
}

#[test]
fn r2_each_tampering_is_found_where_it_was_done() {
    let book = book("t1", 6, 1);
    let changed = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = book.entries.clone();
        change(&mut entries);
        defect(&book, &entries)
    };
    assert_eq!(
        changed(&|e| {
            e[2].receipt["amount_minor"] = json!(1);
        }),
        (2, Fault::Content)
    );
    assert_eq!(
        changed(&|e| {
            e[2].receipt.remove("note");
        }),
        (2, Fault::Content)
    );
    assert_eq!(
        changed(&|e| {
            e[2].receipt["note"] = json!(1.5);
        }),
        (2, Fault::Malformed)
    );
    assert_eq!(
        changed(&|e| {
            e[2].curr_hash.replace_range(..1, "g");
        }),
        (2, Fault::Content)
    );
    assert_eq!(
        changed(&|e| {
            e[2].prev_hash = e[1].prev_hash.clone();
        }),
        (2, Fault::Link)
    );
    assert_eq!(
        changed(&|e| {
            e[2].signature = e[1].signature.clone();
        }),
        (2, Fault::Signature)
    );
    assert_eq!(
        changed(&|e| {
            e[2].kid = "nobody".into();
        }),
        (2, Fault::Signature)
    );
    assert_eq!(
        changed(&|e| {
            e.remove(0);
        }),
        (0, Fault::Sequence)
    );
    assert_eq!(
        changed(&|e| {
            e.remove(3);
        }),
        (3, Fault::Sequence)
    );
    assert_eq!(
        changed(&|e| {
            e.insert(3, e[2].clone());
        }),
        (3, Fault::Sequence)
    );
    assert_eq!(
        changed(&|e| {
            e.swap(1, 4);
        }),
        (1, Fault::Sequence)
    );
    assert_eq!(
        changed(&|e| {
            e.reverse();
        }),
        (0, Fault::Sequence)
    );
}

#[test]
fn r2_receipts_of_other_tenants_and_other_chains_do_not_fit_in() {
    let ours = book("t1", 6, 1);
    let theirs = book("t2", 6, 1);
    let mut spliced = ours.entries.clone();
    spliced[2] = theirs.entries[2].clone();
    assert_eq!(defect(&ours, &spliced), (2, Fault::Foreign));
    // The same tenant's name, another history: it was never linked here.
    let mut forked = book("t1", 6, 1);
    forked.entries[0].receipt["payment"] = json!("other");
    let mut prev = Digest::ZERO;
    for entry in &mut forked.entries {
        *entry = append(prev, entry.receipt.clone(), &ours.key).unwrap();
        prev = link(prev, &entry.receipt).unwrap();
    }
    let mut spliced = ours.entries.clone();
    spliced[3..].clone_from_slice(&forked.entries[3..]);
    assert_eq!(defect(&ours, &spliced), (3, Fault::Link));
    // Whoever re-hashes everything after a change lacks the key.
    let stranger = IdentityKey::generate(&Random::seeded(99));
    let mut rehashed = ours.entries.clone();
    let mut prev = Digest::ZERO;
    for (index, entry) in rehashed.iter_mut().enumerate() {
        if index == 4 {
            entry.receipt["amount_minor"] = json!(1);
        }
        if index >= 4 {
            *entry = append(prev, entry.receipt.clone(), &stranger).unwrap();
            entry.kid = ours.key.public().id();
        }
        prev = link(prev, &entry.receipt).unwrap();
    }
    assert_eq!(defect(&ours, &rehashed), (4, Fault::Signature));
}

#[test]
fn r3_a_cut_tail_is_seen_only_against_a_checkpoint() {
    let book = book("t1", 6, 1);
    let now: Time = "2026-11-21T07:00:00Z".parse().unwrap();
    let head = verify(&book.entries, "t1", Start::GENESIS, &book.keys).unwrap();
    let checkpoint = Checkpoint::sign("t1", 6, head, now, &book.key).unwrap();
    let cut = &book.entries[..4];
    assert!(verify(cut, "t1", Start::GENESIS, &book.keys).is_ok(), "the rest of a chain looks whole");
    let found = checkpoint.verify_chain(cut, &book.keys).unwrap_err();
    assert_eq!((found.position, found.fault), (4, Fault::Truncated));
    assert_eq!(checkpoint.verify_chain(&book.entries, &book.keys).unwrap(), head);

    // It may grow, but not be another one, even when the key was ours.
    let mut grown = book.entries.clone();
    grown.push(append(head, receipt("t1", 7), &book.key).unwrap());
    assert!(checkpoint.verify_chain(&grown, &book.keys).is_ok());
    let mut prev = Digest::ZERO;
    let mut other = grown.clone();
    for entry in &mut other {
        entry.receipt["outcome"] = json!("failed");
        *entry = append(prev, entry.receipt.clone(), &book.key).unwrap();
        prev = link(prev, &entry.receipt).unwrap();
    }
    let found = checkpoint.verify_chain(&other, &book.keys).unwrap_err();
    assert_eq!((found.position, found.fault), (5, Fault::Rewritten));
    let empty = Checkpoint::sign("t1", 0, Digest::ZERO, now, &book.key).unwrap();
    assert!(empty.verify_chain(&[], &book.keys).is_ok());
}

#[test]
fn r3_a_checkpoint_itself_cannot_be_changed() {
    let book = book("t1", 2, 1);
    let head = verify(&book.entries, "t1", Start::GENESIS, &book.keys).unwrap();
    let good = Checkpoint::sign("t1", 2, head, "2026-11-21T07:00:00Z".parse().unwrap(), &book.key).unwrap();
    assert!(good.verify(&book.keys).is_ok());
    let changes: [fn(&mut Checkpoint); 6] = [
        |c| c.size = 1,
        |c| c.tenant = "t2".into(),
        |c| c.head = Digest::ZERO.to_string(),
        |c| c.at = "2026-11-21T08:00:00Z".into(),
        |c| c.kid = "other".into(),
        |c| c.signature.replace_range(..1, if c.signature.starts_with('A') { "B" } else { "A" }),
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(bad.verify(&book.keys).is_err(), "{bad:?}");
        assert_eq!(bad.verify_chain(&book.entries, &book.keys).unwrap_err().fault, Fault::Signature);
    }
    // A signature of a receipt is none of a checkpoint, nor of a mandate.
    let hash = crate::signed::mandate_hash("token");
    let signature = crate::signed::sign_mandate_hash(hash, &book.key);
    let key: PublicKey = book.key.public();
    assert!(crate::signed::verify_mandate_hash(hash, &signature, &key).is_ok());
    assert!(
        crate::signed::verify_mandate_hash(crate::signed::mandate_hash("tokem"), &signature, &key).is_err()
    );
    let purposes = [Purpose::Mandate, Purpose::Receipt, Purpose::Checkpoint];
    for (signed, read) in purposes.into_iter().flat_map(|signed| purposes.map(|read| (signed, read))) {
        let holds = read.verify(hash, &signed.sign(hash, &book.key), &key).is_ok();
        assert_eq!(holds, signed == read, "{signed:?} {read:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn r2_any_single_tampering_of_any_chain_is_found_no_later_than_it_was_done(
        length in 2_u64..8, how in 0_usize..5, a in 0_usize..8, b in 0_usize..8,
    ) {
        let book = book("t1", length, 3);
        let last = book.entries.len() - 1;
        let (a, b) = (a.min(last), b.min(last));
        let mut entries = book.entries.clone();
        let expected = match how {
            0 => { entries[a].receipt["amount_minor"] = json!(7); a }
            1 if a < last => { entries.remove(a); a }
            2 => { let copy = entries[b].clone(); entries.insert(a, copy); if b == a { a + 1 } else { a } }
            3 if a != b => { entries.swap(a, b); a.min(b) }
            _ => { entries[a].receipt["tenant"] = json!("t2"); a }
        };
        prop_assert_eq!(defect(&book, &entries).0, expected);
    }
}
