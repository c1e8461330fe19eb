//! Calls in which an assistant speaks. What it is and that it records is said before anything else.

use super::{
    Channel, Form,
    way::{Fault, Looked, Out, Parcel, Person, Sender, Taken, Way},
};
use crate::content::{limits::Issue, short, text};
use async_trait::async_trait;
use base::{Error, Result};
use ports::{
    Ports,
    delivery::{Found, PhoneNumber, What},
    voice::{Asked, Call, Script, Status, TelnyxVoiceAccount, VapiAccount, VoiceAccount, Window},
};

/// Calls.
pub(crate) struct Phone;

/// Minutes for which a call that was handed over may still begin.
const RING_WITHIN_S: i64 = 900;

impl Way for Phone {
    fn reach(&self, person: &Person) -> Result<String, String> {
        person.phone.clone().ok_or_else(|| "The lead has no phone number.".to_owned())
    }

    fn check(&self, form: Form, subject: &str, body: &str) -> Vec<Issue> {
        short::check(Channel::Voice, form, subject, body)
    }

    fn sender_lacks(&self, from: &Sender<'_>, _: &str) -> Option<String> {
        from.identity_lacks()
    }

    fn asks_register(&self) -> bool {
        true
    }

    fn pack(&self, out: &Out<'_>) -> Result<Box<dyn Parcel>> {
        let name = format!("{} {}", out.person.first_name, out.person.last_name);
        // It may not ring after the hours in which it was decided.
        let latest = out.now.plus_s(RING_WITHIN_S);
        let window = out.window.is_open(latest).then_some(Window { earliest: out.now, latest });
        let call = Call {
            id: out.id,
            to: PhoneNumber::parse(&out.content.to)?,
            name: name.trim().to_owned(),
            script: script(&out.content.body, out.client, out.call_max_s)?,
            window,
            report_to: out.report_to.clone(),
        };
        let asked = Asked {
            call,
            provider_ref: out.provider_ref.map(str::to_owned),
            first_at: out.first_at,
            last_at: out.last_at,
        };
        Ok(Box::new(Packed { account: account(out)?, asked }))
    }
}

/// The parts of the approved words, as they will be said.
fn script(body: &str, client: &str, max_s: i64) -> Result<Script> {
    let parts = short::voice_parts(body);
    let part = |at: usize| {
        parts
            .get(at)
            .map(|part| text::squeeze(part))
            .ok_or_else(|| Error::internal("The words of a call passed the gate without their four parts."))
    };
    let disclosure = part(0)?;
    // The sentence that says “recorded” is the one about the recording.
    let (recording, assistant): (Vec<&str>, Vec<&str>) =
        text::sentences(&disclosure).into_iter().partition(|said| said.to_lowercase().contains("recorded"));
    let instructions = format!(
        "You call for {client}. Say nothing about it that the script does not say. If the person does not want the call, thank them and end it at once; if they ask not to be called again, say that it is noted and end. End after {max_s} seconds."
    );
    Ok(Script {
        ai_disclosure: if assistant.is_empty() { disclosure.clone() } else { assistant.join(" ") },
        recording_disclosure: recording.join(" "),
        opening: part(1)?,
        value: part(2)?,
        ask: part(3)?,
        instructions,
        record: true,
    })
}

fn account(out: &Out<'_>) -> Result<VoiceAccount> {
    let (keys, settings) = (out.keys, &out.resource.settings);
    let setting = |field: &str| settings.detail(field).map(str::to_owned).map_or_else(|| keys.get(field), Ok);
    match keys.provider.as_str() {
        "vapi" => Ok(VoiceAccount::Vapi(VapiAccount {
            api_key: keys.secret("api_key"),
            assistant: setting("assistant")?,
            phone_number: setting("phone_number")?,
            credential: keys.maybe("credential"),
            base_url: keys.base_url()?,
        })),
        "telnyx" => Ok(VoiceAccount::Telnyx(TelnyxVoiceAccount {
            api_key: keys.secret("api_key"),
            connection: setting("connection")?,
            from: PhoneNumber::parse(&out.resource.address)?,
            sip_region: keys.maybe("sip_region"),
            base_url: keys.base_url()?,
        })),
        _ => Err(keys.wrong("calls")),
    }
}

/// How a call is, as its provider's report says it.
fn told(status: Status) -> What {
    match status {
        Status::Queued => What::Queued,
        Status::Ringing => What::Sent { message_id: None },
        Status::Talking => What::Answered,
        Status::Ended(end) => What::CallEnded(end),
    }
}

struct Packed {
    account: VoiceAccount,
    asked: Asked,
}

#[async_trait]
impl Parcel for Packed {
    async fn send(&self, ports: &Ports) -> Result<Taken, Fault> {
        Ok(ports.voice.place(&self.account, &self.asked.call).await?.into())
    }

    async fn find(&self, ports: &Ports) -> Result<Looked> {
        Ok(ports.voice.find(&self.account, &self.asked).await?.into())
    }

    async fn hear(&self, ports: &Ports) -> Result<Option<What>> {
        Ok(match ports.voice.find(&self.account, &self.asked).await? {
            Found::Taken(receipt) => Some(told(receipt.status)),
            Found::NotSeen | Found::CannotTell => None,
        })
    }
}
