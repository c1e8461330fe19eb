//! What stands around every page: the menu with its counts, today's spend, the Stop button.

use crate::{App, Identity};
use base::Result;
use futures::future::BoxFuture;
use maud::Markup;

/// A number beside a menu entry, read in the page's transaction.
pub type Count = for<'a> fn(&'a mut db::Cx) -> BoxFuture<'a, Result<i64>>;

/// Reads today's spend for the header.
pub type SpendSource = for<'a> fn(&'a mut db::Cx) -> BoxFuture<'a, Result<Spend>>;

/// Today's spend against the cap.
#[derive(Clone, Debug)]
pub struct Spend {
    /// What was spent and reserved, as printed.
    pub used: String,
    /// The cap, as printed; none when there is no budget.
    pub cap: Option<String>,
    /// Used over cap, 0-1.
    pub ratio: f64,
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
    /// Whether only whoever runs the installation sees it.
    pub platform: bool,
}

/// The gathered surroundings of one page.
pub struct Chrome {
    counts: Vec<Option<i64>>,
    spend: Option<Spend>,
}

impl Chrome {
    /// Reads counts and spend in the page's transaction.
    pub async fn gather(app: &App, cx: &mut db::Cx) -> Result<Self> {
        let mut counts = Vec::with_capacity(app.menu().len());
        for item in app.menu() {
            counts.push(match item.count {
                Some(count) => Some(count(cx).await?),
                None => None,
            });
        }
        let spend = match app.0.spend {
            Some(source) => Some(source(cx).await?),
            None => None,
        };
        Ok(Self { counts, spend })
    }

    /// The whole document.
    #[expect(clippy::too_many_arguments, reason = "the one place where all parts of a page meet")]
    pub fn shell(
        &self,
        app: &App,
        who: &Identity,
        path: &str,
        theme: Option<&str>,
        flash: Option<&str>,
        title: &str,
        body: Markup,
    ) -> Markup {
        let mut groups: Vec<ui::layout::NavGroup> = Vec::new();
        for (item, count) in app.menu().iter().zip(&self.counts) {
            if item.platform && !who.platform {
                continue;
            }
            let entry =
                ui::layout::NavItem { label: item.label, href: item.href, count: *count, key: item.key };
            match groups.last_mut() {
                Some(group) if group.title == item.group => group.items.push(entry),
                _ => groups.push(ui::layout::NavGroup { title: item.group, items: vec![entry] }),
            }
        }
        let banner = app.settings().banner.as_str();
        let shell = ui::layout::Shell {
            title,
            user: &who.name,
            tenant: &who.tenant_name,
            nav: &groups,
            path,
            spend: self.spend.as_ref().map(|s| ui::layout::SpendMeter {
                used: &s.used,
                cap: s.cap.as_deref(),
                ratio: s.ratio,
            }),
            theme,
            banner: (!banner.is_empty()).then_some(banner),
            flash,
        };
        shell.render(body)
    }
}
