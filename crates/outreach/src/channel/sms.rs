//! Text messages: one GSM-7 message with the way out; in Australia a name as sender only once it is registered.

use super::{
    Channel, Form,
    way::{Fault, Keys, Looked, Out, Parcel, Person, Sender, Taken, Way},
};
use crate::content::{limits::Issue, short};
use async_trait::async_trait;
use base::Result;
use ports::{
    Ports,
    delivery::PhoneNumber,
    sms::{Asked, Sms, SmsAccount, SmsFrom, TelnyxSmsAccount, TwilioAccount},
};

/// Text messages.
pub(crate) struct Text;

impl Way for Text {
    fn reach(&self, person: &Person) -> Result<String, String> {
        person.phone.clone().ok_or_else(|| "The lead has no phone number.".to_owned())
    }

    fn check(&self, form: Form, subject: &str, body: &str) -> Vec<Issue> {
        short::check(Channel::Sms, form, subject, body)
    }

    fn sender_lacks(&self, from: &Sender<'_>, country: &str) -> Option<String> {
        let lacks = from.identity_lacks();
        let name = from.resource.filter(|resource| !resource.address.starts_with('+'));
        let registered = |resource: &&crate::resource::Resource| {
            resource.settings.detail("sender_id").is_some_and(|state| state == "registered")
        };
        lacks.or_else(|| {
            name.filter(|_| from.registered_countries.iter().any(|listed| listed == country))
                .filter(|resource| !registered(resource))
                .map(|resource| {
                    format!(
                        "The sender “{}” is not on the register of sender IDs of {country}; its messages would be shown as unverified.",
                        resource.address
                    )
                })
        })
    }

    fn pack(&self, out: &Out<'_>) -> Result<Box<dyn Parcel>> {
        let sms = Sms {
            id: out.id,
            to: PhoneNumber::parse(&out.content.to)?,
            text: out.content.body.clone(),
            report_to: out.report_to.clone(),
        };
        let asked = Asked {
            sms,
            provider_ref: out.provider_ref.map(str::to_owned),
            first_at: out.first_at,
            last_at: out.last_at,
        };
        Ok(Box::new(Packed { account: account(out.keys, &out.resource.address)?, asked }))
    }
}

/// The account of a number.
pub(crate) fn account(keys: &Keys, address: &str) -> Result<SmsAccount> {
    let from = if address.starts_with('+') {
        SmsFrom::Number(PhoneNumber::parse(address)?)
    } else {
        SmsFrom::Name(address.to_owned())
    };
    let from = match keys.maybe("service") {
        Some(service) => SmsFrom::Service(service),
        None => from,
    };
    match keys.provider.as_str() {
        "twilio" => Ok(SmsAccount::Twilio(TwilioAccount {
            account_sid: keys.get("account_sid")?,
            api_key_sid: keys.maybe("api_key_sid"),
            secret: match keys.maybe("api_key_sid") {
                Some(_) => keys.secret("api_key_secret"),
                None => keys.secret("auth_token"),
            },
            from,
            base_url: keys.base_url()?,
        })),
        "telnyx" => Ok(SmsAccount::Telnyx(TelnyxSmsAccount {
            api_key: keys.secret("api_key"),
            from,
            profile: keys.maybe("profile"),
            base_url: keys.base_url()?,
        })),
        _ => Err(keys.wrong("text messages")),
    }
}

struct Packed {
    account: SmsAccount,
    asked: Asked,
}

#[async_trait]
impl Parcel for Packed {
    async fn send(&self, ports: &Ports) -> Result<Taken, Fault> {
        Ok(ports.sms.send(&self.account, &self.asked.sms).await?.into())
    }

    async fn find(&self, ports: &Ports) -> Result<Looked> {
        Ok(ports.sms.find(&self.account, &self.asked).await?.into())
    }
}
