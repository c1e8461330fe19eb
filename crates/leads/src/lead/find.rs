//! Finding leads: filters, orders, pages by keyset, and counts that stay cheap at a million rows.
//!
//! Every condition that may lead an index is leakproof (see the schema), because row security lets no
//! other one near an index; words go through `leads.seek`.

use super::{LeadId, Status, write::called};
use crate::Country;
use crate::score::Tier;
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

/// Counts stop here and read "10,000+".
pub const COUNT_MAX: i64 = 10_000;
/// A search for words looks at no more leads than this.
pub const SEEK_MAX: i32 = 10_000;
/// The shortest word that is looked for: a trigram index knows no shorter ones.
const WORD_MIN: usize = 3;

/// Which leads, as an address or a program says it. Empty means any.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Asked {
    /// Words in name, company, address or title; each of three letters or more.
    pub q: String,
    /// A state.
    pub status: String,
    /// A tier, or `none` for leads without a score.
    pub tier: String,
    /// An industry, exactly (without case).
    pub industry: String,
    /// A country.
    pub country: String,
    /// The import that brought them.
    pub import: String,
    /// `yes` or `no`: there is an e-mail address.
    pub email: String,
    /// `recorded` or `missing`.
    pub consent: String,
    /// The lowest score.
    pub score_min: String,
    /// The highest score.
    pub score_max: String,
    /// `score` (default), `newest` or `name`.
    pub sort: String,
    /// Where the page begins.
    pub after: String,
}

impl Asked {
    /// From the pairs of an address; names that mean nothing here are passed over.
    pub fn from_pairs<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut asked = Self::default();
        for (key, value) in pairs {
            let slot = match key.as_ref() {
                "q" => &mut asked.q,
                "status" => &mut asked.status,
                "tier" => &mut asked.tier,
                "industry" => &mut asked.industry,
                "country" => &mut asked.country,
                "import" => &mut asked.import,
                "email" => &mut asked.email,
                "consent" => &mut asked.consent,
                "score_min" => &mut asked.score_min,
                "score_max" => &mut asked.score_max,
                "sort" => &mut asked.sort,
                "after" => &mut asked.after,
                _ => continue,
            };
            *slot = value.into();
        }
        asked
    }

    /// From the query of an address.
    pub fn from_query(query: &str) -> Self {
        Self::from_pairs(
            url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())),
        )
    }

    fn pairs(&self) -> [(&'static str, &str); 12] {
        [
            ("q", &self.q),
            ("status", &self.status),
            ("tier", &self.tier),
            ("industry", &self.industry),
            ("country", &self.country),
            ("import", &self.import),
            ("email", &self.email),
            ("consent", &self.consent),
            ("score_min", &self.score_min),
            ("score_max", &self.score_max),
            ("sort", &self.sort),
            ("after", &self.after),
        ]
    }

    /// The query of an address that asks the same, without the place in the list.
    pub fn query(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.pairs() {
            if !value.is_empty() && name != "after" {
                out.append_pair(name, value);
            }
        }
        out.finish()
    }

    /// Whether anything is filtered.
    pub fn is_filtered(&self) -> bool {
        self.pairs().iter().any(|(name, value)| !value.is_empty() && !matches!(*name, "sort" | "after"))
    }

    /// The typed filter. Errors name the value that cannot be used.
    pub fn filter(&self) -> Result<Filter> {
        fn maybe<T>(text: &str, read: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
            let text = text.trim();
            if text.is_empty() { Ok(None) } else { read(text).map(Some) }
        }
        let score = |text: &str| {
            text.parse::<u8>().ok().filter(|score| *score <= 100).ok_or_else(|| {
                Error::invalid("lead.filter", format!("“{text}” is not a score from 0 to 100."))
            })
        };
        let either = |text: &str, yes: &str, no: &str| match text {
            text if text == yes => Ok(true),
            text if text == no => Ok(false),
            text => Err(Error::invalid("lead.filter", format!("“{text}” is neither {yes} nor {no}."))),
        };
        let words: Vec<String> = self.q.split_whitespace().map(str::to_lowercase).take(8).collect();
        let (long, short): (Vec<String>, Vec<String>) =
            words.into_iter().partition(|word| word.chars().count() >= WORD_MIN);
        Ok(Filter {
            words: long,
            short_words: short,
            status: maybe(&self.status, str::parse)?,
            unscored: self.tier == "none",
            tier: if self.tier == "none" { None } else { maybe(&self.tier, str::parse)? },
            industry: maybe(&self.industry, |text| Ok(text.to_lowercase()))?,
            country: maybe(&self.country, |text| Country::try_from(text.to_owned()))?,
            import: maybe(&self.import, |text| {
                text.parse().map_err(|_| {
                    Error::invalid("lead.filter", format!("“{text}” is not the id of an import."))
                })
            })?,
            has_email: maybe(&self.email, |text| either(text, "yes", "no"))?,
            has_consent: maybe(&self.consent, |text| either(text, "recorded", "missing"))?,
            score_min: maybe(&self.score_min, score)?,
            score_max: maybe(&self.score_max, score)?,
        })
    }

    /// The order.
    pub fn order(&self) -> Result<Sort> {
        match self.sort.as_str() {
            "" | "score" => Ok(Sort::Score),
            "newest" => Ok(Sort::Newest),
            "name" => Ok(Sort::Name),
            other => {
                Err(Error::invalid("lead.sort", format!("“{other}” is not an order: score, newest or name.")))
            }
        }
    }

    /// Where the page begins.
    pub fn cursor(&self) -> Result<Option<Cursor>> {
        if self.after.is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_value(serde_json::Value::from(self.after.as_str()))?))
    }
}

/// Which leads. Everything that is said must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Words of three letters or more, in lower case.
    pub words: Vec<String>,
    /// Words that are too short to be looked for.
    pub short_words: Vec<String>,
    /// In this state.
    pub status: Option<Status>,
    /// Of this tier.
    pub tier: Option<Tier>,
    /// Without a score.
    pub unscored: bool,
    /// Of this industry, in lower case.
    pub industry: Option<String>,
    /// In this country.
    pub country: Option<Country>,
    /// Of this import.
    pub import: Option<Uuid>,
    /// With or without an e-mail address.
    pub has_email: Option<bool>,
    /// With or without a recorded basis of consent.
    pub has_consent: Option<bool>,
    /// With at least this score.
    pub score_min: Option<u8>,
    /// With at most this score.
    pub score_max: Option<u8>,
}

impl Filter {
    /// Whether the exact tally by state and tier can tell how many there are.
    pub fn is_tallied(&self) -> bool {
        let only = Self {
            status: self.status,
            tier: self.tier,
            unscored: self.unscored,
            short_words: self.short_words.clone(),
            ..Self::default()
        };
        *self == only
    }

    /// The bounds of the rank (the score, −1 without one).
    fn ranks(&self) -> Option<(i16, i16)> {
        if self.unscored {
            return Some((-1, -1));
        }
        let tier = self.tier.map(|tier| (tier.from_score(), tier.to_score()));
        let low = [tier.map(|t| t.0), self.score_min].into_iter().flatten().max();
        let high = [tier.map(|t| t.1), self.score_max].into_iter().flatten().min();
        if low.is_none() && high.is_none() {
            return None;
        }
        Some((i16::from(low.unwrap_or(0)), i16::from(high.unwrap_or(100))))
    }

    pub(super) fn push(&self, query: &mut QueryBuilder<Postgres>, tenant: Uuid) {
        query
            .push(" from leads.lead l where l.tenant_id = ")
            .push_bind(tenant)
            .push(" and l.deleted_at is null");
        if !self.words.is_empty() {
            query
                .push(" and l.id in (select leads.seek(")
                .push_bind(self.words.clone())
                .push(", ")
                .push_bind(SEEK_MAX)
                .push("))");
        }
        if let Some(status) = self.status {
            query.push(" and l.status_no = ").push_bind(status.number());
        }
        if let Some((low, high)) = self.ranks() {
            query.push(" and l.rank >= ").push_bind(low).push(" and l.rank <= ").push_bind(high);
        }
        if let Some(industry) = &self.industry {
            query.push(" and l.industry_key = ").push_bind(industry.clone());
        }
        if let Some(country) = self.country {
            query.push(" and l.country = ").push_bind(country.code().to_owned());
        }
        if let Some(import) = self.import {
            query.push(" and l.import_id = ").push_bind(import);
        }
        match self.has_email {
            Some(true) => drop(query.push(" and l.email is not null")),
            Some(false) => drop(query.push(" and l.email is null")),
            None => {}
        }
        match self.has_consent {
            Some(true) => drop(query.push(" and l.consent is not null")),
            Some(false) => drop(query.push(" and l.consent is null")),
            None => {}
        }
    }
}

/// The order of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sort {
    /// Best first; without a score last.
    #[default]
    Score,
    /// Last added first.
    Newest,
    /// By family name.
    Name,
}

/// A lead as lists show it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Which.
    pub id: LeadId,
    /// What to call it.
    pub name: String,
    /// Work address.
    pub email: Option<String>,
    /// Phone number in E.164.
    pub phone: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Company name.
    pub company: Option<String>,
    /// Industry.
    pub industry: Option<String>,
    /// Country code.
    pub country: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// ALS, 0-100.
    pub score: Option<i16>,
    /// The score's tier.
    pub tier: Option<Tier>,
    /// Whether a basis of consent is recorded.
    pub consent: bool,
    /// The last touch.
    pub last_touch_at: Option<Time>,
    /// Since when it is here.
    pub created_at: Time,
    #[serde(skip)]
    sort_name: String,
}

impl Summary {
    fn read(row: &PgRow) -> Result<Self> {
        let text = |name: &str| row.try_get::<Option<String>, _>(name);
        let (email, phone, company) = (text("email")?, text("phone")?, text("company_name")?);
        Ok(Self {
            id: LeadId(row.try_get("id")?),
            name: called(
                text("first_name")?.as_deref(),
                text("last_name")?.as_deref(),
                [email.as_deref(), company.as_deref(), phone.as_deref()],
            ),
            email,
            phone,
            title: text("title")?,
            company,
            industry: text("industry")?,
            country: text("country")?,
            status: row.try_get::<String, _>("status")?.parse()?,
            score: row.try_get("score")?,
            tier: text("tier")?.map(|tier| tier.parse()).transpose()?,
            consent: row.try_get("consented")?,
            last_touch_at: row.try_get("last_touch_at")?,
            created_at: row.try_get("created_at")?,
            sort_name: row.try_get("sort_name")?,
        })
    }

    fn cursor(&self, sort: Sort) -> Cursor {
        let key = match sort {
            Sort::Score => self.score.unwrap_or(-1).to_string(),
            Sort::Newest => self.created_at.to_string(),
            Sort::Name => self.sort_name.clone(),
        };
        Cursor::after(&key, self.id.uuid())
    }
}

/// The statement of one page; `before` stands in front of it (`explain` in tests).
pub(super) fn page_query(
    before: &str,
    tenant: Uuid,
    filter: &Filter,
    sort: Sort,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<QueryBuilder<Postgres>> {
    let mut query = QueryBuilder::new(format!(
        "{before}select l.id, l.first_name, l.last_name, l.email, l.phone, l.title, l.company_name, l.industry, l.country, l.status::text as status,
         l.score, l.tier::text as tier, l.consent is not null as consented, l.last_touch_at, l.created_at, l.sort_name"
    ));
    filter.push(&mut query, tenant);
    let damaged =
        || Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.");
    if let Some((key, id)) = after.map(Cursor::parts).transpose()? {
        match sort {
            Sort::Score => {
                let rank: i16 = key.parse().map_err(|_| damaged())?;
                query.push(" and (l.rank, l.id) < (").push_bind(rank).push(", ").push_bind(id).push(")");
            }
            Sort::Newest => {
                let at: Time = key.parse().map_err(|_| damaged())?;
                query.push(" and (l.created_at, l.id) < (").push_bind(at).push(", ").push_bind(id).push(")");
            }
            Sort::Name => {
                query.push(" and (l.sort_name, l.id) > (").push_bind(key).push(", ").push_bind(id).push(")");
            }
        }
    }
    query.push(match sort {
        Sort::Score => " order by l.rank desc, l.id desc",
        Sort::Newest => " order by l.created_at desc, l.id desc",
        Sort::Name => " order by l.sort_name, l.id",
    });
    // The limit stands in the text: a plan that does not know it is never good enough to be kept.
    query.push(format!(" limit {limit}"));
    Ok(query)
}

/// One page of leads.
pub async fn list(
    cx: &mut Cx,
    filter: &Filter,
    sort: Sort,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Summary>> {
    let tenant = cx.tenant()?.uuid();
    let most = i64::try_from(limit).unwrap_or(100) + 1;
    let mut query = page_query("", tenant, filter, sort, after, most)?;
    let rows = query.build().fetch_all(cx.conn()).await?;
    let rows: Vec<Summary> = rows.iter().map(Summary::read).collect::<Result<_>>()?;
    Ok(Page::cut(rows, limit, |row| row.cursor(sort)))
}

/// The statement that counts up to one more than [`COUNT_MAX`].
pub(super) fn count_query(before: &str, tenant: Uuid, filter: &Filter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(format!("{before}select count(*) from (select 1"));
    filter.push(&mut query, tenant);
    query.push(" limit ").push_bind(COUNT_MAX + 1).push(") found");
    query
}

/// How many there are, at most one more than [`COUNT_MAX`].
pub async fn count(cx: &mut Cx, filter: &Filter) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(count_query("", tenant, filter).build_query_scalar().fetch_one(cx.conn()).await?)
}

/// The ids behind `after`, in the order of ids, of leads that were there at `until`.
pub async fn ids(
    cx: &mut Cx,
    filter: &Filter,
    after: Option<Uuid>,
    until: Time,
    limit: i64,
) -> Result<Vec<LeadId>> {
    let tenant = cx.tenant()?.uuid();
    let mut query = QueryBuilder::new("select l.id");
    filter.push(&mut query, tenant);
    query.push(" and l.created_at <= ").push_bind(until);
    if let Some(after) = after {
        query.push(" and l.id > ").push_bind(after);
    }
    query.push(" order by l.id limit ").push_bind(limit);
    let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(cx.conn()).await?;
    Ok(ids.into_iter().map(LeadId).collect())
}
