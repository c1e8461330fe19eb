//! Chains: AP2's own tokens, our own chains, and every way in which they must not verify.

use super::disclosure::resolve;
use super::hop::{Hop, split};
use super::*;
use crate::jwk::Jwk;
use crate::sample::*;
use crate::{Code, IdentityKey, Json, MandateKey, Result, b64, hash, jwt};
use base::Random;
use serde_json::{Value, json};

/// Checks a published chain of two tokens as far as its keys are known: the second one under the
/// first one's `cnf`. The key of the first one is not published; its bytes are bound by `sd_hash`.
fn published(chain: &str) -> Result<(Json, Json)> {
    let tokens = split(chain)?;
    let [open, closed] = tokens.as_slice() else { return Err(crate::Error::credential("Not two tokens.")) };
    let (open_hop, closed_hop) = (Hop::parse(open)?, Hop::parse(closed)?);
    let mandate = |hop: &Hop<'_>| -> Result<Json> {
        let resolved = resolve(hop.jwt.payload(), &hop.disclosures)?;
        match resolved.claims.get("delegate_payload").and_then(Json::elements) {
            Some([mandate]) if resolved.hidden.is_empty() => Ok(mandate.clone()),
            _ => Err(crate::Error::credential("Not one mandate, wholly disclosed.")),
        }
    };
    let (open_mandate, closed_mandate) = (mandate(&open_hop)?, mandate(&closed_hop)?);
    let cnf = open_mandate.get("cnf").and_then(|cnf| cnf.get("jwk"));
    let key = Jwk::read(cnf.ok_or_else(|| crate::Error::credential("No cnf."))?)?;
    closed_hop.jwt.verify(&key)?;
    let bound = closed_hop.jwt.payload().get("sd_hash").and_then(Json::text);
    if closed_hop.jwt.typ() != Some(TYP_LAST) || bound != Some(sd_hash(open).as_str()) {
        return Err(crate::Error::credential("Not bound."));
    }
    Ok((open_mandate, closed_mandate))
}

#[test]
fn m1_published_tokens_resolve_are_bound_and_their_leaves_verify() {
    for (chain, open, closed) in
        [(CHECKOUT_CHAIN, CHECKOUT_OPEN, CHECKOUT_CLOSED), (PAYMENT_CHAIN, PAYMENT_OPEN, PAYMENT_CLOSED)]
    {
        assert_eq!(chain.trim(), format!("{}~{}", open.trim(), closed.trim()));
        published(chain.trim()).unwrap();
    }
    let (open_checkout, checkout) = published(CHECKOUT_CHAIN.trim()).unwrap();
    let (open_payment, payment) = published(PAYMENT_CHAIN.trim()).unwrap();
    assert_eq!(open_checkout.get("vct").and_then(Json::text), Some("mandate.checkout.open.1"));

    let text = |json: &Json, name: &str| json.get(name).and_then(Json::text).map(str::to_owned);
    let checkout_jwt = text(&checkout, "checkout_jwt").unwrap();
    assert_eq!(text(&checkout, "checkout_hash"), Some(hash(&checkout_jwt)));
    assert_eq!(text(&payment, "transaction_id"), Some(hash(&checkout_jwt)));
    let constraints = open_payment.get("constraints").and_then(Json::elements).unwrap();
    let reference = constraints.iter().find_map(|constraint| text(constraint, "conditional_transaction_id"));
    assert_eq!(reference, Some(sd_hash(CHECKOUT_OPEN.trim())));
    assert_eq!(sd_hash(CHECKOUT_OPEN.trim()), "FzLoxbbtgQGYZxoSM2NJYJtkFTSsdfUBoVEQ12k7JN8");
    assert_eq!(sd_hash(PAYMENT_OPEN.trim()), "uixoHemmfrrCSbPREo9j-ziLuMkqExsPeWrwA-PK0Ck");
}

/// Each byte replaced by its neighbour in the alphabet, left out, and here and there turned into a
/// sign that structures tokens.
fn mutations(token: &str) -> Vec<(usize, String)> {
    assert!(token.is_ascii());
    let mut out = Vec::new();
    for (position, byte) in token.bytes().enumerate() {
        let (before, after) = (&token[..position], &token[position + 1..]);
        let neighbour = if byte.is_ascii_alphanumeric() { char::from(byte ^ 1) } else { 'A' };
        out.push((position, format!("{before}{neighbour}{after}")));
        out.push((position, format!("{before}{after}")));
        let sign = ['~', '.', '_', '='][position % 4];
        if position % 5 == 0 && char::from(byte) != sign {
            out.push((position, format!("{before}{sign}{after}")));
        }
    }
    out
}

fn all_refused(token: &str, accepts: &(dyn Fn(&str) -> bool + Sync)) {
    assert!(accepts(token), "the token itself must be good");
    let all = mutations(token);
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(2)) {
            scope.spawn(move || {
                for (position, mutated) in part {
                    assert!(!accepts(mutated), "byte {position} may be changed: {mutated}");
                }
            });
        }
    });
}

#[test]
fn m2_no_byte_of_the_published_payment_chain_may_change() {
    all_refused(PAYMENT_CHAIN.trim(), &|token| published(token).is_ok());
}

#[test]
fn m2_no_byte_of_the_published_checkout_chain_may_change() {
    all_refused(CHECKOUT_CHAIN.trim(), &|token| published(token).is_ok());
}

/// A chain of three hops: person → agent → helper, the last one closed.
fn three_hops(parties: &Parties) -> String {
    let root =
        root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    let mut narrower = parties.open_payment();
    narrower.holder = parties.helper.public();
    let claims = narrower.claims(&parties.random).unwrap();
    let middle = extend(&root, claims, &THERE, &parties.agent, now(), &parties.random).unwrap();
    let claims = payment(100).claims(&[]).unwrap();
    extend(&middle, claims, &HERE, &parties.helper, now(), &parties.random).unwrap()
}

#[test]
fn m2_no_byte_of_a_chain_of_three_tokens_may_change() {
    let parties = Parties::new();
    let chain = three_hops(&parties);
    all_refused(&chain, &|token| parties.verify(token, &[THERE, HERE]).is_ok());
}

#[test]
fn a_chain_of_three_tokens_tells_each_mandate_and_its_signer() {
    let parties = Parties::new();
    let chain = parties.verify(&three_hops(&parties), &[THERE, HERE]).unwrap();
    let signers: Vec<&str> = chain.hops.iter().map(|hop| hop.signer.as_str()).collect();
    assert_eq!(
        signers,
        [parties.person.public().id(), parties.agent.public().id(), parties.helper.public().id()]
    );
    assert_eq!(chain.last().nonce.as_deref(), Some("n-1"));
    assert!(chain.last().holder.is_none());
}

/// A root with one further token, made by hand so that any part of it can be wrong.
struct Forge {
    root: String,
    typ: &'static str,
    claims: Value,
    mandate: Value,
    signer: MandateKey,
}

impl Forge {
    fn new(parties: &Parties) -> Self {
        let root =
            root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
        let claims = json!({"iat": NOW_S, "aud": "gateway", "nonce": "n-1", "sd_hash": sd_hash(&root), "_sd_alg": "sha-256"});
        let mandate = payment(100).claims(&[]).unwrap().value;
        Self { root, typ: TYP_LAST, claims, mandate, signer: parties.agent.clone() }
    }

    fn chain(mut self, parties: &Parties) -> String {
        let mut disclosures = Disclosures::default();
        let item = disclosures.element(&self.mandate, &parties.random);
        self.claims["delegate_payload"] = json!([item]);
        let jwt = jwt::sign(self.typ, &self.claims, &self.signer, &parties.random);
        format!("{}~{jwt}~{}~", self.root, disclosures.texts().join("~"))
    }
}

type Change = fn(&mut Forge);

fn refused_at(parties: &Parties, chain: &str, hop: Option<usize>, why: &str) {
    let error = parties.verify(chain, &[HERE]).expect_err(why);
    assert_eq!((error.code, error.hop), (Code::InvalidCredential, hop), "{why}: {error}");
}

#[test]
fn m3_wrong_audience_nonce_type_binding_and_time_are_refused() {
    let parties = Parties::new();
    assert!(parties.verify(&Forge::new(&parties).chain(&parties), &[HERE]).is_ok());
    let wrong: [(&str, Change); 15] = [
        ("another audience", |f| f.claims["aud"] = json!("somebody")),
        ("no audience", |f| f.claims["aud"] = Value::Null),
        ("a list of audiences", |f| f.claims["aud"] = json!(["gateway"])),
        ("another nonce", |f| f.claims["nonce"] = json!("n-2")),
        ("no nonce", |f| f.claims["nonce"] = Value::Null),
        ("another token before", |f| f.claims["sd_hash"] = json!(hash("x"))),
        ("no binding", |f| f.claims["sd_hash"] = Value::Null),
        ("binding without disclosures", |f| f.claims["issuer_jwt_hash"] = json!("x")),
        ("no time", |f| f.claims["iat"] = Value::Null),
        ("made in the future", |f| f.claims["iat"] = json!(NOW_S + 301)),
        ("expired", |f| f.mandate["exp"] = json!(NOW_S - 301)),
        ("a fraction of a second", |f| f.claims["exp"] = json!(1.5e9)),
        ("a root's type", |f| f.typ = TYP_ROOT),
        ("the type of a mere key binding", |f| f.typ = "kb+jwt"),
        ("another hash", |f| f.claims["_sd_alg"] = json!("sha-512")),
    ];
    for (why, change) in wrong {
        let mut forge = Forge::new(&parties);
        change(&mut forge);
        refused_at(&parties, &forge.chain(&parties), Some(1), why);
    }
}

#[test]
fn m3_a_missing_or_extra_cnf_is_refused() {
    let parties = Parties::new();
    let mut extra = Forge::new(&parties);
    extra.mandate["cnf"] = json!({"jwk": parties.helper.public().bare()});
    refused_at(&parties, &extra.chain(&parties), Some(1), "a closing hop with cnf");

    let mut missing = Forge::new(&parties);
    missing.typ = TYP_MIDDLE;
    refused_at(&parties, &missing.chain(&parties), Some(1), "a delegating hop without cnf");

    for typ in [TYP_ROOT, "kb+jwt", "JWT"] {
        let mut disguised = Forge::new(&parties);
        disguised.typ = typ;
        disguised.mandate["cnf"] = json!({"jwk": parties.helper.public().bare()});
        refused_at(&parties, &disguised.chain(&parties), Some(1), typ);
    }
    let kb = root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    let kb = headed(
        json!({"alg": "ES256", "typ": TYP_LAST, "kid": parties.person.public().id()}),
        &kb,
        &parties.person,
        &parties.random,
    );
    assert!(parties.verify(&kb, &[]).is_err(), "a hop as root");

    let mut ed25519 = Forge::new(&parties);
    ed25519.typ = TYP_MIDDLE;
    let key = IdentityKey::generate(&parties.random).public();
    ed25519.mandate["cnf"] = json!({"jwk": key.bare()});
    refused_at(&parties, &ed25519.chain(&parties), Some(1), "an Ed25519 key in cnf");

    // A closed root may not be followed by anything.
    let closed = root(payment(100).claims(&[]).unwrap(), &parties.person, &parties.random);
    let mut after = Forge::new(&parties);
    after.claims["sd_hash"] = json!(sd_hash(&closed));
    after.root = closed;
    refused_at(&parties, &after.chain(&parties), Some(1), "a hop behind a closed mandate");
}

#[test]
fn m3_foreign_keys_and_alg_none_are_refused() {
    let parties = Parties::new();
    let mut foreign = Forge::new(&parties);
    foreign.signer = parties.stranger.clone();
    refused_at(&parties, &foreign.chain(&parties), Some(1), "a hop that a stranger signed");

    let claims = parties.open_payment().claims(&parties.random).unwrap();
    let mut strange = Forge::new(&parties);
    strange.root = root(claims, &parties.stranger, &parties.random);
    strange.claims["sd_hash"] = json!(sd_hash(&strange.root));
    refused_at(&parties, &strange.chain(&parties), Some(0), "a root that a stranger signed");

    let good = Forge::new(&parties).chain(&parties);
    let tokens = split(&good).unwrap();
    let (open, closed) = (&tokens[0], &tokens[1]);
    for alg in ["none", "None", "HS256", "EdDSA", "ES384", ""] {
        for target in [open, closed] {
            let (jwt_text, disclosures) = target.split_once('~').unwrap();
            let mut parts = jwt_text.split('.');
            let header: Value =
                serde_json::from_slice(&b64::decode(parts.next().unwrap(), "x").unwrap()).unwrap();
            let mut header = header;
            header["alg"] = json!(alg);
            let header = b64::encode(header.to_string().as_bytes());
            let body = parts.next().unwrap();
            let signature = if alg.eq_ignore_ascii_case("none") { "" } else { parts.next().unwrap() };
            let forged = format!("{header}.{body}.{signature}~{disclosures}");
            let (chain, hop) = if target == open {
                (format!("{forged}~{closed}"), 0)
            } else {
                (format!("{open}~{forged}"), 1)
            };
            refused_at(&parties, &chain, Some(hop), alg);
        }
    }
}

/// A token whose header says what it likes, properly signed all the same.
fn headed(header: Value, token: &str, key: &MandateKey, random: &Random) -> String {
    let (jwt, disclosures) = token.split_once('~').unwrap();
    let signed = format!("{}.{}", b64::encode(header.to_string().as_bytes()), jwt.split('.').nth(1).unwrap());
    format!("{signed}.{}~{disclosures}", b64::encode(&key.sign(signed.as_bytes(), random)))
}

#[test]
fn m3_a_header_that_names_another_algorithm_or_unknown_duties_is_refused_though_its_signature_holds() {
    let parties = Parties::new();
    let good = Forge::new(&parties).chain(&parties);
    let (open, closed) = good.split_once("~~").unwrap();
    let with = |header: Value| format!("{open}~~{}", headed(header, closed, &parties.agent, &parties.random));
    assert!(parties.verify(&with(json!({"alg": "ES256", "typ": TYP_LAST})), &[HERE]).is_ok());
    for alg in
        [json!("none"), json!("NONE"), json!("es256"), json!("HS256"), json!("EdDSA"), json!(""), Value::Null]
    {
        refused_at(&parties, &with(json!({"alg": alg, "typ": TYP_LAST})), Some(1), &alg.to_string());
    }
    let duties = json!({"alg": "ES256", "typ": TYP_LAST, "crit": ["b64"], "b64": false});
    refused_at(&parties, &with(duties), Some(1), "crit");
}

#[test]
fn m3_swapped_open_mandates_and_reordered_hops_are_refused() {
    let parties = Parties::new();
    let first = Forge::new(&parties).chain(&parties);
    let second = Forge::new(&parties).chain(&parties);
    let (first, second) = (split(&first).unwrap(), split(&second).unwrap());
    refused_at(&parties, &format!("{}~{}", first[0], second[1]), Some(1), "a leaf of another open mandate");
    refused_at(&parties, &format!("{}~{}", first[1], first[0]), Some(0), "the hops turned around");

    let chain = three_hops(&parties);
    let hops = split(&chain).unwrap();
    let verify = |hops: &[&str]| parties.verify(&hops.join("~"), &[THERE, HERE]);
    assert!(verify(&[&hops[0], &hops[1], &hops[2]]).is_ok());
    for order in [[0, 2, 1], [1, 0, 2], [2, 1, 0], [0, 1, 1], [0, 0, 2]] {
        let mixed = order.map(|index: usize| hops[index].as_str());
        assert_eq!(verify(&mixed).unwrap_err().code, Code::InvalidCredential, "{order:?}");
    }
    // Leaving the middle out, or expecting fewer hops than there are.
    assert!(parties.verify(&format!("{}~{}", hops[0], hops[2]), &[HERE]).is_err());
    assert!(parties.verify(&chain, &[HERE]).is_err());
    assert!(parties.verify(&chain, &[]).is_err());
    assert!(parties.verify(&hops[0], &[HERE]).is_err());
}

#[test]
fn audience_and_nonce_are_checked_on_hops_in_the_middle_and_cannot_be_empty() {
    let parties = Parties::new();
    let chain = three_hops(&parties);
    for wrong in [
        Binding { audience: "other", ..THERE },
        Binding { nonce: "other", ..THERE },
        Binding { audience: "", ..THERE },
        Binding { nonce: "", ..THERE },
    ] {
        let error = parties.verify(&chain, &[wrong, HERE]).unwrap_err();
        assert_eq!((error.code, error.hop), (Code::InvalidCredential, Some(1)), "{wrong:?}");
    }
    let root =
        root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    let empty = Binding { audience: "gateway", nonce: "" };
    let closed = payment(100).claims(&[]).unwrap();
    assert!(extend(&root, closed, &empty, &parties.agent, now(), &parties.random).is_err());
}

#[test]
fn a_hop_can_only_be_signed_by_the_key_that_was_named() {
    let parties = Parties::new();
    let root =
        root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    let closed = || payment(100).claims(&[]).unwrap();
    assert!(extend(&root, closed(), &HERE, &parties.stranger, now(), &parties.random).is_err());
    let chain = extend(&root, closed(), &HERE, &parties.agent, now(), &parties.random).unwrap();
    assert!(extend(&chain, closed(), &HERE, &parties.agent, now(), &parties.random).is_err());
}

#[test]
fn withheld_entries_of_lists_are_absent_and_the_rest_verifies() {
    let parties = Parties::new();
    let whole =
        root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    let shown = present(&whole, &|_, value| value.get("id").and_then(Json::text) == Some("shop-2")).unwrap();
    assert!(shown.len() < whole.len());
    let closed = payment(100).claims(&[]).unwrap();
    let chain = extend(&shown, closed, &HERE, &parties.agent, now(), &parties.random).unwrap();
    let chain = parties.verify(&chain, &[HERE]).unwrap();
    let open = chain.hops.first().unwrap();
    let text = format!("{:?}", open.mandate);
    assert!(text.contains("shop-2") && !text.contains("shop-1"), "{text}");
    assert_eq!(open.hidden, ["delegate_payload[0].constraints[1].allowed[]"]);
}

#[test]
fn disclosures_that_are_repeated_foreign_or_overwriting_are_refused() {
    let parties = Parties::new();
    let good = Forge::new(&parties).chain(&parties);
    let tail = good.trim_end_matches('~').rsplit('~').next().unwrap().to_owned();
    refused_at(&parties, &format!("{good}{tail}~"), Some(1), "a disclosure twice");
    let stray = b64::encode(json!(["salt", {"vct": "x"}]).to_string().as_bytes());
    refused_at(&parties, &format!("{good}{stray}~"), Some(1), "a disclosure of nothing");

    let mut overwriting = Forge::new(&parties);
    let mut disclosures = Disclosures::default();
    let mut object = serde_json::Map::new();
    object.insert("payee".into(), json!({"id": "thief", "name": "Thief"}));
    disclosures.property(&mut object, "payee", &parties.random);
    overwriting.mandate["_sd"] = object["_sd"].clone();
    let chain = format!("{}{}~", overwriting.chain(&parties), disclosures.texts()[0]);
    refused_at(&parties, &chain, Some(1), "a disclosure over a claim");

    for forbidden in ["_sd", "..."] {
        let bad = b64::encode(json!(["salt", forbidden, 1]).to_string().as_bytes());
        refused_at(&parties, &format!("{good}{bad}~"), Some(1), forbidden);
    }
    let mut doubled = Forge::new(&parties);
    doubled.mandate["risk_data"] = json!([{"...": hash("x")}, {"...": hash("x")}]);
    refused_at(&parties, &doubled.chain(&parties), Some(1), "a digest twice");
}

#[test]
fn malformed_and_oversized_chains_are_refused_without_work() {
    let parties = Parties::new();
    let good = Forge::new(&parties).chain(&parties);
    for bad in ["", "~", "~~", "~~~", "a.b.c~~", ".", "..~~..~"] {
        assert!(parties.verify(bad, &[HERE]).is_err(), "{bad}");
        assert!(References::of(bad).is_err() || bad.ends_with('~'), "{bad}");
    }
    assert!(parties.verify(good.trim_end_matches('~'), &[HERE]).is_err());
    assert!(parties.verify(&good.replace("~~", "~~~"), &[HERE]).is_err());
    assert!(split(&"a~".repeat(200_000)).is_err());
    assert!(split(&["a"; 12].join("~~")).is_err());
}

#[test]
fn the_same_mandate_signed_twice_gives_two_texts_even_from_a_stuck_generator() {
    let key = MandateKey::generate(&Random::seeded(1));
    let random = Random::seeded(2);
    let first = key.sign(b"checkout", &random);
    let second = key.sign(b"checkout", &random);
    assert_ne!(first, second);
    for signature in [first, second, key.sign(b"checkout", &Random::seeded(2))] {
        assert!(key.public().verifies(b"checkout", &signature));
        assert!(!key.public().verifies(b"check-out", &signature));
    }
}

#[test]
fn receipts_refer_to_the_last_token_with_and_without_its_disclosures() {
    let both = References::of(PAYMENT_CHAIN.trim()).unwrap();
    assert_eq!(both, References::of(PAYMENT_CLOSED.trim()).unwrap());
    assert_eq!(both.token, hash(PAYMENT_CLOSED.trim()));
    assert_eq!(both.jwt, hash(PAYMENT_CLOSED.trim().split('~').next().unwrap()));
    assert_ne!(both.token, both.jwt);
}

#[test]
fn the_other_spelling_of_a_signature_is_another_text_of_the_same_signed_token() {
    let parties = Parties::new();
    let chain = Forge::new(&parties).chain(&parties);
    let (before, leaf) = chain.split_once("~~").unwrap();
    let (jwt, disclosures) = leaf.split_once('~').unwrap();
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let signature = p256::ecdsa::Signature::from_slice(&b64::decode(signature, "x").unwrap()).unwrap();
    let (r, s) = signature.split_scalars();
    let negated = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    let other = format!("{before}~~{signed}.{}~{disclosures}", b64::encode(&negated.to_bytes()));
    assert_ne!(chain, other);
    let hash = |chain: &str| parties.verify(chain, &[HERE]).unwrap().last().signed_hash.clone();
    assert_eq!(hash(&chain), hash(&other));
    assert_ne!(hash(&chain), hash(&Forge::new(&parties).chain(&parties)));
}

#[test]
fn an_open_mandate_ends_and_no_caller_can_tolerate_more_than_five_minutes() {
    let parties = Parties::new();
    let token =
        root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    let root_key = |kid: Option<&str>| parties.trust(kid);
    // It was made 60 s before and ends 3,600 s after the usual now.
    for (after_s, skew_s, fine) in [
        (0, 0, true),
        (3_600, 0, true),
        (3_601, 0, false),
        (3_900, 300, true),
        (3_901, 300, false),
        (3_901, 1_000_000, false),
        (-60, 0, true),
        (-61, 0, false),
        (-361, 1_000_000, false),
        (3_601, -1_000, false),
    ] {
        let check = Check { root_key: &root_key, bindings: &[], now: now().plus_s(after_s), skew_s };
        assert_eq!(Chain::verify(&token, &check).is_ok(), fine, "{after_s} {skew_s}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_fall_over(text in "[~.A-Za-z0-9_=\\-\u{e9}]{0,60}", cut in 0_usize..2_000, more in ".{0,5}") {
        let parties = Parties::new();
        let _ = parties.verify(&text, &[HERE]);
        let _ = (References::of(&text), Json::read(&text), jwt::Jwt::parse(&text).is_ok());
        let good = PAYMENT_CHAIN.trim();
        let spliced = format!("{}{more}{}", &good[..cut.min(good.len())], &good[cut.min(good.len())..]);
        proptest::prop_assert!(more.is_empty() || published(&spliced).is_err());
    }
}
