//! Postcards. The address is checked before anything is printed.

use super::{
    Channel, Form,
    way::{Fault, Keys, Looked, Out, Parcel, Person, PostalAddress, Sender, Taken, Then, Way},
};
use crate::content::{limits::Issue, short};
use async_trait::async_trait;
use base::{Error, Result};
use ports::{
    Ports,
    delivery::{Found, Reason, What},
    post::{Address, Asked, LobAccount, PostAccount, Postcard, Size, Status, Verdict},
};

/// The post.
pub(crate) struct Post;

impl Way for Post {
    fn reach(&self, person: &Person) -> Result<String, String> {
        match &person.address {
            None => Err("The lead has no postal address.".to_owned()),
            Some(address) if address.undeliverable => {
                Err("The post does not reach the lead's address.".to_owned())
            }
            Some(address) => Ok(address.line()),
        }
    }

    fn check(&self, form: Form, subject: &str, body: &str) -> Vec<Issue> {
        short::check(Channel::Mail, form, subject, body)
    }

    fn sender_lacks(&self, from: &Sender<'_>, _: &str) -> Option<String> {
        from.identity_lacks()
    }

    fn pack(&self, out: &Out<'_>) -> Result<Box<dyn Parcel>> {
        let person = out.person;
        let name = format!("{} {}", person.first_name, person.last_name);
        let name = [name.trim(), person.company.as_str()].into_iter().find(|name| !name.is_empty());
        let to = person
            .address
            .as_ref()
            .ok_or_else(|| Error::internal("A postcard passed the gate without an address."))?;
        let settings = &out.resource.settings;
        let own = |field: &str| settings.detail(field).unwrap_or_default().to_owned();
        let from = PostalAddress {
            line1: own("line1"),
            line2: own("line2"),
            city: own("city"),
            region: own("region"),
            postcode: own("postcode"),
            country: own("country"),
            undeliverable: false,
        };
        let card = Postcard {
            id: out.id,
            to: address(name.unwrap_or("The owner"), to),
            from: address(out.client, &from),
            front: side(&format!("<h1>{}</h1>", escaped(&out.content.subject))),
            back: side(&paragraphs(&out.content.body)),
            size: Size::Small,
            send_at: None,
        };
        let asked = Asked {
            card,
            provider_ref: out.provider_ref.map(str::to_owned),
            first_at: out.first_at,
            last_at: out.last_at,
        };
        Ok(Box::new(Packed { account: account(out.keys, &to.country)?, asked }))
    }
}

/// The account of a return address.
pub(crate) fn account(keys: &Keys, country: &str) -> Result<PostAccount> {
    if keys.provider != "lob" {
        return Err(keys.wrong("postcards"));
    }
    let countries = keys.maybe("countries").map_or_else(
        || vec![country.to_owned()],
        |text| text.split([',', ' ']).filter(|c| !c.is_empty()).map(str::to_uppercase).collect(),
    );
    Ok(PostAccount::Lob(LobAccount {
        api_key: keys.secret("api_key"),
        countries,
        base_url: keys.base_url()?,
    }))
}

fn address(name: &str, at: &PostalAddress) -> Address {
    Address {
        name: name.chars().take(40).collect(),
        line1: at.line1.chars().take(64).collect(),
        line2: at.line2.clone(),
        city: at.city.clone(),
        state: at.region.clone(),
        postcode: at.postcode.clone(),
        country: at.country.clone(),
    }
}

fn escaped(text: &str) -> String {
    maud::html! { (text) }.into_string()
}

fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(|part| format!("<p>{}</p>", escaped(part.trim()).replace('\n', "<br>"))).collect()
}

fn side(inside: &str) -> String {
    format!(
        "<html><body style=\"font-family:sans-serif;font-size:11pt;padding:0.4in\">{inside}</body></html>"
    )
}

/// How far a card is, as its provider's report says it.
fn told(status: Status) -> What {
    match status {
        Status::Queued => What::Queued,
        Status::Mailed => What::Mailed,
        Status::Delivered => What::Delivered,
        Status::Returned => What::ReturnedToSender,
        Status::Failed => What::Failed {
            reason: Reason::Other,
            code: String::new(),
            detail: "The provider never printed it.".to_owned(),
        },
        Status::Cancelled => What::Cancelled,
    }
}

struct Packed {
    account: PostAccount,
    asked: Asked,
}

#[async_trait]
impl Parcel for Packed {
    async fn send(&self, ports: &Ports) -> Result<Taken, Fault> {
        let verdict = ports.post.verify(&self.account, &self.asked.card.to).await;
        match verdict {
            Ok(Verdict::Deliverable | Verdict::Probably) => {}
            Ok(Verdict::Undeliverable) => {
                let detail = "The post does not reach this address.".to_owned();
                return Err(Fault { detail, then: Then::AddressGone });
            }
            Ok(Verdict::Unknown) => {
                let detail = "The provider does not know whether the post reaches this address.".to_owned();
                return Err(Fault { detail, then: Then::End });
            }
            // Nothing was printed: the question alone went out.
            Err(error) => return Err(Fault { detail: error.message().to_owned(), then: Then::TryAgain }),
        }
        Ok(ports.post.send(&self.account, &self.asked.card).await?.into())
    }

    async fn find(&self, ports: &Ports) -> Result<Looked> {
        Ok(ports.post.find(&self.account, &self.asked).await?.into())
    }

    async fn hear(&self, ports: &Ports) -> Result<Option<What>> {
        Ok(match ports.post.find(&self.account, &self.asked).await? {
            Found::Taken(receipt) => Some(told(receipt.status)),
            Found::NotSeen | Found::CannotTell => None,
        })
    }
}
