//! Skills over JSON lines: no server, no database, one answer a line.

use crate::program::{Program, folder};
use serde_json::Value;

fn answers(kind: &str, input: &str) -> (Option<i32>, Vec<Value>) {
    let folder = folder();
    let ended = Program::new(folder.path(), &["eval", kind])
        // Settings that would break every other command.
        .env("DATABASE_URL", "postgres://127.0.0.1:1/nothing")
        .env("AGENCY__NO__SUCH__KEY", "x")
        .input(input)
        .run();
    (ended.code, ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn each_kind_answers_each_line_with_its_id() {
    let (code, titles) =
        answers("title", "{\"id\":1,\"title\":\"CEO\"}\n{\"id\":\"b\",\"title\":\"Assistant to the CEO\"}\n");
    assert_eq!(code, Some(0));
    assert_eq!((&titles[0]["id"], &titles[0]["points"]), (&1.into(), &25.into()));
    assert_eq!((&titles[1]["id"], &titles[1]["points"]), (&"b".into(), &5.into()));
    let (code, phones) = answers("phone", "{\"id\":1,\"input\":\"0491 570 156\",\"country\":\"AU\"}");
    assert_eq!((code, &phones[0]["e164"]), (Some(0), &"+61491570156".into()));
    let (code, scores) = answers("score", "{\"id\":1,\"lead\":{\"title\":\"Owner\"},\"icp\":{}}\n");
    assert_eq!(code, Some(0));
    assert!(scores[0]["total"].is_number() && scores[0]["tier"].is_string(), "{scores:?}");
    let (code, replies) = answers("reply", "{\"id\":1,\"raw\":\"Please remove me from your list.\"}\n");
    assert_eq!((code, &replies[0]["opt_out"]), (Some(0), &true.into()));
}

#[test]
fn a_file_of_leads_is_counted_without_a_server() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/leads/messy-500.csv");
    let (code, got) = answers("import", &serde_json::json!({"id": 1, "path": path}).to_string());
    assert_eq!(code, Some(0));
    let rejected = got[0]["rejected"].as_array().unwrap().len() as u64;
    let sum = got[0]["accepted"].as_u64().unwrap() + rejected + got[0]["duplicates"].as_u64().unwrap();
    assert_eq!(got[0]["rows"].as_u64().unwrap(), sum);
}

#[test]
fn a_bad_line_is_answered_with_an_error_and_the_others_still_count() {
    let input = "{\"id\":1,\"title\":\"CEO\"}\nnot json\n\n{\"title\":\"CEO\"}\n{\"id\":3,\"titel\":\"CEO\"}\n{\"id\":4,\"title\":\"CTO\"}\n";
    let (code, answers) = answers("title", input);
    assert_eq!(code, Some(1));
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert_eq!(answers[1]["id"], "line 2");
    assert!(answers[1]["error"].is_string());
    assert_eq!(answers[2]["id"], "line 4");
    assert_eq!(answers[3]["id"], 3);
    assert!(answers[3]["error"].as_str().unwrap().contains("title"));
    assert_eq!(answers[4]["points"], 22);
}
