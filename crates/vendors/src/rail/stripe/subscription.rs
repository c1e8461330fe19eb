//! Stripe Billing: Checkout in subscription mode, the customer portal, subscriptions, invoices.
//!
//! What a plan costs is kept here; Stripe gets a price for each of our rows when it is first sold, found
//! again by its lookup key. The tax is a tax rate, a discount for life a coupon.

use super::subscription_wire::{
    CouponObject, InvoiceObject, PageObject, PriceObject, SessionObject, SubscriptionObject, TaxRateObject,
};
use super::wire::List;
use super::{Stripe, code, webhook};
use async_trait::async_trait;
use base::Time;
use ports::rail::{Account, Inbound, RailError, WebhookError};
use ports::subscription::{
    Change, Checkout, Event, Invoice, Page, Price, Session, Subscription, Subscriptions, Tax, Wish,
};
use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

/// Seconds since 1970, as Stripe counts.
fn seconds(at: Time) -> String {
    at.ms().div_euclid(1_000).to_string()
}

/// `10`, `12.5`: percent out of hundredths of a percent.
pub(super) fn percent(basis_points: i32) -> String {
    let (whole, part) = (basis_points / 100, basis_points % 100);
    let text = format!("{whole}.{part:02}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Stripe {
    async fn read_one<T: DeserializeOwned>(
        &self,
        account: &Account,
        path: &[&str],
        fields: &[(&str, &str)],
    ) -> Result<T, RailError> {
        self.call(account, Method::GET, path, fields, None).await
    }

    async fn found_price(&self, account: &Account, price: &Price) -> Result<Option<String>, RailError> {
        let key = price.plan.to_string();
        let fields = [("lookup_keys[0]", key.as_str()), ("active", "true"), ("limit", "1")];
        let list: List<PriceObject> = self.read_one(account, &["prices"], &fields).await?;
        let Some(found) = list.data.into_iter().next() else { return Ok(None) };
        if found.unit_amount != Some(price.minor)
            || !found.currency.eq_ignore_ascii_case(price.currency.code())
        {
            return Err(RailError::Rejected {
                code: "price_differs".to_owned(),
                message: format!(
                    "The price {} at Stripe is not what the plan {} says. Archive it there; it is made again.",
                    found.id, price.name
                ),
            });
        }
        Ok(Some(found.id))
    }

    /// The price at Stripe of one of our rows, made where there is none.
    async fn price(&self, account: &Account, price: &Price) -> Result<String, RailError> {
        if let Some(found) = self.found_price(account, price).await? {
            return Ok(found);
        }
        let (minor, currency, plan) = (price.minor.to_string(), code(price.currency), price.plan.to_string());
        let behaviour = match &price.tax {
            Some(tax) if tax.inclusive => "inclusive",
            Some(_) => "exclusive",
            None => "unspecified",
        };
        let fields = [
            ("unit_amount", minor.as_str()),
            ("currency", &currency),
            ("recurring[interval]", "month"),
            ("product_data[name]", &price.name),
            ("lookup_key", &plan),
            ("tax_behavior", behaviour),
            ("metadata[plan]", &plan),
        ];
        let key = format!("price-{plan}");
        let made: Result<PriceObject, _> =
            self.call(account, Method::POST, &["prices"], &fields, Some(&key)).await;
        match made {
            Ok(made) => Ok(made.id),
            // Somebody else made it at the same moment.
            Err(RailError::Rejected { code, message }) => match self.found_price(account, price).await? {
                Some(found) => Ok(found),
                None => Err(RailError::Rejected { code, message }),
            },
            Err(other) => Err(other),
        }
    }

    /// The tax rate at Stripe, made where there is none.
    async fn tax_rate(&self, account: &Account, tax: &Tax) -> Result<String, RailError> {
        let inclusive = tax.inclusive.to_string();
        let fields = [("active", "true"), ("inclusive", inclusive.as_str()), ("limit", "100")];
        let list: List<TaxRateObject> = self.read_one(account, &["tax_rates"], &fields).await?;
        if let Some(found) = list.data.into_iter().find(|rate| rate.is(tax)) {
            return Ok(found.id);
        }
        let of_hundred = percent(tax.basis_points);
        let fields = [
            ("display_name", tax.name.as_str()),
            ("percentage", &of_hundred),
            ("inclusive", &inclusive),
            ("country", &tax.country),
        ];
        let key = format!("tax-{}-{}-{}-{inclusive}", tax.country, tax.name, tax.basis_points);
        let made: TaxRateObject =
            self.call(account, Method::POST, &["tax_rates"], &fields, Some(&key)).await?;
        Ok(made.id)
    }

    /// A discount for life, made where there is none.
    async fn coupon(&self, account: &Account, off: i32) -> Result<String, RailError> {
        let (id, off) = (format!("founding-{off}"), off.to_string());
        match self.read_one::<CouponObject>(account, &["coupons", &id], &[]).await {
            Ok(found) => return Ok(found.id),
            Err(RailError::Rejected { code, .. }) if code == "resource_missing" => {}
            Err(other) => return Err(other),
        }
        let fields = [
            ("id", id.as_str()),
            ("percent_off", &off),
            ("duration", "forever"),
            ("name", "Founding member"),
        ];
        let key = format!("coupon-{id}");
        let made: CouponObject = self.call(account, Method::POST, &["coupons"], &fields, Some(&key)).await?;
        Ok(made.id)
    }
}

#[async_trait]
impl Subscriptions for Stripe {
    async fn checkout(&self, account: &Account, asked: &Checkout) -> Result<Page, RailError> {
        let price = self.price(account, &asked.price).await?;
        let rate = match &asked.price.tax {
            Some(tax) => Some(self.tax_rate(account, tax).await?),
            None => None,
        };
        let coupon = match asked.percent_off {
            Some(off) => Some(self.coupon(account, off).await?),
            None => None,
        };
        let (tenant, ours, ends) =
            (asked.tenant.to_string(), asked.id.to_string(), seconds(asked.expires_at));
        let trial_end = asked.trial_end.map(seconds);
        let mut fields = vec![
            ("mode", "subscription"),
            ("line_items[0][price]", price.as_str()),
            ("line_items[0][quantity]", "1"),
            ("success_url", asked.success.as_str()),
            ("cancel_url", asked.cancel.as_str()),
            ("client_reference_id", &tenant),
            ("metadata[checkout]", &ours),
            ("subscription_data[metadata][tenant]", &tenant),
            ("expires_at", &ends),
        ];
        match &asked.customer {
            Some(customer) => fields.push(("customer", customer)),
            None => fields.push(("customer_email", &asked.email)),
        }
        if let Some(rate) = &rate {
            fields.push(("subscription_data[default_tax_rates][0]", rate));
        }
        if let Some(coupon) = &coupon {
            fields.push(("discounts[0][coupon]", coupon));
        }
        if let Some(end) = &trial_end {
            fields.push(("subscription_data[trial_end]", end));
        }
        let made: PageObject =
            self.call(account, Method::POST, &["checkout", "sessions"], &fields, Some(&ours)).await?;
        made.page()
    }

    async fn portal(&self, account: &Account, customer: &str, back: &Url) -> Result<Page, RailError> {
        let fields = [("customer", customer), ("return_url", back.as_str())];
        let made: PageObject =
            self.call(account, Method::POST, &["billing_portal", "sessions"], &fields, None).await?;
        made.page()
    }

    async fn session(&self, account: &Account, id: &str) -> Result<Session, RailError> {
        let found: SessionObject = self.read_one(account, &["checkout", "sessions", id], &[]).await?;
        found.session()
    }

    async fn close(&self, account: &Account, id: &str) -> Result<Session, RailError> {
        let path = ["checkout", "sessions", id, "expire"];
        let closed: Result<SessionObject, _> = self.call(account, Method::POST, &path, &[], None).await;
        match closed {
            Ok(closed) => closed.session(),
            // It was used or is over already: which of the two, it says itself.
            Err(RailError::Rejected { .. }) => self.session(account, id).await,
            Err(other) => Err(other),
        }
    }

    async fn subscription(&self, account: &Account, id: &str) -> Result<Subscription, RailError> {
        let found: SubscriptionObject = self.read_one(account, &["subscriptions", id], &[]).await?;
        found.subscription()
    }

    async fn change(&self, account: &Account, asked: &Change) -> Result<Subscription, RailError> {
        let path = ["subscriptions", asked.subscription.as_str()];
        let changed: SubscriptionObject = match &asked.to {
            Wish::EndWithPeriod(ends) => {
                let ends = ends.to_string();
                let fields = [("cancel_at_period_end", ends.as_str())];
                self.call(account, Method::POST, &path, &fields, Some(&asked.key)).await?
            }
            Wish::Price { price, at_once } => {
                let price = self.price(account, price).await?;
                let now: SubscriptionObject = self.read_one(account, &path, &[]).await?;
                let item = now.item()?.to_owned();
                let mut fields = vec![("items[0][id]", item.as_str()), ("items[0][price]", &price)];
                if *at_once {
                    fields.push(("proration_behavior", "always_invoice"));
                    fields.push(("payment_behavior", "pending_if_incomplete"));
                } else {
                    fields.push(("proration_behavior", "none"));
                }
                self.call(account, Method::POST, &path, &fields, Some(&asked.key)).await?
            }
        };
        changed.subscription()
    }

    async fn invoice(&self, account: &Account, id: &str) -> Result<Invoice, RailError> {
        let found: InvoiceObject = self.read_one(account, &["invoices", id], &[]).await?;
        found.invoice()
    }

    async fn invoices(&self, account: &Account, subscription: &str) -> Result<Vec<Invoice>, RailError> {
        let fields = [("subscription", subscription), ("limit", "100")];
        let list: List<InvoiceObject> = self.read_one(account, &["invoices"], &fields).await?;
        list.data.into_iter().map(InvoiceObject::invoice).collect()
    }

    fn event(&self, account: &Account, inbound: &Inbound) -> Result<Event, WebhookError> {
        let keys = account.stripe().map_err(|_| WebhookError::Unsigned)?;
        webhook::verify(&keys.webhook_secrets, inbound)?;
        super::subscription_wire::event(&inbound.body)
    }
}
