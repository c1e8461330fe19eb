//! `cargo x new …`: writes a file where the house wants it, and the line that registers it.
//!
//! What is written compiles and does nothing yet; it shows the shape. The last lines that need a
//! decision (address, access, retry bound) are printed, not guessed.

use crate::{Outcome, run};
use std::path::Path;

const USAGE: &str =
    "say: new vendor CAPABILITY/NAME | page CRATE/NOUN | job CRATE/NOUN | migration CRATE/WHAT";

/// Writes one scaffold.
pub(crate) fn run(args: &[String]) -> Outcome {
    let [kind, name] = args else { return Err(USAGE.to_owned()) };
    let name = Name::parse(name)?;
    let root = run::root();
    let said = match kind.as_str() {
        "vendor" => vendor(&root, &name)?,
        "page" => room(&root, &name, "pages", PAGE)?,
        "job" => room(&root, &name, "jobs", JOB)?,
        "migration" => {
            migration(&root, &name, run::read(run::command("date", &["-u", "+%Y%m%d%H%M%S"]))?.trim())?
        }
        other => return Err(format!("there is no scaffold '{other}'; {USAGE}")),
    };
    println!("{said}");
    Ok(())
}

/// Two words: where, and what.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    place: String,
    what: String,
}

impl Name {
    fn parse(text: &str) -> Result<Name, String> {
        let plain = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        match text.split_once('/') {
            Some((place, what)) if plain(place) && plain(what) => {
                Ok(Name { place: place.to_owned(), what: what.to_owned() })
            }
            _ => Err(format!("'{text}' is not two lower-case words with a slash; {USAGE}")),
        }
    }

    /// The second word as a type name: `follow_up` is `FollowUp`.
    fn as_type(&self) -> String {
        self.what
            .split('_')
            .map(|part| {
                let mut letters = part.chars();
                letters
                    .next()
                    .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
                    .unwrap_or_default()
            })
            .collect()
    }

    fn fill(&self, template: &str) -> String {
        template
            .replace("{PLACE}", &self.place)
            .replace("{WHAT}", &self.what)
            .replace("{TYPE}", &self.as_type())
    }
}

const VENDOR: &str = "//! {TYPE}, a vendor of {PLACE}.

/// Calls {TYPE} for one tenant. It implements the port of `{PLACE}`.
#[derive(Debug)]
pub struct {TYPE} {
    /// Where the API answers; the vendor's own address, or a twin's in tests.
    pub endpoint: url::Url,
}
";

const PAGE: &str = "//! The pages of {WHAT}.

use axum::response::Response;
use maud::html;
use web::{Cx, Result};

/// Shows {WHAT}.
pub async fn show(cx: Cx) -> Result<Response> {
    let body = html! { h1 { \"{TYPE}\" } };
    cx.page(\"{TYPE}\", body).await
}
";

const JOB: &str = "//! Background work of {WHAT}.

use serde::{Deserialize, Serialize};

/// Work on one {WHAT}. It runs at least once, so its effect must be safe to repeat.
#[derive(Debug, Serialize, Deserialize)]
pub struct {TYPE}Job {
    /// The row to work on.
    pub id: uuid::Uuid,
}
";

const MIGRATION: &str = "-- {WHAT} of {PLACE}: say here what the rows mean and who writes them.

create schema if not exists {PLACE};
grant usage on schema {PLACE} to agency_app, agency_system;

create table {PLACE}.{WHAT} (
  id uuid primary key,
  tenant_id uuid not null,
  created_at timestamptz not null,
  deleted_at timestamptz
);
call kernel.isolate('{PLACE}.{WHAT}');
create index {WHAT}_tenant on {PLACE}.{WHAT} (tenant_id, id desc);
";

fn vendor(root: &Path, name: &Name) -> Result<String, String> {
    let folder = format!("crates/vendors/src/{}", name.place);
    write(root, &format!("{folder}/{}.rs", name.what), &name.fill(VENDOR))?;
    let register = if root.join(format!("{folder}.rs")).exists() {
        format!("{folder}.rs")
    } else {
        format!("{folder}/mod.rs")
    };
    if !root.join(&register).exists() {
        write(root, &register, &name.fill("//! Vendors of {PLACE}.\n"))?;
        declare(root, "crates/vendors/src/lib.rs", &format!("pub mod {};", name.place))?;
    }
    declare(root, &register, &format!("pub mod {};", name.what))?;
    Ok(name.fill(
        "next: implement the port of {PLACE}, add its twin, put recorded replies into fixtures/vendors/{WHAT}/,\nand choose it by settings in the agency crate. See docs/how-to/add-a-vendor.md",
    ))
}

fn room(root: &Path, name: &Name, room: &str, template: &str) -> Result<String, String> {
    let domain = format!("crates/{}/src", name.place);
    if !root.join(&domain).exists() {
        return Err(format!("there is no crate {}", name.place));
    }
    write(root, &format!("{domain}/{}/{room}.rs", name.what), &name.fill(template))?;
    let noun = if root.join(format!("{domain}/{}.rs", name.what)).exists() {
        format!("{domain}/{}.rs", name.what)
    } else {
        format!("{domain}/{}/mod.rs", name.what)
    };
    if !root.join(&noun).exists() {
        write(root, &noun, &name.fill("//! {TYPE}: say what it is and what always holds for it.\n"))?;
        declare(root, &format!("{domain}/lib.rs"), &format!("pub mod {};", name.what))?;
    }
    declare(root, &noun, &format!("pub mod {room};"))?;
    Ok(match room {
        "pages" => name.fill("next: in crates/{PLACE}/src/lib.rs add to module():\n  .page(Method::GET, \"/{WHAT}\", Access::…, {WHAT}::pages::show)"),
        _ => name.fill("next: register the kind, its limits and its handler in crates/{PLACE}/src/lib.rs. See docs/how-to/add-a-job.md"),
    })
}

fn migration(root: &Path, name: &Name, stamp: &str) -> Result<String, String> {
    let path = format!("migrations/{stamp}_{}_{}.sql", name.place, name.what);
    write(root, &path, &name.fill(MIGRATION))?;
    Ok(format!("next: edit {path}, then `cargo x db` and `cargo x sql`"))
}

/// Writes a file that is not there yet.
fn write(root: &Path, path: &str, text: &str) -> Outcome {
    let file = root.join(path);
    if file.exists() {
        return Err(format!("{path} exists already"));
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot create a folder for {path}: {error}"))?;
    }
    std::fs::write(&file, text).map_err(|error| format!("cannot write {path}: {error}"))?;
    println!("wrote {path}");
    Ok(())
}

/// Puts `line` among the `mod` lines of a file, in order.
fn declare(root: &Path, path: &str, line: &str) -> Outcome {
    let file = root.join(path);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("cannot read {path}: {error}"))?;
    std::fs::write(&file, declared(&text, line)).map_err(|error| format!("cannot write {path}: {error}"))?;
    println!("added `{line}` to {path}");
    Ok(())
}

fn declared(text: &str, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let is_mod =
        |text: &str| (text.starts_with("mod ") || text.starts_with("pub mod ")) && text.ends_with(';');
    let name = |text: &str| text.trim_start_matches("pub ").to_owned();
    if lines.contains(&line) {
        return text.to_owned();
    }
    let mods: Vec<usize> = (0..lines.len()).filter(|at| is_mod(lines[*at])).collect();
    let before = mods.iter().find(|at| name(lines[**at]) > name(line)).copied();
    match (before, mods.last()) {
        (Some(at), _) => lines.insert(at, line),
        (None, Some(last)) => lines.insert(last + 1, line),
        (None, None) => {
            // After the crate's or module's own comment.
            let at = lines.iter().position(|text| !text.starts_with("//!")).unwrap_or(lines.len());
            lines.splice(at..at, ["", line]);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("xtask-new-{name}-{}", std::process::id()));
        for folder in ["crates/vendors/src", "crates/leads/src", "migrations"] {
            std::fs::create_dir_all(dir.join(folder)).expect("scratch folder");
        }
        std::fs::write(dir.join("crates/vendors/src/lib.rs"), "//! Adapters.\n").expect("file");
        std::fs::write(
            dir.join("crates/leads/src/lib.rs"),
            "//! Leads.\n\nmod als;\nmod lead;\n\nfn x() {}\n",
        )
        .expect("file");
        dir
    }

    fn text(dir: &Path, path: &str) -> String {
        std::fs::read_to_string(dir.join(path)).unwrap_or_default()
    }

    #[test]
    fn a_vendor_gets_a_file_and_two_lines() {
        let dir = scratch("vendor");
        vendor(&dir, &Name::parse("email/acme").expect("name")).expect("written");
        assert!(text(&dir, "crates/vendors/src/email/acme.rs").contains("pub struct Acme"));
        assert_eq!(text(&dir, "crates/vendors/src/email/mod.rs"), "//! Vendors of email.\n\npub mod acme;\n");
        assert_eq!(text(&dir, "crates/vendors/src/lib.rs"), "//! Adapters.\n\npub mod email;\n");
        assert!(vendor(&dir, &Name::parse("email/acme").expect("name")).is_err(), "never overwrites");
        std::fs::remove_dir_all(&dir).expect("removable");
    }

    #[test]
    fn rooms_and_migrations_land_where_the_house_wants_them() {
        let dir = scratch("room");
        let name = Name::parse("leads/company").expect("name");
        room(&dir, &name, "pages", PAGE).expect("written");
        room(&dir, &name, "jobs", JOB).expect("written");
        assert_eq!(
            text(&dir, "crates/leads/src/lib.rs"),
            "//! Leads.\n\nmod als;\npub mod company;\nmod lead;\n\nfn x() {}\n"
        );
        assert!(text(&dir, "crates/leads/src/company/mod.rs").ends_with("\npub mod jobs;\npub mod pages;\n"));
        migration(&dir, &name, "20260101000000").expect("written");
        assert!(
            text(&dir, "migrations/20260101000000_leads_company.sql")
                .contains("kernel.isolate('leads.company')")
        );
        std::fs::remove_dir_all(&dir).expect("removable");
    }

    #[test]
    fn names_are_two_plain_words() {
        assert_eq!(Name::parse("leads/follow_up").expect("name").as_type(), "FollowUp");
        for wrong in ["leads", "Leads/x", "leads/../x", "a/b/c", "leads/1x"] {
            assert!(Name::parse(wrong).is_err(), "{wrong}");
        }
    }
}
