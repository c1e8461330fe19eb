//! The editor of a policy: what is typed, and the rules that it says.

use super::words::{Caps, Country, Geo, Hours, Rules, Velocity, Weekday};
use crate::rail::Rail;
use crate::vendor::{Vendor, VendorId};
use base::{Currency, Error, Money, Result, Time, Zone};
use jiff::civil::DateTime;
use std::collections::{BTreeMap, BTreeSet};
use ui::prelude::*;

/// What is typed: names may come more than once.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed(Vec<(String, String)>);

/// Rows of caps that stand empty below those that are filled in.
const SPARE_CAPS: usize = 1;

impl Typed {
    /// What a browser sent.
    pub(super) fn sent(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// How these rules are typed.
    pub(super) fn of(rules: &Rules) -> Self {
        let mut typed = Self::default();
        typed.put("skus", rules.skus.iter().cloned().collect::<Vec<_>>().join("\n"));
        for vendor in &rules.vendors {
            typed.put("vendors", vendor.to_string());
        }
        for (row, (currency, caps)) in rules.caps.iter().enumerate() {
            let major = |minor: i64| Money { minor, currency: *currency }.to_major();
            typed.put(&format!("currency{row}"), currency.code());
            typed.put(&format!("one{row}"), major(caps.per_transaction_minor));
            typed.put(&format!("day{row}"), major(caps.per_day_minor));
            typed.put(&format!("month{row}"), major(caps.per_month_minor));
            typed.put(&format!("approval{row}"), caps.approval_above_minor.map(major).unwrap_or_default());
        }
        if let Some(velocity) = rules.velocity {
            typed.put("count_max", velocity.count_max.to_string());
            typed.put("window_s", velocity.window_s.to_string());
        }
        if let Some(geo) = &rules.geo {
            let (mode, list) = match geo {
                Geo::Allow(list) => ("allow", list),
                Geo::Deny(list) => ("deny", list),
            };
            typed.put("geo", mode);
            typed.put("countries", list.iter().map(Country::to_string).collect::<Vec<_>>().join(" "));
        }
        typed.put("zone", rules.zone.name());
        if let Some(hours) = &rules.hours {
            typed.put("hours", "1");
            for day in &hours.weekdays {
                typed.put("weekdays", day.word());
            }
            typed.put("from", hours.from.to_string());
            typed.put("until", hours.until.to_string());
        }
        if let Some(networks) = &rules.ip_allow {
            typed.put("ip", "1");
            typed.put("networks", networks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        }
        for rail in &rules.rails {
            typed.put("rails", rail.word());
        }
        if rules.x402_enabled {
            typed.put("x402_enabled", "1");
        }
        let wall = |at: Time| at.in_zone(&rules.zone).datetime().strftime("%Y-%m-%dT%H:%M").to_string();
        typed.put("valid_from", wall(rules.valid_from));
        typed.put("valid_until", rules.valid_until.map(wall).unwrap_or_default());
        typed
    }

    fn put(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.trim())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(n, value)| n == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The rules that it says.
    ///
    /// # Errors
    /// Invalid, naming what cannot be read.
    pub(super) fn rules(&self) -> Result<Rules> {
        let zone = Zone::named(self.get("zone"))?;
        let vendors = self.all("vendors").map(|id| {
            id.parse::<VendorId>().map_err(|cause| invalid("A vendor's id cannot be read.").caused_by(cause))
        });
        let rules = Rules {
            skus: lines(self.get("skus")).map(str::to_owned).collect(),
            vendors: vendors.collect::<Result<_>>()?,
            caps: self.caps()?,
            velocity: self.velocity()?,
            geo: self.geo()?,
            hours: self.hours()?,
            ip_allow: self.networks()?,
            rails: self.all("rails").map(str::parse).collect::<Result<BTreeSet<Rail>>>()?,
            x402_enabled: !self.get("x402_enabled").is_empty(),
            valid_from: instant(self.get("valid_from"), &zone)?
                .ok_or_else(|| invalid("Say from when on it holds."))?,
            valid_until: instant(self.get("valid_until"), &zone)?,
            zone,
        };
        rules.check()?;
        Ok(rules)
    }

    fn caps(&self) -> Result<BTreeMap<Currency, Caps>> {
        let mut caps = BTreeMap::new();
        for row in 0..Currency::ALL.len() {
            let word = self.get(&format!("currency{row}"));
            if word.is_empty() {
                continue;
            }
            let currency: Currency = word.parse()?;
            let amount = |name: &str| match self.get(&format!("{name}{row}")) {
                "" => Err(invalid(format!(
                    "{word}: fill in the limits of a payment, a day and a month; 0 allows nothing."
                ))),
                text => Money::from_major(text, currency).map(|money| money.minor),
            };
            let approval = match self.get(&format!("approval{row}")) {
                "" => None,
                _ => Some(amount("approval")?),
            };
            let row = Caps {
                per_transaction_minor: amount("one")?,
                per_day_minor: amount("day")?,
                per_month_minor: amount("month")?,
                approval_above_minor: approval,
            };
            if caps.insert(currency, row).is_some() {
                return Err(invalid(format!("{word} is there twice.")));
            }
        }
        Ok(caps)
    }

    fn velocity(&self) -> Result<Option<Velocity>> {
        match (self.get("count_max"), self.get("window_s")) {
            ("", "") => Ok(None),
            (count, window) => match (count.parse(), window.parse()) {
                (Ok(count_max), Ok(window_s)) => Ok(Some(Velocity { count_max, window_s })),
                _ => Err(invalid("How often: whole numbers of payments and of seconds, or neither.")),
            },
        }
    }

    fn geo(&self) -> Result<Option<Geo>> {
        let list = || {
            let words = self
                .get("countries")
                .split(|c: char| c.is_whitespace() || c == ',')
                .filter(|w| !w.is_empty());
            words.map(str::parse).collect::<Result<BTreeSet<Country>>>()
        };
        match self.get("geo") {
            "" => Ok(None),
            "allow" => Ok(Some(Geo::Allow(list()?))),
            "deny" => Ok(Some(Geo::Deny(list()?))),
            other => Err(invalid(format!("“{other}” is no rule about countries."))),
        }
    }

    fn hours(&self) -> Result<Option<Hours>> {
        if self.get("hours").is_empty() {
            return Ok(None);
        }
        let day = |word: &str| {
            Weekday::ALL
                .into_iter()
                .find(|day| day.word() == word)
                .ok_or_else(|| invalid(format!("“{word}” is no day of the week.")))
        };
        Ok(Some(Hours {
            weekdays: self.all("weekdays").map(day).collect::<Result<_>>()?,
            from: self.get("from").parse()?,
            until: self.get("until").parse()?,
        }))
    }

    fn networks(&self) -> Result<Option<Vec<ipnet::IpNet>>> {
        if self.get("ip").is_empty() {
            return Ok(None);
        }
        let network = |line: &str| {
            line.parse::<ipnet::IpNet>()
                .or_else(|_| line.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
                .map_err(|cause| {
                    invalid(format!("“{line}” is no network such as 10.0.0.0/8.")).caused_by(cause)
                })
        };
        lines(self.get("networks")).map(network).collect::<Result<_>>().map(Some)
    }

    /// The form, with what is typed in it.
    pub(super) fn form(&self, principal: &str, vendors: &[Vendor]) -> Form {
        let text = |name: &str| self.get(name).to_owned();
        let known: Vec<String> = self.all("vendors").map(str::to_owned).collect();
        let choices: Vec<Choice> = vendors
            .iter()
            .filter(|v| v.status == crate::vendor::Status::Active || known.contains(&v.id.to_string()))
            .map(|v| Choice::new(v.id.to_string(), v.name.as_str()))
            .collect();
        let filled =
            (0..Currency::ALL.len()).filter(|row| !self.get(&format!("currency{row}")).is_empty()).count();
        let mut form = Form::post("/pay/policies", "policy")
            .hidden("principal_id", principal)
            .field(
                Field::area("skus", "What may be bought", 4)
                    .value(text("skus"))
                    .hint("One SKU on each line, exactly as vendors name them. Empty: nothing."),
            )
            .field(
                Field::checks("vendors", "Who may be paid", choices)
                    .values(known)
                    .hint("None chosen: nobody."),
            );
        for row in 0..(filled + SPARE_CAPS).min(Currency::ALL.len()) {
            form = form.set(format!("Limits {}", row + 1), self.cap_fields(row));
        }
        let days = Weekday::ALL.map(|day| Choice::new(day.word(), day.label()));
        let geo = [
            ("", "From anywhere"),
            ("allow", "Only from these countries"),
            ("deny", "Not from these countries"),
        ];
        form.set(
            "How often",
            [
                Field::line(Input::Number, "count_max", "Payments at most")
                    .value(text("count_max"))
                    .range("0", "1000", "1"),
                Field::line(Input::Number, "window_s", "Within seconds")
                    .value(text("window_s"))
                    .range("1", "2678400", "1"),
            ],
        )
        .set(
            "From where",
            [
                Field::select("geo", "Countries", geo).value(text("geo")),
                Field::text("countries", "Which")
                    .value(text("countries"))
                    .hint("Two letters each, such as AU NZ."),
            ],
        )
        .field(Field::check("ip", "Only from these networks", !self.get("ip").is_empty()))
        .field(
            Field::area("networks", "Networks", 3)
                .value(text("networks"))
                .hint("One on each line, such as 203.0.113.0/24."),
        )
        .field(Field::text("zone", "Zone of days, months and hours").value(text("zone")).required())
        .field(Field::check("hours", "Only at these hours", !self.get("hours").is_empty()))
        .field(Field::checks("weekdays", "Days", days).values(self.all("weekdays").map(str::to_owned)))
        .line([
            Field::text("from", "From").value(text("from")).placeholder("09:00"),
            Field::text("until", "Until")
                .value(text("until"))
                .placeholder("17:00")
                .hint("Earlier than From: past midnight."),
        ])
        .field(
            Field::checks("rails", "Over which rails", Rail::ALL.map(|r| Choice::new(r.word(), r.label())))
                .values(self.all("rails").map(str::to_owned)),
        )
        .field(Field::check("x402_enabled", "x402 may be used", !self.get("x402_enabled").is_empty()))
        .line([
            Field::line(Input::DateTime, "valid_from", "Holds from").value(text("valid_from")).required(),
            Field::line(Input::DateTime, "valid_until", "Holds until")
                .value(text("valid_until"))
                .hint("Empty: without an end."),
        ])
    }

    fn cap_fields(&self, row: usize) -> [Field; 5] {
        let field = |name: &str, label: &str| {
            let name = format!("{name}{row}");
            let value = self.get(&name).to_owned();
            Field::text(name, label).value(value)
        };
        let name = format!("currency{row}");
        let value = self.get(&name).to_owned();
        let currencies = std::iter::once(Choice::new("", "None"))
            .chain(Currency::ALL.map(|c| Choice::new(c.code(), c.code())));
        [
            Field::select(name, "Currency", currencies).value(value),
            field("one", "A payment at most"),
            field("day", "A day at most"),
            field("month", "A month at most"),
            field("approval", "A person agrees above").hint("Empty: never."),
        ]
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::invalid("policy.invalid", text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A wall time of a zone as an instant; none when nothing is typed.
pub(super) fn instant(text: &str, zone: &Zone) -> Result<Option<Time>> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = text.parse::<DateTime>().and_then(|wall| wall.to_zoned(zone.tz()));
    read.map(|at| Some(Time::new(at.timestamp())))
        .map_err(|cause| invalid(format!("“{text}” is no day and time.")).caused_by(cause))
}
