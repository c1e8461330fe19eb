//! Whether a company's industry is one that the client wants, across the many names for the same trade.

use crate::fold::words;

/// Names for the same trade, folded and without generic endings. LinkedIn's, Google's and everyday names.
const SAME: &[&[&str]] = &[
    &[
        "software",
        "computer software",
        "saas",
        "software development",
        "software as a service",
        "apps",
        "b2b saas",
    ],
    &[
        "technology",
        "tech",
        "information technology",
        "it",
        "information technology and",
        "ict",
        "it consulting",
        "managed it",
        "internet",
        "computer",
    ],
    &["fintech", "financial technology"],
    &[
        "marketing",
        "advertising",
        "marketing agency",
        "digital marketing",
        "digital agency",
        "seo",
        "pr",
        "public relations",
        "public relations and communications",
        "creative agency",
    ],
    &[
        "healthcare",
        "health care",
        "health",
        "hospital",
        "medical",
        "medical practice",
        "clinic",
        "hospitals",
        "allied health",
    ],
    &["dental", "dentist", "dentistry", "dental clinic", "orthodontics", "orthodontist"],
    &["real estate", "property", "realty", "realestate", "property management", "estate agent"],
    &[
        "construction",
        "building",
        "builder",
        "building construction",
        "residential construction",
        "commercial construction",
        "home building",
    ],
    &["trade", "plumbing", "electrical", "hvac", "roofing", "plumber", "electrician"],
    &["manufacturing", "manufacturer", "industrial manufacturing", "fabrication"],
    &["legal", "law", "law practice", "lawyer", "solicitor", "attorney", "law firm"],
    &["accounting", "accountant", "bookkeeping", "cpa", "tax"],
    &["financial", "finance", "banking", "wealth management", "investment management", "financial planning"],
    &["insurance", "insurance broker"],
    &[
        "consulting",
        "management consulting",
        "business consulting",
        "consultancy",
        "consultant",
        "professional",
        "professional services",
    ],
    &[
        "recruitment",
        "recruiting",
        "staffing",
        "staffing and recruiting",
        "human resources",
        "hr",
        "executive search",
    ],
    &[
        "education",
        "e learning",
        "elearning",
        "edtech",
        "higher education",
        "school",
        "training",
        "professional training",
    ],
    &["ecommerce", "e commerce", "online retail", "internet retail"],
    &["retail", "store", "shop"],
    &["hospitality", "hotel", "restaurant", "cafe", "food and beverage", "food", "beverage"],
    &["fitness", "gym", "wellness", "health wellness and fitness", "personal training"],
    &[
        "logistics",
        "transport",
        "transportation",
        "freight",
        "supply chain",
        "trucking",
        "logistics and supply chain",
    ],
    &["automotive", "car dealer", "motor vehicle", "auto"],
    &["nonprofit", "non profit", "not for profit", "charity", "ngo", "nonprofit organization management"],
    &["energy", "solar", "renewables", "renewable energy", "renewables and environment", "oil", "utilities"],
    &["agriculture", "farming", "agribusiness"],
    &["mining", "mining and metals", "resources"],
    &["telecommunication", "telecom", "telco"],
    &["media", "publishing", "entertainment", "media production", "film"],
    &["architecture", "architect", "architecture and planning"],
    &["engineering", "civil engineering", "mechanical engineering"],
    &["travel", "tourism", "leisure travel", "leisure", "travel agency"],
    &["beauty", "cosmetics", "salon", "hairdressing", "hairdresser"],
    &["veterinary", "vet", "veterinarian"],
    &["biotechnology", "biotech", "pharmaceutical", "pharma", "life sciences"],
];

/// Endings that say nothing about the trade.
const GENERIC: &[&str] = &[
    "industry",
    "services",
    "service",
    "company",
    "companies",
    "firm",
    "firms",
    "business",
    "businesses",
    "sector",
    "practice",
    "practices",
    "agency",
    "agencies",
    "group",
    "provider",
    "providers",
];

/// Whether the industry of a lead is the wanted one: the same trade under another name, or a kind of it
/// ("Commercial Real Estate" for "Real estate"). Whole words only: "hospitality" is not "IT".
pub fn matches(given: &str, wanted: &str) -> bool {
    let (whole_given, whole_wanted) = (words(given), words(wanted));
    if whole_given.is_empty() || whole_wanted.is_empty() {
        return false;
    }
    if whole_given == whole_wanted {
        return true;
    }
    let wanted = phrases(wanted);
    phrases(given).iter().any(|given| {
        wanted.iter().any(|wanted| {
            given == wanted
                || contains_words(given, wanted)
                || group(given).is_some_and(|same| Some(same) == group(wanted))
        })
    })
}

fn contains_words(long: &str, short: &str) -> bool {
    format!(" {long} ").contains(&format!(" {short} "))
}

/// "Marketing & Advertising services" → "marketing", "advertising".
fn phrases(text: &str) -> Vec<String> {
    let mut out = vec![plain(&words(text))];
    out.extend(
        text.replace(['&', '/', ',', ';', '|', '+'], " and ")
            .split(" and ")
            .map(|phrase| plain(&words(phrase))),
    );
    out.retain(|phrase| !phrase.is_empty());
    out
}

/// Without generic endings and plural s, unless nothing would be left.
fn plain(phrase: &str) -> String {
    let mut parts: Vec<&str> = phrase.split(' ').collect();
    while parts.len() > 1 && parts.last().is_some_and(|last| GENERIC.contains(last)) {
        parts.pop();
    }
    parts.iter().map(|word| singular(word)).collect::<Vec<_>>().join(" ")
}

fn singular(word: &str) -> &str {
    match word {
        "logistics" | "renewables" | "utilities" | "sciences" | "cosmetics" | "orthodontics"
        | "resources" | "saas" => word,
        _ if word.len() > 4 && !word.ends_with("ss") => word.strip_suffix('s').unwrap_or(word),
        _ => word,
    }
}

fn group(phrase: &str) -> Option<usize> {
    SAME.iter().position(|names| names.iter().any(|name| plain(name) == phrase))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn the_same_trade_under_other_names_matches() {
        for (given, wanted) in [
            ("Computer Software", "SaaS"),
            ("Hospital & Health Care", "healthcare"),
            ("Marketing and Advertising", "Digital marketing agencies"),
            ("Dental practice", "Dentists"),
            ("Commercial Real Estate", "real estate"),
            ("Law Practice", "Legal services"),
            ("Information Technology & Services", "IT"),
            ("Accounting", "Accounting firms"),
            ("Financial Services", "finance"),
            ("Construction", "construction"),
            ("Staffing and Recruiting", "Recruitment"),
            ("E-commerce", "Ecommerce"),
        ] {
            assert!(matches(given, wanted), "{given} / {wanted}");
        }
    }

    #[test]
    fn other_trades_do_not_match() {
        for (given, wanted) in [
            ("Hospitality", "IT"),
            ("Mining & Metals", "Software"),
            ("Retail", "Real estate"),
            ("Security", "Construction"),
            ("", "Software"),
            ("Software", ""),
        ] {
            assert!(!matches(given, wanted), "{given} / {wanted}");
        }
    }
}
