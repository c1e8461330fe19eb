//! Sites in the manner of real ones (`fixtures/sites`): what is there is found with its words, what
//! is not there is not made up.

use crate::{Cited, Page, Profile, discover, folder};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sites"))
}

fn sites() -> BTreeMap<String, (Vec<Page>, Value)> {
    std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let expected = std::fs::read(path.join("expected.json")).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, (folder::read(&path).unwrap(), serde_json::from_slice(&expected).unwrap()))
        })
        .collect()
}

fn values<T: ToString>(all: &[Cited<T>]) -> Vec<String> {
    all.iter().map(|cited| cited.value.to_string()).collect()
}

fn found(profile: &Profile) -> BTreeMap<&'static str, Vec<String>> {
    BTreeMap::from([
        ("services", values(&profile.extract_services.services)),
        (
            "companies",
            profile.extract_portfolio.companies.iter().map(|cited| cited.value.name.clone()).collect(),
        ),
        ("industries", values(&profile.classify_industries.industries)),
        ("locations", values(&profile.derive_icp.icp_locations)),
        ("titles", values(&profile.derive_icp.icp_titles)),
        ("sizes", values(&profile.derive_icp.icp_sizes)),
    ])
}

/// Every difference between what was found and what is expected of a site.
fn faults(profile: &Profile, expected: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (field, have) in found(profile) {
        let list = |key: &str| -> Option<Vec<String>> {
            expected.get(key).map(|all| serde_json::from_value(all.clone()).unwrap())
        };
        if let Some(want) = list(field) {
            if want.is_empty() && !have.is_empty() {
                faults.push(format!("{field}: nothing is there, found {have:?}"));
            }
            faults.extend(
                want.iter()
                    .filter(|one| !have.contains(one))
                    .map(|one| format!("{field}: {one} is missing from {have:?}")),
            );
        }
        let never = list(&format!("{field}_never")).unwrap_or_default();
        faults.extend(
            never.iter().filter(|one| have.contains(one)).map(|one| format!("{field}: {one} is wrong")),
        );
    }
    let value = profile.extract_value_prop.value_proposition.as_ref().map(|cited| cited.value.clone());
    match (expected.get("value_proposition_has"), expected.get("value_proposition")) {
        (Some(words), _) if !value.as_ref().is_some_and(|v| v.contains(words.as_str().unwrap())) => {
            faults.push(format!("value proposition: {value:?} lacks {words}"));
        }
        (None, Some(Value::Null)) if value.is_some() => {
            faults.push(format!("value proposition: none is there, found {value:?}"))
        }
        _ => {}
    }
    let size = profile.estimate_company_size.team_size.as_ref().map(|cited| cited.value);
    if let Some(want) = expected.get("team_size")
        && want.as_u64() != size.map(u64::from)
    {
        faults.push(format!("team size: {size:?}, not {want}"));
    }
    let name = profile.parse_website.company_name.as_ref().map(|cited| cited.value.clone());
    if let Some(want) = expected.get("company_name").and_then(Value::as_str)
        && name.as_deref() != Some(want)
    {
        faults.push(format!("name: {name:?}, not {want}"));
    }
    if let Some(want) = expected.get("pain").and_then(Value::as_bool)
        && want == profile.derive_icp.icp_pain_points.is_empty()
    {
        faults.push(format!("pain points: {:?}", values(&profile.derive_icp.icp_pain_points)));
    }
    if expected
        .get("needs_script")
        .is_some_and(|want| want.as_bool() != Some(profile.parse_website.pages[0].needs_script))
    {
        faults.push("whether scripts build it".into());
    }
    if expected["abstain"] == true {
        let icp = &profile.derive_icp;
        if icp.pattern_description.is_some() || profile.suggest_als_weights.weights.is_some() {
            faults.push(format!("it should say nothing: {icp:?}"));
        }
    }
    faults
}

#[test]
fn each_site_gives_what_it_holds_and_no_more() {
    let sites = sites();
    assert!(sites.len() >= 12);
    let all: Vec<String> = sites
        .iter()
        .flat_map(|(name, (pages, expected))| {
            faults(&discover(pages), expected).into_iter().map(move |fault| format!("{name}: {fault}"))
        })
        .collect();
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}

/// Every `sources` of an answer, wherever it stands.
fn sources(answer: &Value, all: &mut Vec<(String, String)>) {
    match answer {
        Value::Object(fields) => {
            if let Some(cited) = fields.get("sources").and_then(Value::as_array) {
                assert!(!cited.is_empty(), "a value without evidence: {answer}");
                all.extend(
                    cited
                        .iter()
                        .map(|s| (s["page"].as_str().unwrap().into(), s["quote"].as_str().unwrap().into())),
                );
            }
            fields.values().for_each(|value| sources(value, all));
        }
        Value::Array(values) => values.iter().for_each(|value| sources(value, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_field_cites_words_that_stand_on_the_page_that_it_names() {
    let mut count = 0;
    for (name, (pages, _)) in sites() {
        let mut cited = Vec::new();
        sources(&serde_json::to_value(discover(&pages)).unwrap(), &mut cited);
        for (address, quote) in &cited {
            let page = pages
                .iter()
                .find(|page| page.url == *address)
                .unwrap_or_else(|| panic!("{name}: no page {address}"));
            let stands = page.blocks.iter().any(|block| block.text.contains(quote))
                || page.description.contains(quote)
                || page.title.contains(quote)
                || page.site_name.contains(quote)
                || page.things.iter().any(|thing| thing.to_string().contains(quote));
            assert!(!quote.is_empty() && stands, "{name}: {address} does not say “{quote}”");
        }
        count += cited.len();
    }
    assert!(count > 100, "{count} citations");
}

#[test]
fn shares_of_suggested_weights_are_a_whole() {
    for (name, (pages, _)) in sites() {
        let weights = discover(&pages).suggest_als_weights;
        assert_eq!(weights.weights.is_some(), !weights.reasoning.is_empty(), "{name}");
        if let Some(shares) = weights.weights {
            assert_eq!(shares.iter().sum::<u16>(), 100, "{name}: {shares:?}");
        }
    }
}
