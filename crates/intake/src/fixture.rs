//! The generator of `fixtures/leads/messy-500.csv`: the same bytes every time.
//!
//! `UPDATE_FIXTURES=1 cargo nextest run -p intake messy` writes the file again.

use std::fmt::Write as _;

/// What a row of the fixture is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Good,
    SameEmail,
    SameLinkedin,
    SamePerson,
    BadEmail,
    NoContact,
    Shifted,
    OpenQuote,
    BadPhone,
    HeaderAgain,
    TooLong,
}

/// How many rows of each kind: 500 in all.
const PLAN: [(Kind, usize); 11] = [
    (Kind::Good, 440),
    (Kind::SameEmail, 15),
    (Kind::SameLinkedin, 8),
    (Kind::SamePerson, 5),
    (Kind::BadEmail, 14),
    (Kind::NoContact, 6),
    (Kind::Shifted, 4),
    (Kind::OpenQuote, 3),
    (Kind::BadPhone, 2),
    (Kind::HeaderAgain, 2),
    (Kind::TooLong, 1),
];

const HEADER: &str = "First Name,Surname,Job Title,Company Name,E-mail Address,Mobile,Work Phone,Person LinkedIn URL,# Employees,Sector,Country,State/Region,Suburb/City,Website,Email Status,Notes,Lead Owner";

const FIRST: [&str; 24] = [
    "Priya", "Liam", "Chloé", "Noah", "Mei", "Oliver", "Zoë", "Jack", "Amelia", "Hamish", "Søren", "Isla",
    "Björn", "Grace", "Tomás", "Ruby", "Aroha", "Ethan", "Siobhán", "Lucas", "Nguyen", "Harper", "Dmitri",
    "Willow",
];
const LAST: [&str; 22] = [
    "Nair",
    "O'Brien",
    "Müller",
    "Smith-Jones",
    "Tran",
    "van der Berg",
    "Kelly",
    "Østergaard",
    "García",
    "Singh",
    "McDonald",
    "Patel",
    "Brown",
    "Nakamura",
    "Ferrari",
    "Walker",
    "Ngata",
    "Čapek",
    "D'Souza",
    "White",
    "Lee",
    "Taylor",
];
const COMPANY: [&str; 20] = [
    "Harbour Dental",
    "Cobalt Software",
    "Ridge & Sons Plumbing",
    "Blue Gum Realty",
    "Northside Physio",
    "Kite Analytics",
    "Fernhill Legal",
    "Bright Path Accounting",
    "Southern Solar",
    "Maple Lane Vets",
    "Ironbark Construction",
    "Café Lumière",
    "Tidewater Logistics",
    "Wattle Fitness",
    "Copperfield Media",
    "Summit Recruitment",
    "Opal Health",
    "Quarry Road Brewing",
    "Lighthouse IT",
    "Banksia Interiors",
];
const TITLE: [&str; 20] = [
    "Owner",
    "CEO",
    "Founder & CEO",
    "Co-Founder",
    "Managing Director",
    "\"Director, Operations\"",
    "Practice Manager",
    "VP Sales",
    "Head of Marketing",
    "Marketing Manager",
    "CTO",
    "Chief Financial Officer",
    "Assistant to the CEO",
    "Office Manager",
    "Marketing Coordinator",
    "Sr. Account Manager",
    "General Manager",
    "Product Owner",
    "Receptionist",
    "",
];
/// Numbers that the Australian regulator keeps for fiction.
const MOBILE: [&str; 8] = [
    "0491 570 156",
    "+61 491 570 157",
    "(0491) 570158",
    "61491570159",
    "491570110",
    "0491-570-313",
    "+61 (0)491 570 737",
    "0491.571.266",
];
const SIZE: [&str; 10] = ["12", "11-50", "1,200", "51 to 200", "~40", "Nov-50", "8.0", "10,001+", "lots", ""];
const SECTOR: [&str; 8] = [
    "Dental",
    "Computer Software",
    "Construction",
    "Real Estate",
    "Health, Wellness and Fitness",
    "Legal",
    "Accounting",
    "",
];
const PLACE: [(&str, &str, &str); 8] = [
    ("Australia", "NSW", "Sydney"),
    ("AU", "Victoria", "Melbourne"),
    ("australia", "qld", "Cairns"),
    ("AUS", "Western Australia", "Perth"),
    ("New Zealand", "", "Auckland"),
    ("", "SA", "Adelaide"),
    ("Australia ", "TAS", "Hobart"),
    ("Straya", "NT", "Darwin"),
];
const NOTES: [&str; 10] = [
    "",
    "Met at the expo",
    "\"Said: \"\"call me in March\"\", twice\"",
    "\"First line\r\nsecond line\"",
    "=1+1",
    "@SUM(A1:A9)",
    "<script>alert('hi')</script>",
    "Robert'); DROP TABLE leads;--",
    "-",
    "n/a",
];

/// A small fixed generator (numbers of Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % bound
    }
}

/// The file's bytes: UTF-8 with a mark, two lines before the header, CRLF, some values in Windows-1252.
pub(super) fn bytes() -> Vec<u8> {
    let mut dice = Dice(20_261_121);
    let mut kinds: Vec<Kind> =
        PLAN.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count)).collect();
    // A duplicate stands behind its first row and the second half is shuffled among itself.
    let (firsts, rest) = kinds.split_at_mut(120);
    assert!(firsts.iter().all(|kind| *kind == Kind::Good));
    for at in (1..rest.len()).rev() {
        rest.swap(at, dice.below(at + 1));
    }
    let mut out: Vec<u8> = b"\xef\xbb\xbfExported contacts\r\n\r\n".to_vec();
    out.extend_from_slice(HEADER.as_bytes());
    out.extend_from_slice(b"\r\n");
    let (mut good, mut copied) = (0, 0);
    for (index, kind) in kinds.into_iter().enumerate() {
        if index % 41 == 7 {
            out.extend_from_slice(if index % 2 == 0 { b"\r\n" } else { b",,,,,,,,,,,,,,,,\r\n" });
        }
        let line = row(kind, &mut good, &mut copied);
        // Every 29th row was pasted from an old Windows program.
        if index % 29 == 3 {
            out.extend_from_slice(&encoding_rs::WINDOWS_1252.encode(&line).0);
        } else {
            out.extend_from_slice(line.as_bytes());
        }
        // A zero byte, as left by a broken export.
        if index % 97 == 11 {
            out.push(0);
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn row(kind: Kind, good: &mut usize, copied: &mut usize) -> String {
    match kind {
        Kind::Good => {
            *good += 1;
            person(*good - 1)
        }
        Kind::SameEmail => {
            *copied += 1;
            format!(",,,,{},,,,,,,,,,verified,seen again,", address(with_address(2 * *copied)).to_uppercase())
        }
        Kind::SameLinkedin => {
            *copied += 1;
            // Person 11, 22, … has a profile and no address.
            let slug = 11 * (*copied % 8 + 1);
            format!("Someone,Else,,,,,,linkedin.com/in/person-{slug}/?trk=x,,,,,,,,,")
        }
        Kind::SamePerson => {
            *copied += 1;
            let index = 13 * (*copied % 5 + 1);
            let (first, last, company) = identity(index);
            format!("{},{last},,{company} Pty Ltd,,0491 570 156,,,,,,,,,,,", first.to_uppercase())
        }
        Kind::BadEmail => {
            *copied += 1;
            let bad = [
                "jo at cobalt.example",
                "jo@",
                "@cobalt.example",
                "jo@@cobalt.example",
                "jo@cobalt",
                "jo smith.example",
                "https://cobalt.example",
            ];
            format!(
                "Jo,Bad{c},Owner,Cobalt,{},0491 570 156,,,,,,,,,,,",
                bad[*copied % bad.len()],
                c = *copied
            )
        }
        Kind::NoContact => {
            "Sam,Silent,CEO,Nowhere Pty Ltd,n/a,-,,,12,Legal,Australia,NSW,Sydney,nowhere.example,,,"
                .to_owned()
        }
        Kind::Shifted => {
            "Kim,Shift,CEO,Shift, Lift & Sons,kim@shift.example,,,,12,Legal,Australia,NSW,Sydney,,,,Mary"
                .to_owned()
        }
        Kind::OpenQuote => "Pat,Quote,CEO,\"Unclosed Pty Ltd,pat@unclosed.example,,,,,,,,,,,,".to_owned(),
        Kind::BadPhone => "Lee,Phone,CEO,Callme,,12345,,,,,,,,,,,".to_owned(),
        Kind::HeaderAgain => HEADER.to_owned(),
        Kind::TooLong => {
            format!("Max,Long,CEO,Longwinded,max@long.example,,,,,,,,,,,{},", "blah ".repeat(14_000))
        }
    }
}

/// The first person from this one on whose row has an address.
fn with_address(from: usize) -> usize {
    (from..).find(|index| !index.is_multiple_of(11) && !index.is_multiple_of(13)).unwrap_or(from)
}

fn identity(index: usize) -> (&'static str, String, &'static str) {
    // 24 × 22 name pairs differ for all 440 rows; the number keeps them apart for readers.
    let last = LAST[(index / FIRST.len() + index) % LAST.len()];
    (FIRST[index % FIRST.len()], last.to_owned(), COMPANY[index % COMPANY.len()])
}

fn address(index: usize) -> String {
    let domain = match index % 9 {
        7 => "gmail.com".to_owned(),
        _ => format!(
            "{}.example",
            COMPANY[index % COMPANY.len()].to_lowercase().replace([' ', '&', 'é', 'è'], "")
        ),
    };
    let local = if index % 37 == 5 {
        format!("info{}", if index > 37 { index.to_string() } else { String::new() })
    } else {
        format!("person{index}")
    };
    format!("{local}@{domain}")
}

fn person(index: usize) -> String {
    let (first, last, company) = identity(index);
    let email = match index {
        _ if index != 0 && index.is_multiple_of(11) => String::new(),
        _ if index != 0 && index.is_multiple_of(13) => String::new(),
        _ => match index % 8 {
            1 => format!("mailto:{}", address(index)),
            2 => format!("\"{first} <{}>\"", address(index)),
            3 => format!("  {} ", address(index)),
            4 => address(index).to_uppercase(),
            _ => address(index),
        },
    };
    let linkedin = match index {
        _ if index != 0 && index.is_multiple_of(11) => format!("https://www.linkedin.com/in/person-{index}"),
        _ if index.is_multiple_of(17) => "https://www.linkedin.com/company/acme".to_owned(),
        _ => String::new(),
    };
    let mobile = match index {
        // Readable in whatever country the row names.
        _ if index.is_multiple_of(13) => phone(index, 1),
        _ if index.is_multiple_of(3) => phone(index, index % MOBILE.len()),
        _ => String::new(),
    };
    let (country, state, city) = PLACE[index % PLACE.len()];
    let first = if index % 10 == 4 { first.to_uppercase() } else { first.to_owned() };
    let company = if company.contains(',') { format!("\"{company}\"") } else { company.to_owned() };
    let mut line = String::new();
    write!(
        line,
        "{first},{last},{},{company},{email},{mobile},,{linkedin},{},{},{country},{state},{city},www.{index}.example/about,{},{},Mary",
        TITLE[index % TITLE.len()],
        quoted(SIZE[index % SIZE.len()]),
        quoted(SECTOR[index % SECTOR.len()]),
        ["verified", "catch-all", "", "guessed"][index % 4],
        NOTES[index % NOTES.len()],
    )
    .expect("writing to a string cannot fail");
    // Some rows end early.
    if index % 19 == 6 { line.trim_end_matches("Mary").trim_end_matches(',').to_owned() } else { line }
}

/// Everybody's own number, in one of eight spellings: who opts out stops their number for all who share it.
fn phone(index: usize, spelling: usize) -> String {
    if index < 24 && index.is_multiple_of(3) {
        return MOBILE[spelling].to_owned();
    }
    let last = format!("{index:04}");
    match spelling {
        0 => format!("02 7010 {last}"),
        1 => format!("+61 2 7010 {last}"),
        2 => format!("(02) 7010{last}"),
        3 => format!("6127010{last}"),
        // A number without its country, in a row of New Zealand: nobody can tell whose it is.
        4 => MOBILE[4].to_owned(),
        5 => format!("02-7010-{last}"),
        6 => format!("+61 (0)2 7010 {last}"),
        _ => format!("02.7010.{last}"),
    }
}

fn quoted(value: &str) -> String {
    if value.contains(',') { format!("\"{value}\"") } else { value.to_owned() }
}
