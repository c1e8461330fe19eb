//! What stands around every page: the menu with its counts, today's spend, the Stop button.

use crate::{App, Identity};
use base::{Actor, Result, Role};
use futures::future::BoxFuture;
use maud::Markup;
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use ui::{
    layout::{NavGroup, NavItem},
    state::{Banner, Flash, Level},
};

/// A number beside a menu entry: a scalar subquery over `$1` the tenant, `$2` the person who looks (null for
/// programs) and `$3` the instant. All of them are read with one statement on every page, so each must be
/// served by an index and stop at [`Count::MAX`]` + 1` rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count(pub &'static str);

impl Count {
    /// The largest number that is shown exactly; more is shown as this and a plus.
    pub const MAX: i64 = 99;
}

/// Reads today's spend for the header.
pub type SpendSource = Arc<dyn for<'a> Fn(&'a mut db::Cx) -> BoxFuture<'a, Result<Spend>> + Send + Sync>;

/// Today's spend against the cap.
#[derive(Clone, Debug)]
pub struct Spend {
    /// What was spent and reserved, as printed.
    pub used: String,
    /// The cap, as printed.
    pub cap: String,
    /// Used over cap, 0 to 1 and beyond.
    pub ratio: f64,
    /// The page with the rows behind it.
    pub href: &'static str,
}

/// An entry of the menu.
#[derive(Clone)]
pub struct MenuItem {
    /// The group's heading; empty for the first group.
    pub group: &'static str,
    /// Where in the menu: lower is higher.
    pub order: u16,
    /// What it is called.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// The letter that opens it after `g`.
    pub key: Option<char>,
    /// The number beside it.
    pub count: Option<Count>,
    /// Whether it belongs into the bottom bar of small screens.
    pub daily: bool,
    /// Whether only whoever runs the installation sees it.
    pub platform: bool,
}

/// The gathered surroundings of one page.
pub struct Chrome {
    counts: Vec<Option<i64>>,
    spend: Option<Spend>,
    newest_fact: Option<i64>,
}

/// The one statement of [`Chrome::gather`]: the newest fact, and the counts in the order of the menu.
pub(crate) fn statement(menu: &[MenuItem]) -> Arc<str> {
    let counts: Vec<String> =
        menu.iter().filter_map(|item| item.count).map(|count| format!("({})", count.0)).collect();
    // Every parameter is named even where no count asks for it, so that its type is known.
    format!(
        "select (select max(id) from kernel.fact where tenant_id = $1), array[{}]::bigint[]
         from (select $2::uuid, $3::timestamptz) looked",
        counts.join(", ")
    )
    .into()
}

/// What of a request shows on its page.
pub(crate) struct Look<'a> {
    pub path: &'a str,
    pub theme: Option<&'a str>,
    pub flash: Option<&'a str>,
    pub title: &'a str,
}

impl Chrome {
    /// Reads counts, the newest fact and spend in the page's transaction.
    pub async fn gather(app: &App, cx: &mut db::Cx) -> Result<Self> {
        let person = match cx.actor() {
            Actor::User { id } => Some(id.uuid()),
            Actor::ApiKey { .. }
            | Actor::Principal { .. }
            | Actor::Agent { .. }
            | Actor::Prospect
            | Actor::System { .. }
            | Actor::Anonymous => None,
        };
        let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
        // Made of constants of the program only.
        let statement = AssertSqlSafe(app.0.counts.clone());
        let (newest_fact, found): (Option<i64>, Vec<i64>) =
            sqlx::query_as(statement).bind(tenant).bind(person).bind(now).fetch_one(cx.conn()).await?;
        let mut found = found.into_iter();
        let counts = app.menu().iter().map(|item| item.count.and_then(|_| found.next())).collect();
        let spend = match &app.0.spend {
            Some(source) => Some(source(cx).await?),
            None => None,
        };
        Ok(Self { counts, spend, newest_fact })
    }

    /// The whole document.
    pub(crate) fn shell(&self, app: &App, who: &Identity, look: &Look<'_>, body: Markup) -> Markup {
        let banner = app.settings().banner.as_str();
        let shell = ui::layout::Shell {
            title: look.title.to_owned(),
            who: ui::layout::Who {
                user: who.name.clone(),
                tenant: who.tenant_name.clone(),
                tenants: who.others.iter().map(|(id, name)| (name.clone(), id.to_string())).collect(),
            },
            nav: self.menu(app, who),
            path: look.path.to_owned(),
            spend: self.spend.as_ref().map(|s| ui::layout::Spend {
                used: s.used.clone(),
                cap: s.cap.clone(),
                ratio: s.ratio,
                href: s.href.to_owned(),
            }),
            theme: look.theme.map(ui::layout::Theme::named).unwrap_or_default(),
            banner: (!banner.is_empty()).then(|| Banner {
                level: Level::Info,
                text: banner.to_owned(),
                act: None,
            }),
            stop_href: (who.role >= Role::Member).then(|| "/stop".to_owned()),
            flash: look.flash.map(|text| Flash { level: Level::Good, text: text.to_owned() }),
            live: Some(ui::layout::Live {
                href: "/live".to_owned(),
                from: Some(self.newest_fact.unwrap_or(0).to_string()),
            }),
            now: Some(app.db().clock().now()),
            account: ACCOUNT.iter().map(|(label, href)| ((*label).to_owned(), (*href).to_owned())).collect(),
            ..ui::layout::Shell::default()
        };
        shell.page(body)
    }

    fn menu(&self, app: &App, who: &Identity) -> Vec<NavGroup> {
        let mut groups: Vec<NavGroup> = Vec::new();
        for (item, count) in app.menu().iter().zip(&self.counts) {
            if item.platform && !who.platform {
                continue;
            }
            let entry = NavItem {
                label: item.label.to_owned(),
                href: item.href.to_owned(),
                count: *count,
                key: item.key,
                daily: item.daily,
            };
            match groups.iter_mut().find(|group| group.title == item.group) {
                Some(group) => group.items.push(entry),
                None => groups.push(NavGroup { title: item.group.to_owned(), items: vec![entry] }),
            }
        }
        groups
    }
}

/// The account menu.
const ACCOUNT: [(&str, &str); 4] = [
    ("Profile", "/settings/profile"),
    ("Notifications", "/notifications"),
    ("Security", "/settings/security"),
    ("Settings", "/settings"),
];
