//! Every module of the program over a test's database, without a socket, with the outside in memory.

use agency::{roles::House, settings::Settings, wire};
use control::{secret::Keyring, switch::Watch};
use std::sync::Arc;
use testkit::{TestApp, TestDb};

/// What the list of modules is made from.
pub async fn house(kit: &TestDb, folder: &std::path::Path) -> House {
    let mut settings = Settings { state_dir: folder.join(".state"), ..Settings::default() };
    settings.mail.from = base::EmailAddress::parse("system@agency.example").expect("an address");
    std::fs::create_dir_all(&settings.state_dir).expect("a folder");
    let ring = Keyring::load(&settings.secret, &settings.state_dir, &kit.random).expect("a key");
    House {
        ports: Arc::new(kit.ports().ports()),
        ring: Arc::new(ring),
        switches: Watch::start(&kit.db).await.expect("switches can be read"),
        db: kit.db.clone(),
        settings,
    }
}

/// The real list of modules; callers are who the tests say.
pub async fn app(kit: &TestDb, folder: &std::path::Path) -> TestApp {
    let house = house(kit, folder).await;
    TestApp::start(kit, wire::modules(&house).expect("modules")).await
}
