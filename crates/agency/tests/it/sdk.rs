//! The examples that pay, in Python and TypeScript, against a real server.

use crate::program::{Program, Server, folder};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use testkit::TestDb;

/// The compiler of the examples in TypeScript, and the types of Node.js.
const NODE_PACKAGES: [&str; 2] = ["typescript@5.9.3", "@types/node@20.19.43"];

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk").canonicalize().unwrap()
}

/// An installation with the seed in it: a server, the keys of its agents, and a vendor.
struct Shop {
    _db: TestDb,
    _folder: tempfile::TempDir,
    server: Server,
    keys: Vec<String>,
    vendor: String,
}

impl Shop {
    async fn open(port: u16) -> Self {
        let (db, folder) = (TestDb::new().await, folder());
        let made = Program::new(folder.path(), &["seed"]).env("DATABASE_URL", db.url()).run().ok();
        let keys: Vec<String> =
            made.out.split_whitespace().filter(|word| word.starts_with("aop_")).map(str::to_owned).collect();
        assert_eq!(keys.len(), 3, "{}", made.out);
        let server = Program::new(folder.path(), &["serve"])
            .env("DATABASE_URL", db.url())
            .env("AGENCY__WEB__LISTEN", &format!("127.0.0.1:{port}"))
            .start("Serving ");
        let mut cx = db.system().await;
        let query = "select id::text from pay.vendor where name = 'Harbour Data'";
        let vendor: String = sqlx::query_scalar(query).fetch_one(cx.conn()).await.unwrap();
        drop(cx);
        Self { _db: db, _folder: folder, server, keys, vendor }
    }

    /// Buys twice under one name, and once too much.
    fn buys(&self, program: &dyn Fn() -> Command) {
        let run = |key: &str, arguments: &[&str]| -> Output {
            let mut command = program();
            command.env("AGENCY_URL", self.server.url()).env("AGENCY_KEY", key);
            command.arg(&self.vendor).args(arguments).output().unwrap()
        };
        let said = |output: &Output| {
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        };
        let low = self.keys[0].as_str();
        let first = run(low, &["data.rows", "430", "AUD", "order-1"]);
        assert!(first.status.success(), "{}", said(&first));
        let paid: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
        assert_eq!(
            (
                paid["status"].as_str(),
                paid["rail"].as_str(),
                paid["amount_minor"].as_i64(),
                paid["receipt"].as_i64()
            ),
            (Some("succeeded"), Some("ledger"), Some(430), Some(6))
        );
        let again = run(low, &["data.rows", "430", "AUD", "order-1"]);
        assert_eq!(said(&again), said(&first), "the same purchase, not a second one");
        let more = run(low, &["data.rows", "60000", "AUD", "order-2"]);
        assert!(!more.status.success() && said(&more).contains("amount_exceeds_cap"), "{}", said(&more));
        let other = run(low, &["data.rows", "431", "AUD", "order-1"]);
        assert!(!other.status.success() && said(&other).contains("idempotency_conflict"), "{}", said(&other));
        let unknown = run("aop_000000000000_nobody", &["data.rows", "1", "AUD", "order-3"]);
        assert!(
            !unknown.status.success() && said(&unknown).contains("principal_key.invalid"),
            "{}",
            said(&unknown)
        );
        let payments = self.server.get_as("/api/v1/payments", low);
        assert_eq!(payments.matches("\"provider_ref\"").count(), 4, "{payments}");
    }
}

#[tokio::test]
async fn the_example_in_python_pays_once() {
    let shop = Shop::open(18_475).await;
    shop.buys(&|| {
        let mut command = Command::new("python3");
        command.arg(sdk().join("python/pay.py"));
        command
    });
    shop.server.terminate().ok();
}

#[tokio::test]
async fn the_example_in_typescript_is_sound_and_pays_once() {
    let (modules, out) = (modules(), tempfile::tempdir().unwrap());
    let source = sdk().join("typescript/pay.mts");
    let flags = [
        "--strict",
        "--noUncheckedIndexedAccess",
        "--erasableSyntaxOnly",
        "--target",
        "es2022",
        "--lib",
        "es2023,dom",
        "--module",
        "nodenext",
        "--types",
        "node",
        "--typeRoots",
    ];
    let mut compiler = Command::new("node");
    compiler.arg(modules.join("typescript/bin/tsc")).args(flags).arg(modules.join("@types"));
    succeeds(compiler.arg("--outDir").arg(out.path()).arg(&source));
    // Node.js runs the source itself since 22.18; older ones what the compiler makes of it.
    let itself = Command::new("node").args(["--print", "process.features.typescript"]).output().unwrap();
    let file = if itself.stdout.starts_with(b"strip") { source } else { out.path().join("pay.mjs") };
    let shop = Shop::open(18_476).await;
    shop.buys(&|| {
        let mut command = Command::new("node");
        command.arg(&file);
        command
    });
    shop.server.terminate().ok();
}

/// A folder of packages that is filled once below the target folder.
fn modules() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = std::fs::File::create(folder.join("sdk-node.lock")).unwrap();
    // Tests run as processes side by side.
    lock.lock().unwrap();
    let own = folder.join("sdk-node");
    let modules = own.join("node_modules");
    let there = NODE_PACKAGES.iter().all(|package| {
        let (name, version) = package.rsplit_once('@').unwrap();
        std::fs::read_to_string(modules.join(name).join("package.json"))
            .is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    });
    if !there {
        std::fs::create_dir_all(&own).unwrap();
        let install = ["install", "--no-audit", "--no-fund", "--no-save", "--silent", "--prefix"];
        succeeds(Command::new("npm").args(install).arg(&own).args(NODE_PACKAGES));
    }
    modules
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?} cannot be started: {cause}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
