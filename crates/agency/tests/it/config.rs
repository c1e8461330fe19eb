//! Settings as their users meet them.

use crate::program::{Program, folder};

#[test]
fn config_prints_each_key_with_its_meaning_value_and_origin_and_no_secret() {
    let folder = folder();
    std::fs::write(folder.path().join("agency.toml"), "[web]\nlisten = \"127.0.0.1:9\"\n").unwrap();
    Program::new(folder.path(), &["config"])
        .env("AGENCY__LLM__KEY", "hunter2hunter2")
        .env("DATABASE_URL", "postgres://agency:s3cretpass@db/agency")
        .run()
        .ok()
        .says("web.listen = 127.0.0.1:9")
        .says("Address and port to listen on.")
        .says("From: agency.toml; default \"127.0.0.1:8080\". Variable: AGENCY__WEB__LISTEN")
        .says("llm.key = ••••")
        .says("database.url = ••••")
        .says("From: DATABASE_URL")
        .says("sink.enabled = true")
        .never_says("hunter2")
        .never_says("s3cretpass");
}

#[test]
fn a_misspelt_key_is_refused_with_the_right_one() {
    let folder = folder();
    std::fs::write(folder.path().join("agency.toml"), "[web]\nlisten_on = \"127.0.0.1:9\"\n").unwrap();
    Program::new(folder.path(), &["config"])
        .run()
        .failed()
        .says("web.listen_on")
        .says("Did you mean web.listen?");
}

#[test]
fn a_settings_file_that_is_not_there_is_named() {
    let folder = folder();
    Program::new(folder.path(), &["--config", "absent.toml", "config"]).run().failed().says("absent.toml");
}

#[test]
fn the_openapi_document_needs_no_database_and_leaves_no_file() {
    let folder = folder();
    let ended = Program::new(folder.path(), &["openapi"]).run().ok();
    let document: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert!(document["paths"]["/api/v1/client"]["get"].is_object(), "{}", ended.out);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
