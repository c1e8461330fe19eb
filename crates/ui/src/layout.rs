//! The page around every view: navigation, header, main part. Works without scripts.

use crate::assets;
use crate::progress::meter;
use crate::state::{Banner, Flash};
use maud::{DOCTYPE, Markup, Render, html};

/// Light or dark, as the person chose (cookie `theme`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    /// As the device says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme with its label, for the switch.
    pub const ALL: [(Self, &str); 3] =
        [(Self::System, "System"), (Self::Light, "Light"), (Self::Dark, "Dark")];

    /// The value in the cookie and in the form.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a cookie's or form's value; anything else is the device's.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().map(|(theme, _)| theme).find(|t| t.name() == name).unwrap_or_default()
    }

    fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.name()),
        }
    }
}

/// One place in the navigation.
#[derive(Clone, Debug, Default)]
pub struct NavItem {
    /// What it is called.
    pub label: String,
    /// Where it is.
    pub href: String,
    /// How many things wait there.
    pub count: Option<i64>,
    /// `g` and this letter go there.
    pub key: Option<char>,
    /// Whether it belongs into the bottom bar of small screens (the first five do).
    pub daily: bool,
}

impl NavItem {
    /// A place.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into(), ..Self::default() }
    }

    /// How many things wait there.
    #[must_use]
    pub fn count(mut self, count: i64) -> Self {
        self.count = Some(count);
        self
    }

    /// The letter after `g`.
    #[must_use]
    pub fn key(mut self, key: char) -> Self {
        self.key = Some(key);
        self
    }

    /// In the bottom bar of small screens.
    #[must_use]
    pub fn daily(mut self) -> Self {
        self.daily = true;
        self
    }
}

/// Places under one title; the first group has none.
#[derive(Clone, Debug, Default)]
pub struct NavGroup {
    /// The title; empty for the group on top.
    pub title: String,
    /// The places.
    pub items: Vec<NavItem>,
}

/// Who looks, and for whom.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// The person's name.
    pub user: String,
    /// The tenant's name, or "All clients".
    pub tenant: String,
    /// Other tenants to switch to, as (label, value to post).
    pub tenants: Vec<(String, String)>,
}

/// Money spent today against the cap.
#[derive(Clone, Debug, Default)]
pub struct Spend {
    /// What was spent, as printed money.
    pub used: String,
    /// The cap, as printed money.
    pub cap: String,
    /// Used of cap, 0 to 1 and beyond.
    pub ratio: f64,
    /// The rows behind it.
    pub href: String,
}

/// The page's stream of facts.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The address of the stream.
    pub href: String,
    /// The id of the last fact that this page already shows, so that none is missed in between.
    pub from: Option<String>,
}

/// Everything around the main part. Fill in what there is and leave the rest at its default.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The page's title, before the product's name.
    pub title: String,
    /// Who looks.
    pub who: Who,
    /// The navigation.
    pub nav: Vec<NavGroup>,
    /// The present path: marks the place in the navigation.
    pub path: String,
    /// The spend meter.
    pub spend: Option<Spend>,
    /// Light or dark.
    pub theme: Theme,
    /// A bar over the page.
    pub banner: Option<Banner>,
    /// Where "Stop…" leads; none hides it (people who may not stop anything).
    pub stop_href: Option<String>,
    /// The answer to the last act.
    pub flash: Option<Flash>,
    /// The stream of facts.
    pub live: Option<Live>,
    /// Now by the product's clock, for the refresh of relative times.
    pub now: Option<base::Time>,
    /// Links of the account menu as (label, address).
    pub account: Vec<(String, String)>,
    /// Where the palette asks.
    pub palette_href: String,
    /// Where the theme form posts (`theme=system|light|dark`); it then goes back.
    pub theme_action: String,
    /// Where choosing another tenant posts (`tenant=value`).
    pub switch_action: String,
    /// Where "Sign out" posts.
    pub sign_out_action: String,
    /// The token against forged requests: sent with every htmx request as `x-csrf-token` and with the
    /// shell's own forms as `csrf`. None when the server needs none.
    pub csrf: Option<String>,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            title: String::new(),
            who: Who::default(),
            nav: Vec::new(),
            path: String::new(),
            spend: None,
            theme: Theme::System,
            banner: None,
            stop_href: None,
            flash: None,
            live: None,
            now: None,
            account: Vec::new(),
            palette_href: "/palette".to_owned(),
            theme_action: "/theme".to_owned(),
            switch_action: "/switch".to_owned(),
            sign_out_action: "/sign-out".to_owned(),
            csrf: None,
        }
    }
}

impl Shell {
    /// The whole page around its main part.
    pub fn page(&self, main: impl Render) -> Markup {
        let headers = self.csrf.as_ref().map(|token| format!("{{\"x-csrf-token\":\"{token}\"}}"));
        document(
            &self.title,
            self.theme,
            html! {
                body data-live=[self.live.as_ref().map(|l| &l.href)] data-live-from=[self.live.as_ref().and_then(|l| l.from.as_ref())]
                    data-now=[self.now] hx-headers=[headers] {
                    a.skip href="#main" { "Skip to content" }
                    div.shell {
                        (self.side())
                        div {
                            (self.top())
                            @if let Some(banner) = &self.banner { (banner) }
                            main id="main" tabindex="-1" {
                                @if let Some(flash) = &self.flash { (flash) }
                                (main)
                            }
                        }
                    }
                    (self.dock())
                    div.vh id="announce" aria-live="polite" {}
                }
            },
        )
    }

    /// The address of the navigation that the present path belongs to: the longest that begins it.
    fn here(&self) -> Option<&str> {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        self.nav
            .iter()
            .flat_map(|group| &group.items)
            .map(|item| item.href.as_str())
            .filter(|href| {
                path == *href
                    || path.strip_prefix(href).is_some_and(|rest| href.len() > 1 && rest.starts_with('/'))
            })
            .max_by_key(|href| href.len())
    }

    fn side(&self) -> Markup {
        let here = self.here();
        html! {
            nav.side id="nav" aria-label="Main" {
                a.brand href="/" { (mark()) "Agency OS" }
                a.btn.side-close href="#main" { "Close" }
                @for group in &self.nav {
                    div {
                        @if !group.title.is_empty() { h2 { (group.title) } }
                        ul.plain {
                            @for item in &group.items {
                                li {
                                    a href=(item.href) aria-current=[(here == Some(item.href.as_str())).then_some("page")]
                                        data-key=[item.key] data-label=(item.label) {
                                        span { (item.label) }
                                        @if let Some(count) = item.count.filter(|c| *c > 0) { b.num { (badge(count)) } }
                                    }
                                }
                            }
                        }
                    }
                }
                // Small screens have no room for the account menu in the header: it is here.
                div.side-account {
                    h2 { (self.who.user) }
                    ul.plain { @for (label, href) in &self.account { li { a href=(href) { (label) } } } }
                    (self.sign_out())
                    (self.themes())
                }
            }
        }
    }

    fn top(&self) -> Markup {
        html! {
            header.top {
                a.btn.menu-link href="#nav" { "Menu" }
                @if self.who.tenants.is_empty() { div.tenant.boxed { (self.who.tenant) } }
                @else {
                    details.menu.tenant {
                        summary { (self.who.tenant) span.vh { ", switch to another" } }
                        ul.plain.menu-body {
                            @for (label, value) in &self.who.tenants {
                                li { form method="post" action=(self.switch_action) {
                                    (self.csrf_field()) button type="submit" name="tenant" value=(value) { (label) }
                                } }
                            }
                        }
                    }
                }
                a.find href=(self.palette_href) data-palette aria-keyshortcuts="Control+K Meta+K" {
                    span { "Find a lead, client, agent or page" } span.find-short { "Find" } kbd aria-hidden="true" { "⌘K" }
                }
                span.link-state data-link-state role="status" hidden {}
                @if let Some(spend) = &self.spend {
                    a.spend.num href=(spend.href) title="AI and channel spend today against the daily cap" {
                        span { (spend.used) " of " (spend.cap) " today" } (meter(spend.ratio, false))
                    }
                }
                @if let Some(href) = &self.stop_href {
                    a.btn.btn-danger href=(href) data-dialog="Stop" aria-haspopup="dialog" { "Stop…" }
                }
                (self.account())
            }
        }
    }

    fn account(&self) -> Markup {
        html! {
            details.menu {
                summary { (self.who.user) span.vh { " account menu" } }
                div.menu-body {
                    div.who { (self.who.user) @if !self.who.tenant.is_empty() { ", " (self.who.tenant) } }
                    ul.plain {
                        @for (label, href) in &self.account { li { a href=(href) { (label) } } }
                        li { (self.sign_out()) }
                    }
                    hr;
                    (self.themes())
                }
            }
        }
    }

    fn sign_out(&self) -> Markup {
        html! {
            form method="post" action=(self.sign_out_action) { (self.csrf_field()) button.btn.btn-quiet type="submit" { "Sign out" } }
        }
    }

    fn themes(&self) -> Markup {
        html! {
            form method="post" action=(self.theme_action) data-theme-form {
                (self.csrf_field())
                fieldset.theme {
                    legend { "Theme" }
                    @for (theme, label) in Theme::ALL {
                        button type="submit" name="theme" value=(theme.name()) aria-pressed=(theme == self.theme) { (label) }
                    }
                }
            }
        }
    }

    fn csrf_field(&self) -> Markup {
        html! { @if let Some(token) = &self.csrf { input type="hidden" name="csrf" value=(token); } }
    }

    fn dock(&self) -> Markup {
        let here = self.here();
        let daily: Vec<_> =
            self.nav.iter().flat_map(|g| &g.items).filter(|item| item.daily).take(5).collect();
        if daily.is_empty() {
            return html! {};
        }
        html! {
            nav.dock aria-label="Daily" {
                @for item in daily {
                    a href=(item.href) aria-current=[(here == Some(item.href.as_str())).then_some("page")] {
                        span { (item.label) }
                        @if let Some(count) = item.count.filter(|c| *c > 0) { b.num { (badge(count)) } }
                    }
                }
            }
        }
    }
}

/// A page with nothing around it: sign-in, sign-up, booking, unsubscribe, errors.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    /// The page's title.
    pub title: String,
    /// Light or dark.
    pub theme: Theme,
    /// The sentence under the card: another way in, who sends this.
    pub foot: Option<Markup>,
    /// Room for calendars and steps.
    pub wide: bool,
    /// The name above the card; the product's when empty (a client's booking page carries the client's).
    pub brand: String,
    /// The answer to the last act.
    pub flash: Option<Flash>,
}

impl Plain {
    /// The whole page: one card, centred. The content begins with an `h1`.
    pub fn page(&self, content: impl Render) -> Markup {
        document(
            &self.title,
            self.theme,
            html! {
                body {
                    a.skip href="#main" { "Skip to content" }
                    div.solo.wide[self.wide] {
                        header {
                            @if self.brand.is_empty() { a.brand href="/" { (mark()) "Agency OS" } }
                            @else { div.brand { (self.brand) } }
                        }
                        main id="main" tabindex="-1" {
                            @if let Some(flash) = &self.flash { (flash) }
                            div.card { div.stack { (content) } }
                        }
                        @if let Some(foot) = &self.foot { footer { (foot) } }
                    }
                    div.vh id="announce" aria-live="polite" {}
                }
            },
        )
    }
}

/// Counts in the menu stop being exact at 99: nobody works off more at a look, and counting on costs time.
fn badge(count: i64) -> String {
    if count > 99 { "99+".to_owned() } else { count.to_string() }
}

fn mark() -> Markup {
    html! { svg viewBox="0 0 18 18" aria-hidden="true" focusable="false" { rect width="18" height="18" rx="5" {} } }
}

/// htmx without what the content security policy forbids: inline styles and evaluated text.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true}"#;

fn document(title: &str, theme: Theme, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme.attribute()] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { (title) @if !title.is_empty() { " · " } "Agency OS" }
                meta name="description" content={ (title) @if !title.is_empty() { " in " } "Agency OS, one place to see and steer an agency run by agents." };
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                link rel="icon" href=(assets::icon()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::css());
                script src=(assets::htmx()) defer {}
                script src=(assets::js()) defer {}
            }
            (body)
        }
    }
}

#[cfg(test)]
#[path = "layout/tests.rs"]
mod tests;
