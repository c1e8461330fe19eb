//! Generated prospects: plausible, mixed in quality, and plainly not real (reserved example domains).

use base::Random;

const FIRST: [&str; 60] = [
    "Priya", "Tom", "Lena", "Marcus", "Aisha", "Daniel", "Mei", "Oliver", "Sofia", "Jack", "Chloe", "Arjun",
    "Grace", "Liam", "Hannah", "Noah", "Zara", "Ethan", "Isla", "Lucas", "Amelia", "Henry", "Ruby", "Leo",
    "Ella", "Sam", "Anika", "Ben", "Freya", "Max", "Georgia", "Will", "Tara", "Finn", "Nina", "Omar", "Eva",
    "Hugo", "Maya", "Josh", "Alice", "Ravi", "Kate", "Dylan", "Rosa", "Ivan", "Jade", "Owen", "Lucy",
    "Karan", "Megan", "Patrick", "Yuki", "Simon", "Olga", "Declan", "Fatima", "George", "Holly", "Nikhil",
];

const LAST: [&str; 60] = [
    "Nair",
    "Becker",
    "Ortiz",
    "Webb",
    "Rahman",
    "Nguyen",
    "Chen",
    "Hughes",
    "Rossi",
    "Murphy",
    "Taylor",
    "Mehta",
    "Kelly",
    "Walsh",
    "Fischer",
    "Brown",
    "Khan",
    "Clarke",
    "Stewart",
    "Silva",
    "Jones",
    "Evans",
    "Patel",
    "Martin",
    "Wilson",
    "Cooper",
    "Sharma",
    "Scott",
    "Larsen",
    "Weber",
    "Bailey",
    "Turner",
    "Singh",
    "Doyle",
    "Petrov",
    "Haddad",
    "Kovac",
    "Lindgren",
    "Iyer",
    "Barnes",
    "Marsh",
    "Reddy",
    "Quinn",
    "Price",
    "Costa",
    "Novak",
    "Lam",
    "Gallagher",
    "Foster",
    "Malhotra",
    "Byrne",
    "Flynn",
    "Tanaka",
    "Archer",
    "Popov",
    "Sullivan",
    "Aziz",
    "Grant",
    "Field",
    "Rao",
];

/// A trade with the words that its companies carry in their names.
pub struct Trade {
    /// As it stands in the list.
    pub industry: &'static str,
    /// Words of company names.
    pub names: [&'static str; 4],
}

/// The trades of the generated market.
pub const TRADES: [Trade; 8] = [
    Trade { industry: "Dental", names: ["Dental Group", "Dental Care", "Smiles", "Orthodontics"] },
    Trade { industry: "Fitness", names: ["Fitness", "Athletic Club", "Pilates", "Strength"] },
    Trade { industry: "Legal", names: ["Lawyers", "Legal", "Law Partners", "Conveyancing"] },
    Trade { industry: "Real Estate", names: ["Property", "Realty", "Estate Agents", "Homes"] },
    Trade { industry: "Software", names: ["Software", "Systems", "Cloud", "Labs"] },
    Trade { industry: "Construction", names: ["Builders", "Constructions", "Projects", "Joinery"] },
    Trade { industry: "Retail", names: ["Outfitters", "Trading Co", "Supply", "Store"] },
    Trade { industry: "Accounting", names: ["Accountants", "Advisory", "Tax", "Bookkeeping"] },
];

const PLACES: [(&str, &str, &str); 10] = [
    ("Sydney", "NSW", "Harbour"),
    ("Melbourne", "VIC", "Yarra"),
    ("Brisbane", "QLD", "Riverside"),
    ("Perth", "WA", "Swan"),
    ("Adelaide", "SA", "Torrens"),
    ("Hobart", "TAS", "Derwent"),
    ("Canberra", "ACT", "Capital"),
    ("Geelong", "VIC", "Bellarine"),
    ("Newcastle", "NSW", "Hunter"),
    ("Darwin", "NT", "Top End"),
];

const TITLES: [(&str, i64); 16] = [
    ("Founder", 8),
    ("Owner", 10),
    ("CEO", 6),
    ("Managing Director", 8),
    ("Chief Marketing Officer", 4),
    ("Marketing Director", 9),
    ("Head of Growth", 5),
    ("VP Sales", 3),
    ("Marketing Manager", 14),
    ("Practice Manager", 9),
    ("Operations Manager", 7),
    ("Senior Marketing Manager", 4),
    ("Account Executive", 4),
    ("Office Coordinator", 3),
    ("Assistant to the CEO", 2),
    ("", 4),
];

const HEADCOUNTS: [(&str, i64); 6] =
    [("1-5", 2), ("6-15", 4), ("16-30", 4), ("31-50", 3), ("51-200", 3), ("201-500", 1)];

const FACTS: [&str; 6] = [
    "opened a second location this year",
    "has three job ads out for front-desk staff",
    "moved its bookings to an online form",
    "sponsors the local junior league",
    "started a monthly newsletter",
    "was named a finalist in the state business awards",
];

fn one<'a, T>(random: &Random, list: &'a [T]) -> &'a T {
    let last = i64::try_from(list.len()).unwrap_or(1) - 1;
    let index = usize::try_from(random.between(0, last)).unwrap_or(0);
    list.get(index).unwrap_or(&list[0])
}

fn weighted<'a>(random: &Random, list: &'a [(&'a str, i64)]) -> &'a str {
    let total: i64 = list.iter().map(|(_, weight)| weight).sum();
    let mut draw = random.between(1, total);
    for (value, weight) in list {
        draw -= weight;
        if draw <= 0 {
            return value;
        }
    }
    list.first().map_or("", |(value, _)| value)
}

fn chance(random: &Random, percent: i64) -> bool {
    random.between(1, 100) <= percent
}

fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A list of `count` prospects as a messy CSV file, as a client would bring it: some rows without a
/// usable address, some twice, some with stray blanks.
pub fn list(random: &Random, client: usize, count: usize, trades: &[usize]) -> String {
    let mut csv = String::from(
        "First Name,Last Name,Email,Email Status,Job Title,Company,Industry,Employees,City,State,Country,LinkedIn URL,Mobile,Hiring,Notes\n",
    );
    for number in 0..count {
        let trade = TRADES.get(*one(random, trades)).unwrap_or(&TRADES[0]);
        let (city, state, place) = one(random, &PLACES);
        let (first, last) = (one(random, &FIRST), one(random, &LAST));
        let company = format!("{place} {}", one(random, &trade.names));
        let domain = format!("{}-{client}{number}.example", company.to_lowercase().replace(' ', "-"));
        let email = match random.between(1, 100) {
            1..=2 => format!("{first}.{last}_at_{domain}"),
            3..=6 => format!("info@{domain}"),
            _ => format!("{}.{}@{domain}", first.to_lowercase(), last.to_lowercase()),
        };
        let status = weighted(random, &[("verified", 60), ("catch_all", 20), ("", 20)]);
        let linkedin = if chance(random, 65) {
            format!("https://linkedin.com/in/{first}-{last}-{client}{number}")
        } else {
            String::new()
        };
        let mobile = if chance(random, 40) {
            format!("04{:08}", random.between(10_000_000, 99_999_999))
        } else {
            String::new()
        };
        let hiring = if chance(random, 25) { "yes" } else { "" };
        let note =
            if chance(random, 55) { format!("{company} {}", one(random, &FACTS)) } else { String::new() };
        let row = [
            (*first).to_owned(),
            (*last).to_owned(),
            if chance(random, 3) { format!(" {} ", email.to_uppercase()) } else { email },
            status.to_owned(),
            weighted(random, &TITLES).to_owned(),
            company,
            trade.industry.to_owned(),
            weighted(random, &HEADCOUNTS).to_owned(),
            (*city).to_owned(),
            (*state).to_owned(),
            "Australia".to_owned(),
            linkedin.to_lowercase(),
            mobile,
            hiring.to_owned(),
            note,
        ];
        let line = row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",");
        csv.push_str(&line);
        csv.push('\n');
        if chance(random, 2) {
            // Lists that were put together by hand have the same person twice.
            csv.push_str(&line);
            csv.push('\n');
        }
    }
    csv
}
