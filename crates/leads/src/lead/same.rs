//! Which stored lead is the same person as somebody who comes in.

use super::Fields;
use base::Result;
use db::Cx;
use uuid::Uuid;

/// What identifies a stored lead.
struct Known {
    id: Uuid,
    email: Option<String>,
    linkedin_url: Option<String>,
    phone: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

/// For each person the lead that is here already, the oldest where there are several: by address, else by profile,
/// else by number and name. A weaker key counts only where one of the two lacks the stronger ones. Leads of the
/// import `besides` are not looked at: inside one file, the file's own rule holds.
pub async fn same(cx: &mut Cx, people: &[&Fields], besides: Option<Uuid>) -> Result<Vec<Option<Uuid>>> {
    let tenant = cx.tenant()?.uuid();
    let list = |key: fn(&Fields) -> &Option<String>| -> Vec<String> {
        people.iter().filter_map(|person| key(person).clone()).collect()
    };
    let known = sqlx::query_as!(
        Known,
        r#"select id as "id!", email, linkedin_url, phone, lower(first_name) as first_name, lower(last_name) as last_name from (
             select id, email, linkedin_url, phone, first_name, last_name, import_id, created_at from leads.lead where tenant_id = $1 and email = any($2) and deleted_at is null
             union select id, email, linkedin_url, phone, first_name, last_name, import_id, created_at from leads.lead where tenant_id = $1 and linkedin_url = any($3) and deleted_at is null
             union select id, email, linkedin_url, phone, first_name, last_name, import_id, created_at from leads.lead where tenant_id = $1 and phone = any($4) and deleted_at is null
           ) l where $5::uuid is null or import_id is distinct from $5 order by created_at, id"#,
        tenant,
        &list(|f| &f.email),
        &list(|f| &f.linkedin_url),
        &list(|f| &f.phone),
        besides,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(people.iter().map(|person| one_of(&known, person)).collect())
}

fn one_of(known: &[Known], person: &Fields) -> Option<Uuid> {
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    let (first, last) = (lower(&person.first_name), lower(&person.last_name));
    // Two that both have a key and differ in it are two people, whatever weaker key they share.
    let differ = |mine: &Option<String>, theirs: &Option<String>| mine.is_some() && theirs.is_some();
    let by_email = || known.iter().find(|one| person.email.is_some() && one.email == person.email);
    let by_profile = || {
        known.iter().find(|one| {
            person.linkedin_url.is_some()
                && one.linkedin_url == person.linkedin_url
                && !differ(&person.email, &one.email)
        })
    };
    let by_phone = || {
        known.iter().find(|one| {
            person.phone.is_some()
                && one.phone == person.phone
                && one.first_name == first
                && one.last_name == last
                && !differ(&person.email, &one.email)
                && !differ(&person.linkedin_url, &one.linkedin_url)
        })
    };
    by_email().or_else(by_profile).or_else(by_phone).map(|one| one.id)
}
