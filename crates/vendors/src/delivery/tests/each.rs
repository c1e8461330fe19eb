//! What each carrier has of its own.

use super::stage::{Kind, Stage, To, Went};
use super::webhooks::Mail;
use base::{Clock, Micros, Secret, Time};
use ports::delivery::{Failure, Found, Permanence, Provider, Reason, What};
use ports::email::EmailSender;
use ports::linkedin::{Act, LinkedIn, What as Does};
use ports::post::{PostSender, Size, Status as Posted, Verdict};
use ports::sms::{SmsSender, Status};
use ports::speech::{
    DeepgramAccount, ElevenLabsAccount, Say, Sound, SoundFormat, Speech, Transcriber, VoiceMaker,
};
use ports::voice::{Outcome, Status as Ringing, VoiceCaller, Window};
use serde_json::{Value, json};
use twins::carrier::{Fault, FaultKind};

async fn opened(kind: Kind) -> (Stage, Mail) {
    let (stage, mail) = (Stage::of(kind).await, Mail::open(false).await);
    stage.twin.send_webhooks(mail.hook(kind.provider()));
    (stage, mail)
}

async fn taken(stage: &Stage) -> String {
    let Went::Taken(name) = stage.hand_over(1, To::Somebody).await else { panic!("{:?}", stage.kind) };
    name
}

#[tokio::test]
async fn a_mail_by_api_keeps_its_thread_and_its_way_out() {
    let find = |all: &Value, name: &str| -> String {
        let listed = all.as_array().map(|all| {
            all.iter().find(|one| one["Name"] == name).map(|one| one["Value"].clone()).unwrap_or_default()
        });
        listed.unwrap_or_else(|| all[name].clone()).as_str().unwrap_or_default().to_owned()
    };
    for (kind, path, from) in [(Kind::Resend, "headers", "from"), (Kind::Postmark, "Headers", "From")] {
        let stage = Stage::of(kind).await;
        taken(&stage).await;
        let asked = stage.twin.messages()[0]["asked"].clone();
        assert_eq!(asked[from], r#""Alex \"A\" Doe" <alex@anchor.example>"#, "{kind:?}");
        assert_eq!(find(&asked[path], "In-Reply-To"), "<first@prospect.example>", "{kind:?}");
        assert_eq!(find(&asked[path], "List-Unsubscribe"), "<https://anchor.example/u/1>", "{kind:?}");
        assert_eq!(find(&asked[path], "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click", "{kind:?}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn an_answer_by_mail_has_the_same_name_by_webhook_and_by_list_and_its_words_can_be_fetched() {
    for kind in [Kind::Resend, Kind::Postmark] {
        let (stage, mail) = opened(kind).await;
        stage
            .twin
            .happen(&json!({
                "event": "reply", "from": "ana@prospect.example", "to": "alex@anchor.example",
                "subject": "Re: A question", "text": "Tuesday works.", "in_reply_to": "<m1@anchor.example>",
            }))
            .unwrap();
        let told = mail.events(&stage, kind.provider(), 1).await.remove(0);
        let What::Replied(reply) = &told.what else { panic!("{told:?}") };
        assert_eq!(reply.from, "ana@prospect.example", "{kind:?}");
        let listed = stage.email.received(&stage.mailer(), stage.clock.now().plus_s(-60)).await.unwrap();
        assert_eq!(listed.len(), 1, "{kind:?}");
        assert_eq!(listed[0].provider_ref, told.provider_ref, "{kind:?}");
        assert_eq!(stage.email.received(&stage.mailer(), stage.clock.now().plus_s(1)).await.unwrap(), vec![]);
        let words =
            stage.email.content(&stage.mailer(), told.provider_ref.as_deref().unwrap()).await.unwrap();
        assert_eq!(words.text.as_deref(), Some("Tuesday works."), "{kind:?}");
        assert_eq!(words.in_reply_to.as_deref(), Some("m1@anchor.example"), "{kind:?}");
        assert_eq!(words.to.as_deref(), Some("alex@anchor.example"), "{kind:?}");
        stage.email.content(&stage.mailer(), "unknown").await.unwrap_err();
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn bounces_complaints_clicks_and_opt_outs_of_mail_are_told() {
    for kind in [Kind::Resend, Kind::Postmark] {
        let (stage, mail) = opened(kind).await;
        let name = taken(&stage).await;
        let first = if kind == Kind::Resend { 2 } else { 1 };
        let orders = ["bounced", "complained", "opened", "clicked"];
        for event in orders {
            stage.twin.happen(&json!({"event": event, "ref": name})).unwrap();
        }
        let events = mail.events(&stage, kind.provider(), first + orders.len()).await.split_off(first);
        let What::Bounced(bounce) = &events[0].what else { panic!("{:?}", events[0]) };
        assert_eq!(
            (bounce.permanence, bounce.reason),
            (Permanence::Permanent, Reason::NoSuchRecipient),
            "{kind:?}"
        );
        assert_eq!(bounce.recipient.as_deref(), Some("ana@prospect.example"));
        assert!(bounce.detail.contains("5.1.1"), "{kind:?}");
        assert!(matches!(&events[1].what, What::Complained { recipient: Some(_) }), "{kind:?}");
        assert!(matches!(&events[2].what, What::Opened { .. }), "{kind:?}");
        assert!(matches!(&events[3].what, What::Clicked { url, .. } if url == "https://example.com/"));
        stage.twin.shutdown().await;
    }
    let (stage, mail) = opened(Kind::Postmark).await;
    let name = taken(&stage).await;
    for order in [
        json!({"event": "opted_out", "ref": name}),
        json!({"event": "bounced", "type": "AutoResponder", "ref": name}),
    ] {
        stage.twin.happen(&order).unwrap();
    }
    let events = mail.events(&stage, Provider::Postmark, 3).await;
    assert!(matches!(&events[1].what, What::OptedOut { from, .. } if from == "ana@prospect.example"));
    assert!(matches!(&events[2].what, What::Other { .. }), "a machine's answer is no bounce");
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_text_message_is_followed_to_its_end_with_its_price() {
    for kind in [Kind::Twilio, Kind::Telnyx] {
        let stage = Stage::of(kind).await;
        let name = taken(&stage).await;
        let asked = ports::sms::Asked {
            sms: stage.sms(1, "+61400000001"),
            provider_ref: Some(name),
            first_at: stage.clock.now(),
            last_at: stage.clock.now(),
        };
        let Found::Taken(receipt) = stage.sms.find(&stage.texter(), &asked).await.unwrap() else { panic!() };
        assert_eq!(receipt.status, Status::Delivered, "{kind:?}");
        assert!(receipt.cost.is_some_and(|cost| cost.micros > Micros(50_000)), "{kind:?}");
        let refused = stage.sms.send(&stage.texter(), &stage.sms(2, "+15005550004")).await.unwrap_err();
        assert!(matches!(refused, Failure::Refused(no) if no.reason == Reason::OptedOut), "{kind:?}");
        let empty = ports::sms::Sms { text: " ".into(), ..stage.sms(3, "+61400000001") };
        assert!(matches!(stage.sms.send(&stage.texter(), &empty).await, Err(Failure::NotStarted { .. })));
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn stop_is_an_opt_out_start_takes_it_back_and_anything_else_is_an_answer() {
    for kind in [Kind::Twilio, Kind::Telnyx] {
        let (stage, mail) = opened(kind).await;
        for text in [" stop. ", "Start", "Please stop by on Tuesday"] {
            stage
                .twin
                .happen(
                    &json!({"event": "reply", "from": "+61400000001", "to": "+61400000009", "text": text}),
                )
                .unwrap();
        }
        let events = mail.events(&stage, kind.provider(), 3).await;
        assert!(matches!(&events[0].what, What::OptedOut { from, .. } if from == "+61400000001"), "{kind:?}");
        assert!(matches!(&events[1].what, What::OptedIn { .. }), "{kind:?}");
        let What::Replied(reply) = &events[2].what else { panic!("{kind:?}") };
        assert_eq!(reply.text.as_deref(), Some("Please stop by on Tuesday"));
        if kind == Kind::Twilio {
            let listed = stage.sms.received(&stage.texter(), stage.clock.now().plus_s(-60)).await.unwrap();
            let mut keys: Vec<&str> = listed.iter().map(|event| event.key.as_str()).collect();
            keys.sort_unstable();
            let told: Vec<&str> = events.iter().map(|event| event.key.as_str()).collect();
            assert_eq!(keys, told, "the list gives the same names as the webhooks");
        }
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn an_undelivered_text_says_why() {
    for kind in [Kind::Twilio, Kind::Telnyx] {
        let (stage, mail) = opened(kind).await;
        stage.sms.send(&stage.texter(), &stage.sms(1, "+15005550006")).await.unwrap();
        let events = mail.events(&stage, kind.provider(), 2).await;
        assert!(
            matches!(&events[1].what, What::Failed { reason: Reason::NoSuchRecipient, .. }),
            "{kind:?}: {:?}",
            events[1].what
        );
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn the_report_of_a_text_carries_our_id_when_its_address_does() {
    let (stage, mail) = opened(Kind::Telnyx).await;
    let sms = ports::sms::Sms { report_to: Some(mail.url.clone()), ..stage.sms(1, "+61400000001") };
    stage.sms.send(&stage.texter(), &sms).await.unwrap();
    let events = mail.events(&stage, Provider::Telnyx, 2).await;
    assert!(events.iter().all(|event| event.ours == Some(sms.id)));
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn both_webhooks_of_one_linkedin_answer_and_the_list_have_one_name() {
    let (stage, mail) = opened(Kind::HeyReach).await;
    taken(&stage).await;
    let profile = "https://www.linkedin.com/in/ana";
    for order in [
        json!({"event": "connected", "profile": profile}),
        json!({"event": "reply", "profile": profile, "text": "Tell me more"}),
    ] {
        stage.twin.happen(&order).unwrap();
    }
    let events = mail.events(&stage, Provider::HeyReach, 4).await;
    assert!(matches!(&events[1].what, What::Connected));
    let What::Replied(reply) = &events[2].what else { panic!("{events:?}") };
    assert_eq!((reply.from.as_str(), reply.text.as_deref()), (profile, Some("Tell me more")));
    assert_eq!(events[2].key, events[3].key);
    let listed = stage.linkedin.received(&stage.seat(), stage.clock.now().plus_s(-60)).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].key, &listed[0].provider_ref), (&events[2].key, &events[2].provider_ref));

    // An answer in the conversation whose receipt is lost is found there.
    let conversation = reply.conversation.clone().unwrap();
    let what = Does::Answer { conversation, text: "Gladly.".into() };
    let act = Act { what, ..stage.act(2, profile) };
    stage.twin.inject(Fault::on(FaultKind::TimeoutAfter, "POST /inbox/SendMessage"));
    assert!(stage.linkedin.act(&stage.seat(), &act).await.unwrap_err().is_unknown());
    let at = stage.clock.now();
    let asked = ports::linkedin::Asked { act, first_at: at, last_at: at };
    assert!(matches!(stage.linkedin.find(&stage.seat(), &asked).await.unwrap(), Found::Taken(_)));
    stage.linkedin.stop(&stage.seat(), &asked.act.person.profile).await.unwrap();
    assert!(stage.twin.messages().iter().all(|one| one["lead"].is_null()), "the lead left the campaign");
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn what_an_account_names_no_campaign_for_is_not_begun() {
    let stage = Stage::of(Kind::HeyReach).await;
    let inmail = Does::InMail { subject: "A question".into(), text: "Hello".into() };
    let act = Act { what: inmail, ..stage.act(1, "linkedin.com/in/ana") };
    let failure = stage.linkedin.act(&stage.seat(), &act).await.unwrap_err();
    assert!(!failure.may_retry() && failure.to_string().contains("campaign"), "{failure}");
    assert_eq!(stage.twin.calls(), 0);
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_call_discloses_first_keeps_its_window_and_reports_its_end() {
    let (stage, mail) = opened(Kind::Vapi).await;
    let later = stage.clock.now().plus_s(3_600);
    let mut call = stage.call(1, "+61400000001");
    call.window = Some(Window { earliest: later, latest: later.plus_s(3_600) });
    call.report_to = Some(mail.url.clone());
    let receipt = stage.voice.place(&stage.caller(), &call).await.unwrap();
    assert_eq!(receipt.status, Ringing::Queued);
    let made = stage.twin.messages()[0].clone();
    let first = made["assistantOverrides"]["firstMessage"].as_str().unwrap();
    assert!(first.starts_with("This is an AI assistant of Anchor. This call is recorded."), "{first}");
    assert_eq!(made["schedulePlan"]["earliestAt"], later.to_string());
    assert_eq!(made["assistantOverrides"]["server"]["credentialId"], "cred_1");
    stage.twin.happen(&json!({"event": "ended", "ref": receipt.provider_ref})).unwrap();
    let event = mail.events(&stage, Provider::Vapi, 1).await.remove(0);
    assert_eq!(event.ours, Some(call.id));
    let What::CallEnded(end) = event.what else { panic!("{:?}", event.what) };
    assert_eq!((end.outcome, end.cost.map(|cost| cost.micros)), (Outcome::Completed, Some(Micros(123_400))));
    assert_eq!(end.summary.as_deref(), Some("A meeting on Tuesday."));
    assert!(end.recording.is_some() && end.transcript.is_some() && end.data.is_some());
    let asked = ports::voice::Asked {
        call: call.clone(),
        provider_ref: Some(receipt.provider_ref),
        first_at: stage.clock.now(),
        last_at: stage.clock.now(),
    };
    let Found::Taken(found) = stage.voice.find(&stage.caller(), &asked).await.unwrap() else { panic!() };
    assert!(matches!(&found.status, Ringing::Ended(end) if end.outcome == Outcome::Completed));
    call.script.ai_disclosure = String::new();
    assert!(!stage.voice.place(&stage.caller(), &call).await.unwrap_err().may_retry());
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_line_without_an_assistant_speaks_when_told_and_keeps_no_call_for_later() {
    let (stage, mail) = opened(Kind::TelnyxCall).await;
    let name = taken(&stage).await;
    let words = stage.call(1, "+61400000001").script.first_words();
    stage.voice.say(&stage.caller(), &name, &words).await.unwrap();
    assert_eq!(stage.twin.messages()[0]["said"], json!([words]));
    stage.twin.happen(&json!({"event": "user_busy", "ref": name})).unwrap();
    let events = mail.events(&stage, Provider::Telnyx, 3).await;
    let What::CallEnded(end) = &events[2].what else { panic!("{events:?}") };
    assert_eq!((end.outcome, events[2].ours), (Outcome::Busy, Some(stage.id(1))));
    assert!(stage.voice.say(&stage.caller(), &name, "too late").await.is_err());
    let mut call = stage.call(2, "+61400000001");
    let later = stage.clock.now().plus_s(60);
    call.window = Some(Window { earliest: later, latest: later.plus_s(60) });
    assert!(stage.voice.place(&stage.caller(), &call).await.is_err());
    assert_eq!(stage.twin.reached(), 1);
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn an_address_is_judged_and_a_card_goes_only_where_the_account_allows() {
    let stage = Stage::of(Kind::Lob).await;
    let verdict = async |line: &str, country: &str| {
        let address = ports::post::Address { country: country.into(), ..stage.card(1, line).to };
        stage.post.verify(&stage.desk(), &address).await.unwrap()
    };
    assert_eq!(verdict("1 Main Street", "US").await, Verdict::Deliverable);
    assert_eq!(verdict("missing unit", "US").await, Verdict::Probably);
    assert_eq!(verdict("undeliverable", "AU").await, Verdict::Undeliverable);
    let mut abroad = stage.card(2, "1 High Street");
    abroad.to.country = "GB".into();
    assert!(stage.post.send(&stage.desk(), &abroad).await.is_err(), "not a country of the account");
    let mut large = stage.card(3, "1 High Street");
    large.size = Size::Large;
    assert!(stage.post.send(&stage.desk(), &large).await.is_err(), "only small ones travel abroad");
    assert_eq!(stage.twin.reached(), 0);
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_card_is_followed_through_the_post_and_can_be_called_off_before_its_day() {
    let (stage, mail) = opened(Kind::Lob).await;
    let name = taken(&stage).await;
    for event in ["mailed", "in_transit", "returned_to_sender"] {
        stage.twin.happen(&json!({"event": event, "ref": name})).unwrap();
    }
    let events = mail.events(&stage, Provider::Lob, 4).await;
    assert!(matches!(events[1].what, What::Mailed) && matches!(events[2].what, What::InTransit { .. }));
    assert!(matches!(events[3].what, What::ReturnedToSender));
    let asked = ports::post::Asked {
        card: stage.card(1, "2 Far Street"),
        provider_ref: Some(name.clone()),
        first_at: stage.clock.now(),
        last_at: stage.clock.now(),
    };
    let Found::Taken(found) = stage.post.find(&stage.desk(), &asked).await.unwrap() else { panic!() };
    assert_eq!(found.status, Posted::Returned);
    assert!(!stage.post.cancel(&stage.desk(), &name).await.unwrap(), "it is gone");
    let mut later = stage.card(2, "2 Far Street");
    later.send_at = Some(stage.clock.now().plus_s(86_400));
    let receipt = stage.post.send(&stage.desk(), &later).await.unwrap();
    assert!(stage.post.cancel(&stage.desk(), &receipt.provider_ref).await.unwrap());
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_text_is_spoken_and_what_was_said_in_a_conversation_is_told() {
    let stage = Stage::named(Kind::Resend, "elevenlabs").await;
    let account = |key: &str| {
        VoiceMaker::ElevenLabs(ElevenLabsAccount {
            api_key: Secret::new(key),
            voice: "voice_1".into(),
            model: "eleven_flash_v2_5".into(),
            base_url: Some(stage.base.clone()),
        })
    };
    let say = Say { text: "Hello".into(), language: Some("en".into()), format: SoundFormat::Telephone };
    assert_eq!(stage.speech.speak(&account("el-1"), &say).await.unwrap().len(), 5 * 480);
    assert_eq!(stage.twin.messages()[0]["format"], "ulaw_8000");
    let refused = stage.speech.speak(&account("wrong"), &say).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused(no) if no.reason == Reason::Account));
    let mail = Mail::open(false).await;
    stage.twin.send_webhooks(mail.hook(Provider::ElevenLabs));
    stage.twin.happen(&json!({"event": "transcribed", "text": "Tuesday works."})).unwrap();
    let event = mail.events(&stage, Provider::ElevenLabs, 1).await.remove(0);
    assert!(
        matches!(&event.what, What::Transcribed { text, seconds: Some(42) } if text.ends_with("user: Tuesday works."))
    );
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_recording_is_written_down_now_or_later() {
    let stage = Stage::named(Kind::Resend, "deepgram").await;
    let account = |key: &str| {
        Transcriber::Deepgram(DeepgramAccount {
            api_key: Secret::new(key),
            model: "nova-3".into(),
            base_url: Some(stage.base.clone()),
        })
    };
    let sound = Sound::Bytes(bytes::Bytes::from_static(b"Tuesday works."));
    let heard = stage.speech.transcribe(&account("dg-1"), &sound).await.unwrap();
    assert_eq!((heard.text.as_str(), heard.turns.len()), ("Tuesday works.", 1));
    let refused = stage.speech.transcribe(&account("wrong"), &sound).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused(no) if no.reason == Reason::Account));
    let mail = Mail::open(false).await;
    let id = stage.speech.transcribe_later(&account("dg-1"), &sound, &mail.url).await.unwrap();
    let event = mail.events(&stage, Provider::Deepgram, 1).await.remove(0);
    assert_eq!((event.key.as_str(), event.provider_ref.as_deref()), (id.as_str(), Some(id.as_str())));
    assert!(matches!(&event.what, What::Transcribed { text, .. } if text == "Tuesday works."));
    stage.twin.shutdown().await;
}

#[test]
fn every_form_of_an_instant_is_read() {
    assert_eq!(crate::delivery::time_of(&json!("yesterday")), None);
    let at: Time = "2026-05-24T17:18:27Z".parse().unwrap();
    for value in [
        json!("2026-05-24T17:18:27+00:00"),
        json!("2026-05-24 17:18:27Z"),
        json!("Sun, 24 May 2026 17:18:27 +0000"),
        json!("Sun, 24 May 2026 19:18:27 +0200 (CEST)"),
        json!(1_779_643_107),
        json!(1_779_643_107_000_i64),
    ] {
        assert_eq!(crate::delivery::time_of(&value), Some(at), "{value}");
    }
}
