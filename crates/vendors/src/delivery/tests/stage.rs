//! A carrier's adapter before its twin, all carriers behind one face.

use crate::delivery::{Line, receivers};
use crate::{email, linkedin, mailbox, post, sms, speech, voice};
use base::{Clock, EmailAddress, ManualClock, Random, Secret, Time};
use ports::delivery::{
    Failure, Found, Inbound, Keys, PhoneNumber, Provider, Reason, SignaturePlan, Signing, Step,
};
use ports::email::{
    EmailAccount, EmailSender, Found as MailFound, ListUnsubscribe, Mailbox, MessageId, Outgoing,
    PostmarkAccount, ResendAccount, SalesforgeAccount, SendError, Step as MailStep,
};
use ports::linkedin::{Act, HeyReachAccount, LinkedIn, LinkedInAccount, Person, ProfileUrl, What};
use ports::post::{Address, LobAccount, PostAccount, PostSender, Postcard, Size};
use ports::sms::{Sms, SmsAccount, SmsFrom, SmsSender, TelnyxSmsAccount, TwilioAccount};
use ports::voice::{Call, Script, TelnyxVoiceAccount, VapiAccount, VoiceAccount, VoiceCaller};
use std::sync::Arc;
use std::time::Duration;
use twins::carrier::CarrierTwin;
use url::Url;
use uuid::Uuid;

/// 2026-11-20T00:00:00Z.
pub(super) const NOW_S: i64 = 1_795_132_800;
pub(super) const WHSEC: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
pub(super) const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
pub(super) const PUBLIC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What is handed over, and by whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Resend,
    Postmark,
    Salesforge,
    Twilio,
    Telnyx,
    HeyReach,
    Vapi,
    TelnyxCall,
    Lob,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Resend,
        Self::Postmark,
        Self::Salesforge,
        Self::Twilio,
        Self::Telnyx,
        Self::HeyReach,
        Self::Vapi,
        Self::TelnyxCall,
        Self::Lob,
    ];

    pub(super) fn provider(self) -> Provider {
        match self {
            Self::Resend => Provider::Resend,
            Self::Postmark => Provider::Postmark,
            Self::Salesforge => Provider::Salesforge,
            Self::Twilio => Provider::Twilio,
            Self::Telnyx | Self::TelnyxCall => Provider::Telnyx,
            Self::HeyReach => Provider::HeyReach,
            Self::Vapi => Provider::Vapi,
            Self::Lob => Provider::Lob,
        }
    }

    /// The call that reaches somebody.
    pub(super) fn moving(self) -> &'static str {
        match self {
            Self::Resend => "POST /emails",
            Self::Postmark => "POST /email",
            Self::Salesforge => "PUT /workspaces",
            Self::Twilio => "POST /Accounts",
            Self::Telnyx => "POST /messages",
            Self::HeyReach => "POST /campaign/AddLeadsToCampaignV2",
            Self::Vapi => "POST /call",
            Self::TelnyxCall => "POST /calls",
            Self::Lob => "POST /postcards",
        }
    }

    /// Whether a lost outcome can never be looked up there.
    pub(super) fn is_blind(self) -> bool {
        matches!(self, Self::Salesforge | Self::Telnyx | Self::TelnyxCall)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum To {
    Somebody,
    Nobody,
}

/// How handing over went, in the same words for every port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Went {
    Taken(String),
    Refused { permanent: bool },
    WrongKey,
    NotStarted { may_retry: bool },
    Unknown,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Lookup {
    Taken(Option<String>),
    Absent,
    CannotTell,
}

pub(super) struct Stage {
    pub(super) kind: Kind,
    pub(super) twin: CarrierTwin,
    pub(super) clock: Arc<ManualClock>,
    pub(super) email: email::Senders,
    pub(super) sms: sms::Senders,
    pub(super) linkedin: linkedin::Seats,
    pub(super) voice: voice::Callers,
    pub(super) speech: speech::Voices,
    pub(super) post: post::Posts,
    /// Where the adapter calls; the twin unless a test says otherwise.
    pub(super) base: Url,
    pub(super) key_is_wrong: bool,
}

impl Stage {
    pub(super) async fn of(kind: Kind) -> Self {
        Self::named(kind, kind.provider().as_str()).await
    }

    pub(super) async fn named(kind: Kind, twin: &str) -> Self {
        let clock = Arc::new(ManualClock::at(Time::from_us(NOW_S * 1_000_000)));
        let twin = twins::carrier::start(twin, "127.0.0.1:0".parse().unwrap(), clock.clone()).await.unwrap();
        let line = Line::new(clock.clone(), Arc::new(Random::seeded(1)), Duration::from_millis(600)).unwrap();
        let imap = Arc::new(mailbox::imap::Imap::new().unwrap());
        let smtp = email::smtp::Smtp::new("localhost", imap, clock.clone()).unwrap();
        Self {
            kind,
            base: twin.url().parse().unwrap(),
            twin,
            clock,
            email: email::Senders::new(smtp, &line),
            sms: sms::Senders::new(&line),
            linkedin: linkedin::Seats::new(&line),
            voice: voice::Callers::new(&line),
            speech: speech::Voices::new(&line),
            post: post::Posts::new(&line),
            key_is_wrong: false,
        }
    }

    fn key(&self, right: &str) -> Secret {
        Secret::new(if self.key_is_wrong { "wrong" } else { right })
    }

    /// Our id of the `n`th thing: made now.
    pub(super) fn id(&self, n: u8) -> Uuid {
        uuid::Builder::from_unix_timestamp_millis((NOW_S * 1_000).unsigned_abs(), &[n; 10]).into_uuid()
    }

    pub(super) fn mailer(&self) -> EmailAccount {
        let base_url = Some(self.base.clone());
        match self.kind {
            Kind::Postmark => EmailAccount::Postmark(PostmarkAccount {
                server_token: self.key("pm-1"),
                stream: "outbound".into(),
                base_url,
            }),
            Kind::Salesforge => EmailAccount::Salesforge(SalesforgeAccount {
                api_key: self.key("sf-1"),
                workspace: "wks_1".into(),
                sequence: "seq_1".into(),
                base_url,
            }),
            Kind::Resend
            | Kind::Twilio
            | Kind::Telnyx
            | Kind::HeyReach
            | Kind::Vapi
            | Kind::TelnyxCall
            | Kind::Lob => EmailAccount::Resend(ResendAccount { api_key: self.key("re_1"), base_url }),
        }
    }

    pub(super) fn mail(&self, n: u8, to: &str) -> Outgoing {
        let from = EmailAddress::parse("alex@anchor.example").unwrap();
        Outgoing {
            message_id: MessageId::of(self.id(n), &from),
            date: self.clock.now(),
            from: Mailbox { name: "Alex \"A\" Doe".into(), address: from },
            to: vec![EmailAddress::parse(to).unwrap()],
            reply_to: None,
            subject: "Re: A question".into(),
            text: "Hello".into(),
            html: None,
            calendar: None,
            in_reply_to: Some(MessageId::parse("first@prospect.example").unwrap()),
            references: vec![MessageId::parse("first@prospect.example").unwrap()],
            list_unsubscribe: Some(ListUnsubscribe {
                https: "https://anchor.example/u/1".parse().unwrap(),
                mailto: None,
            }),
            headers: vec![],
        }
    }

    pub(super) fn texter(&self) -> SmsAccount {
        let (base_url, from) = (Some(self.base.clone()), SmsFrom::Number(number("+61400000009")));
        if self.kind == Kind::Telnyx {
            SmsAccount::Telnyx(TelnyxSmsAccount { api_key: self.key("KEY1"), from, profile: None, base_url })
        } else {
            SmsAccount::Twilio(TwilioAccount {
                account_sid: "AC1".into(),
                api_key_sid: None,
                secret: self.key("authtoken123"),
                from,
                base_url,
            })
        }
    }

    pub(super) fn sms(&self, n: u8, to: &str) -> Sms {
        Sms {
            id: self.id(n),
            to: number(to),
            text: format!("Hello {n}. Reply STOP to opt out."),
            report_to: None,
        }
    }

    pub(super) fn seat(&self) -> LinkedInAccount {
        LinkedInAccount::HeyReach(HeyReachAccount {
            api_key: self.key("hr-1"),
            seat: Some(77),
            connect_campaign: Some(1),
            message_campaign: Some(2),
            inmail_campaign: None,
            base_url: Some(self.base.clone()),
        })
    }

    pub(super) fn act(&self, n: u8, to: &str) -> Act {
        let profile = ProfileUrl::parse(to).unwrap();
        let person = Person {
            profile,
            first_name: "Ana".into(),
            last_name: "Lee".into(),
            company: String::new(),
            position: String::new(),
        };
        Act { id: self.id(n), person, what: What::Connect { note: Some("Hello".into()) } }
    }

    pub(super) fn caller(&self) -> VoiceAccount {
        let base_url = Some(self.base.clone());
        if self.kind == Kind::TelnyxCall {
            VoiceAccount::Telnyx(TelnyxVoiceAccount {
                api_key: self.key("KEY1"),
                connection: "conn_1".into(),
                from: number("+61400000009"),
                sip_region: Some("Australia".into()),
                base_url,
            })
        } else {
            VoiceAccount::Vapi(VapiAccount {
                api_key: self.key("vapi-1"),
                assistant: "asst_1".into(),
                phone_number: "pn_1".into(),
                credential: Some("cred_1".into()),
                base_url,
            })
        }
    }

    pub(super) fn call(&self, n: u8, to: &str) -> Call {
        let script = Script {
            ai_disclosure: "This is an AI assistant of Anchor.".into(),
            recording_disclosure: "This call is recorded.".into(),
            opening: "I am calling about your site.".into(),
            value: "We make it quicker.".into(),
            ask: "May we show you?".into(),
            instructions: "Be brief.".into(),
            record: true,
        };
        Call { id: self.id(n), to: number(to), name: "Ana".into(), script, window: None, report_to: None }
    }

    pub(super) fn desk(&self) -> PostAccount {
        PostAccount::Lob(LobAccount {
            api_key: self.key("test_1"),
            countries: vec!["AU".into(), "US".into()],
            base_url: Some(self.base.clone()),
        })
    }

    pub(super) fn card(&self, n: u8, line1: &str) -> Postcard {
        let address = |line1: &str| Address {
            name: "Ana Lee".into(),
            line1: line1.into(),
            line2: String::new(),
            city: "Sydney".into(),
            state: "NSW".into(),
            postcode: "2000".into(),
            country: "AU".into(),
        };
        Postcard {
            id: self.id(n),
            to: address(line1),
            from: address("1 Home Street"),
            front: "<html>front</html>".into(),
            back: "<html>back</html>".into(),
            size: Size::Small,
            send_at: None,
        }
    }

    /// Hands the `n`th thing over.
    pub(super) async fn hand_over(&self, n: u8, to: To) -> Went {
        let nobody = to == To::Nobody;
        let phone = if nobody { "+15005550001" } else { "+61400000001" };
        match self.kind {
            Kind::Resend | Kind::Postmark | Kind::Salesforge => {
                let to = match (nobody, self.kind) {
                    (false, _) => "ana@prospect.example",
                    (true, Kind::Postmark) => "inactive@prospect.example",
                    (true, _) => "x@invalid.invalid",
                };
                match self.email.send(&self.mailer(), &self.mail(n, to)).await {
                    Ok(accepted) => Went::Taken(accepted.provider_ref.unwrap()),
                    Err(SendError::Refused(refusal)) => Went::Refused { permanent: refusal.permanent },
                    Err(SendError::NotStarted(stopped)) if stopped.step == MailStep::SignIn => Went::WrongKey,
                    Err(error @ SendError::NotStarted(_)) => {
                        Went::NotStarted { may_retry: error.may_retry() }
                    }
                    Err(SendError::Unknown { .. }) => Went::Unknown,
                }
            }
            Kind::Twilio | Kind::Telnyx => {
                went(self.sms.send(&self.texter(), &self.sms(n, phone)).await.map(|r| r.provider_ref))
            }
            Kind::HeyReach => {
                let profile =
                    if nobody { "linkedin.com/in/nobody" } else { "https://au.linkedin.com/in/Ana/" };
                went(self.linkedin.act(&self.seat(), &self.act(n, profile)).await.map(|r| r.provider_ref))
            }
            Kind::Vapi | Kind::TelnyxCall => {
                went(self.voice.place(&self.caller(), &self.call(n, phone)).await.map(|r| r.provider_ref))
            }
            Kind::Lob => {
                let line = if nobody { "rejected" } else { "2 Far Street" };
                went(self.post.send(&self.desk(), &self.card(n, line)).await.map(|r| r.provider_ref))
            }
        }
    }

    /// Looks the `n`th thing up; it was handed over at `NOW_S`.
    pub(super) async fn find(&self, n: u8, known: Option<String>) -> base::Result<Lookup> {
        let at = Time::from_us(NOW_S * 1_000_000);
        match self.kind {
            Kind::Resend | Kind::Postmark | Kind::Salesforge => {
                let mail = self.mail(n, "ana@prospect.example");
                Ok(match self.email.find(&self.mailer(), &mail.message_id).await? {
                    MailFound::Delivered => Lookup::Taken(None),
                    MailFound::NotSeen => Lookup::Absent,
                    MailFound::CannotTell => Lookup::CannotTell,
                })
            }
            Kind::Twilio | Kind::Telnyx => {
                let sms = self.sms(n, "+61400000001");
                let asked = ports::sms::Asked { sms, provider_ref: known, first_at: at, last_at: at };
                self.sms.find(&self.texter(), &asked).await.map(seen)
            }
            Kind::HeyReach => {
                let act = self.act(n, "https://www.linkedin.com/in/ana");
                let asked = ports::linkedin::Asked { act, first_at: at, last_at: at };
                self.linkedin.find(&self.seat(), &asked).await.map(seen)
            }
            Kind::Vapi | Kind::TelnyxCall => {
                let call = self.call(n, "+61400000001");
                let asked = ports::voice::Asked { call, provider_ref: known, first_at: at, last_at: at };
                self.voice.find(&self.caller(), &asked).await.map(seen)
            }
            Kind::Lob => {
                let card = self.card(n, "2 Far Street");
                let asked = ports::post::Asked { card, provider_ref: known, first_at: at, last_at: at };
                self.post.find(&self.desk(), &asked).await.map(seen)
            }
        }
    }
}

pub(super) fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

pub(super) fn went(result: Result<String, Failure>) -> Went {
    match result {
        Ok(name) => Went::Taken(name),
        Err(Failure::Refused(refusal)) if refusal.reason == Reason::Account => Went::WrongKey,
        Err(Failure::Refused(refusal)) => Went::Refused { permanent: refusal.permanent },
        Err(Failure::NotStarted { step, .. }) => Went::NotStarted { may_retry: step != Step::Check },
        Err(Failure::Unknown { .. }) => Went::Unknown,
    }
}

fn seen<S>(found: Found<S>) -> Lookup {
    match found {
        Found::Taken(receipt) => Lookup::Taken(Some(receipt.provider_ref)),
        Found::NotSeen => Lookup::Absent,
        Found::CannotTell => Lookup::CannotTell,
    }
}

/// With what a twin signs, and with what we check it.
pub(super) fn keys(provider: Provider) -> (&'static str, Keys) {
    let (signs, checks) = match provider {
        Provider::Resend => (WHSEC, WHSEC),
        Provider::Twilio => ("authtoken123", "authtoken123"),
        Provider::Telnyx => (SEED, PUBLIC),
        Provider::ElevenLabs => ("elsecret", "elsecret"),
        Provider::Lob => ("lobsecret", "lobsecret"),
        Provider::Vapi => ("vapisecret", "vapisecret"),
        Provider::Deepgram => ("", "key-twin"),
        Provider::Postmark | Provider::Salesforge | Provider::HeyReach => ("", ""),
    };
    let all = vec![Secret::new("b2xkZXI="), Secret::new(checks)];
    let signing = match provider {
        Provider::Vapi => Signing::Plan(SignaturePlan::Hmac(all)),
        Provider::Postmark | Provider::Salesforge | Provider::HeyReach => Signing::None,
        Provider::Resend
        | Provider::Twilio
        | Provider::Telnyx
        | Provider::ElevenLabs
        | Provider::Deepgram
        | Provider::Lob => Signing::Secrets(all),
    };
    (signs, Keys { path_token: Secret::new(TOKEN), signing })
}

pub(super) fn receive(
    provider: Provider,
    inbound: &Inbound,
) -> Result<ports::delivery::Event, ports::delivery::WebhookError> {
    receivers().get(provider).unwrap().receive(&keys(provider).1, inbound)
}
