use super::*;
use std::io::Write;

fn with(file: &str, variables: &[(&str, &str)]) -> Result<Loaded> {
    let mut place = tempfile::NamedTempFile::new().unwrap();
    place.write_all(file.as_bytes()).unwrap();
    let variables: Vec<_> = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    load(Some(place.path()), variables.into_iter())
}

#[test]
fn every_key_has_a_doc_and_every_plain_one_a_default() {
    for key in keys::all() {
        assert!(!key.doc.is_empty(), "{} has no doc", key.path);
        assert!(key.default.is_some() || key.shape == Shape::Secret, "{} has no default", key.path);
    }
}

#[test]
fn nothing_set_gives_the_defaults() {
    let loaded = with("", &[("PATH", "/bin")]).unwrap();
    assert_eq!(loaded.settings.web.listen, "127.0.0.1:8080");
    assert!(loaded.settings.sink.enabled);
}

#[test]
fn the_environment_wins_over_the_file_and_the_long_name_over_the_short_one() {
    let file =
        "[web]\nlisten = \"127.0.0.1:1\"\n[work]\nconcurrency = 3\n[database]\nurl = \"postgres://file\"";
    let loaded = with(
        file,
        &[
            ("AGENCY__WEB__LISTEN", "127.0.0.1:2"),
            ("DATABASE_URL", "postgres://short"),
            ("AGENCY__DATABASE__URL", "postgres://long"),
            ("AGENCY__SINK__ENABLED", "off"),
            ("AGENCY__WORK__QUEUES", "a, b"),
        ],
    )
    .unwrap();
    assert_eq!(loaded.settings.web.listen, "127.0.0.1:2");
    assert_eq!(loaded.settings.work.concurrency, 3);
    assert_eq!(loaded.settings.work.queues, ["a", "b"]);
    assert_eq!(loaded.settings.database.url.expose(), "postgres://long");
    assert!(!loaded.settings.sink.enabled);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let wrong_file = with("[web]\nlistn = \"x\"", &[]).unwrap_err();
    assert!(wrong_file.message().contains("web.listn"), "{wrong_file}");
    assert!(wrong_file.message().contains("Did you mean web.listen?"), "{wrong_file}");
    let wrong_section = with("[databse]\nurl = \"x\"", &[]).unwrap_err();
    assert!(wrong_section.message().contains("databse"), "{wrong_section}");
    let wrong_variable = with("", &[("AGENCY__LLM__MODLE", "x")]).unwrap_err();
    assert!(wrong_variable.message().contains("AGENCY__LLM__MODLE"), "{wrong_variable}");
    assert!(wrong_variable.message().contains("Did you mean llm.model?"), "{wrong_variable}");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_by_its_key() {
    let word = with("[mail]\nsmtp_security = \"ssl\"", &[]).unwrap_err();
    assert!(word.message().contains("mail.smtp_security takes one of: none, start_tls, tls"), "{word}");
    let number = with("", &[("AGENCY__WORK__CONCURRENCY", "many")]).unwrap_err();
    assert!(number.message().contains("work.concurrency takes a whole number"), "{number}");
    let address = with("", &[("AGENCY__SINK__SMTP", "nowhere")]).unwrap_err();
    assert!(address.message().contains("sink.smtp"), "{address}");
    let secret = with("[web]\nmetrics_token = 5", &[("AGENCY__LLM__KEY", "hunter2")]).unwrap_err();
    assert!(!secret.message().contains("hunter2"), "{secret}");
}

#[test]
fn a_secret_is_never_shown() {
    let loaded = with("", &[("AGENCY__LLM__KEY", "hunter2")]).unwrap();
    let key = keys::all().into_iter().find(|key| key.path == "llm.key").unwrap();
    assert_eq!(loaded.shown(&key), ("••••".to_owned(), Origin::Environment("AGENCY__LLM__KEY".to_owned())));
    assert!(!format!("{:?}", loaded.settings).contains("hunter2"));
}
