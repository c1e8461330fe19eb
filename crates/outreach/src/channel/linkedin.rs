//! LinkedIn: an invitation with a note, a message to a connection, an InMail.

use super::{
    Channel, Form,
    way::{Fault, Keys, Looked, Out, Parcel, Person, Sender, Taken, Way},
};
use crate::content::{limits::Issue, short};
use async_trait::async_trait;
use base::Result;
use ports::{
    Ports,
    linkedin::{Act, Asked, HeyReachAccount, LinkedInAccount, Person as Profile, ProfileUrl, What},
};

/// LinkedIn.
pub(crate) struct Seat;

impl Way for Seat {
    fn reach(&self, person: &Person) -> Result<String, String> {
        let url = person.linkedin.as_deref().ok_or_else(|| "The lead has no LinkedIn profile.".to_owned())?;
        ProfileUrl::parse(url).map(|url| url.as_str().to_owned()).map_err(|error| error.message().to_owned())
    }

    fn check(&self, form: Form, subject: &str, body: &str) -> Vec<Issue> {
        short::check(Channel::Linkedin, form, subject, body)
    }

    fn sender_lacks(&self, from: &Sender<'_>, _: &str) -> Option<String> {
        from.identity_lacks()
    }

    fn pack(&self, out: &Out<'_>) -> Result<Box<dyn Parcel>> {
        let text = out.content.body.clone();
        let what = match out.form {
            Form::Message => What::Message { text },
            Form::Inmail => What::InMail { subject: out.content.subject.clone(), text },
            Form::Invitation | Form::Plain | Form::Postcard => What::Connect { note: Some(text) },
        };
        let person = Profile {
            profile: ProfileUrl::parse(&out.content.to)?,
            first_name: out.person.first_name.clone(),
            last_name: out.person.last_name.clone(),
            company: out.person.company.clone(),
            position: out.person.title.clone(),
        };
        let act = Act { id: out.id, person, what };
        let asked = Asked { act, first_at: out.first_at, last_at: out.last_at };
        Ok(Box::new(Packed { account: account(out.keys, out.resource.settings.detail("seat"))?, asked }))
    }
}

/// The account of a seat.
pub(crate) fn account(keys: &Keys, seat: Option<&str>) -> Result<LinkedInAccount> {
    if keys.provider != "heyreach" {
        return Err(keys.wrong("LinkedIn messages"));
    }
    let seat = seat.filter(|text| !text.is_empty()).map(|text| {
        text.parse().map_err(|cause: std::num::ParseIntError| {
            base::Error::invalid("resource.seat", format!("“{text}” is not the number of a seat."))
                .caused_by(cause)
        })
    });
    Ok(LinkedInAccount::HeyReach(HeyReachAccount {
        api_key: keys.secret("api_key"),
        seat: seat.transpose()?,
        connect_campaign: keys.number("connect_campaign")?,
        message_campaign: keys.number("message_campaign")?,
        inmail_campaign: keys.number("inmail_campaign")?,
        base_url: keys.base_url()?,
    }))
}

struct Packed {
    account: LinkedInAccount,
    asked: Asked,
}

#[async_trait]
impl Parcel for Packed {
    async fn send(&self, ports: &Ports) -> Result<Taken, Fault> {
        Ok(ports.linkedin.act(&self.account, &self.asked.act).await?.into())
    }

    async fn find(&self, ports: &Ports) -> Result<Looked> {
        Ok(ports.linkedin.find(&self.account, &self.asked).await?.into())
    }
}
