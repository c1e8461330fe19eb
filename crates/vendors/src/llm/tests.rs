//! Both wire formats against the twin, over loopback.

use super::*;
use base::{ManualClock, Micros, Secret, Time};
use ports::llm::{Basis, Message, Price, Role, estimate};
use serde_json::json;
use twins::llm::{Fault, FromSchema, LlmTwin};

async fn twin() -> LlmTwin {
    LlmTwin::start("127.0.0.1:0".parse().unwrap(), Arc::new(FromSchema)).await.unwrap()
}

fn models() -> Models {
    let clock = Arc::new(ManualClock::at("2026-11-21T00:00:00Z".parse::<Time>().unwrap()));
    Models::new(clock, Arc::new(Random::seeded(1))).unwrap()
}

fn accounts(twin: &LlmTwin) -> [LlmAccount; 3] {
    let account = |provider, path: &str, model: &str, price| LlmAccount {
        provider,
        base_url: Some(format!("{}{path}", twin.url()).parse().unwrap()),
        key: Secret::new("test-key"),
        model: model.to_owned(),
        price,
    };
    [
        account(Provider::Anthropic, "", "claude-haiku-5-5", None),
        account(Provider::OpenAi, "/v1", "gpt-house", Some(Price::cents(100, 400))),
        account(Provider::OpenAiCompatible, "/v1/", "llama", Some(Price::FREE)),
    ]
}

fn request(schema: bool) -> Request {
    let shape = json!({
        "type": "object",
        "properties": {"subject": {"type": "string", "maxLength": 4}, "ask": {"type": "boolean"}},
        "required": ["subject", "ask"],
        "additionalProperties": false,
    });
    Request {
        system: "You write short e-mails.".into(),
        messages: vec![Message { role: Role::User, text: "Write one.".into() }],
        max_output_tokens: 400,
        schema: schema.then_some(shape),
        purpose: "test".into(),
    }
}

#[tokio::test]
async fn each_provider_answers_in_the_shape_that_was_asked_for_within_the_reserve() {
    let twin = twin().await;
    for account in accounts(&twin) {
        let answer = models().answer(&account, &request(true)).await.unwrap();
        assert_eq!(answer.json, Some(json!({"subject": "Twin", "ask": false})), "{:?}", account.provider);
        assert!(answer.spent.usage.input > 0 && !answer.spent.estimated);
        let reserve = estimate(&account, &request(true), Time::from_us(0)).unwrap();
        assert!(answer.spent.cost <= reserve);
        let text = models().answer(&account, &request(false)).await.unwrap();
        assert_eq!((text.text.as_str(), text.json), ("Twin's answer to: Write one.", None));
    }
    let answer = models().answer(&accounts(&twin)[0], &request(true)).await.unwrap();
    assert!(answer.spent.cost > Micros(0));
    assert!(matches!(answer.spent.basis, Basis::List { from, .. } if from == "2026-11-20"));
    twin.shutdown().await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_a_long_wait_is_handed_back() {
    let twin = twin().await;
    for account in accounts(&twin) {
        let before = twin.calls();
        twin.inject(Fault::RateLimited { retry_after_s: 0 });
        twin.inject(Fault::RateLimited { retry_after_s: 0 });
        assert!(models().answer(&account, &request(true)).await.is_ok());
        assert_eq!(twin.calls() - before, 3);
        twin.inject(Fault::RateLimited { retry_after_s: 90 });
        let limited = models().answer(&account, &request(true)).await.unwrap_err();
        assert!(matches!(limited, LlmError::RateLimited { retry_after_s: 90, .. }), "{limited:?}");
        assert_eq!(twin.calls() - before, 4);
    }
}

#[tokio::test]
async fn an_overload_is_given_up_after_three_retries() {
    let twin = twin().await;
    let [anthropic, ..] = accounts(&twin);
    for _ in 0..4 {
        twin.inject(Fault::Overloaded);
    }
    let overloaded = models().answer(&anthropic, &request(false)).await.unwrap_err();
    assert!(
        matches!(&overloaded, LlmError::Overloaded { detail, .. } if detail.starts_with("529 overloaded_error"))
    );
    assert_eq!(twin.calls(), 4);
}

#[tokio::test]
async fn answers_that_are_none_are_told_apart_and_say_what_was_spent() {
    let twin = twin().await;
    for account in accounts(&twin) {
        let mut seen = Vec::new();
        for fault in [Fault::InvalidJson, Fault::Declined, Fault::Cut] {
            twin.inject(fault);
            let error = models().answer(&account, &request(true)).await.unwrap_err();
            assert!(error.spent().is_some_and(|spent| spent.usage.input > 0), "{error:?}");
            seen.push(match &error {
                LlmError::BadAnswer { .. } => "bad",
                LlmError::Declined { .. } => "declined",
                LlmError::Cut { .. } => "cut",
                LlmError::RateLimited { .. }
                | LlmError::Overloaded { .. }
                | LlmError::Unreachable { .. }
                | LlmError::Rejected { .. }
                | LlmError::NoPrice { .. } => panic!("{error:?}"),
            });
        }
        assert_eq!(seen, ["bad", "declined", "cut"]);
        twin.inject(Fault::NoUsage);
        let answer = models().answer(&account, &request(true)).await.unwrap();
        assert!(answer.spent.estimated && answer.spent.usage.input > 0);
    }
}

#[tokio::test]
async fn a_bad_key_a_bad_request_and_a_dead_host_are_told_apart() {
    let twin = twin().await;
    let [mut account, ..] = accounts(&twin);
    account.key = Secret::default();
    let error = models().answer(&account, &request(false)).await.unwrap_err();
    assert!(matches!(error, LlmError::Rejected { account: true, .. }), "{error:?}");
    account.key = Secret::new("k");
    let mut open = request(true);
    open.schema = Some(json!({"type": "object", "properties": {}}));
    let error = models().answer(&account, &open).await.unwrap_err();
    assert!(
        matches!(&error, LlmError::Rejected { account: false, detail, .. } if detail.contains("additionalProperties"))
    );
    account.base_url = Some("http://api.example.com".parse().unwrap());
    let error = models().answer(&account, &request(false)).await.unwrap_err();
    assert!(matches!(&error, LlmError::Rejected { detail, .. } if detail.contains("https")), "{error:?}");
    account.model = "claude-unknown".into();
    let error = models().answer(&account, &request(false)).await.unwrap_err();
    assert!(matches!(error, LlmError::NoPrice { .. }));
    let [mut account, ..] = accounts(&twin);
    twin.shutdown().await;
    account.base_url = Some("http://127.0.0.1:1".parse().unwrap());
    let error = models().answer(&account, &request(false)).await.unwrap_err();
    assert!(matches!(error, LlmError::Unreachable { may_be_charged: false, .. }), "{error:?}");
}
