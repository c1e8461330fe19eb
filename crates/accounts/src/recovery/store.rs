//! The SQL of links in mails. All of it runs across tenants.

use super::rules::Purpose;
use base::{Result, Time, UserId};
use db::Cx;
use uuid::Uuid;

pub(super) async fn insert(cx: &mut Cx, person: UserId, purpose: Purpose, token_hash: &[u8]) -> Result<()> {
    let (id, now) = (cx.id::<Uuid>(), cx.now());
    sqlx::query!(
        "insert into accounts.mail_token (id, person_id, purpose, token_hash, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        id,
        person.uuid(),
        purpose.word(),
        token_hash,
        now as Time,
        purpose.ends(now) as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn count_since(cx: &mut Cx, person: UserId, purpose: Purpose, since: Time) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from accounts.mail_token
           where person_id = $1 and purpose = $2 and created_at > $3"#,
        person.uuid(),
        purpose.word(),
        since as Time,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Whose living token this is; locked, so that it is used once.
pub(super) async fn find(cx: &mut Cx, purpose: Purpose, token_hash: &[u8]) -> Result<Option<UserId>> {
    let now = cx.now();
    let found = sqlx::query_scalar!(
        "select t.person_id from accounts.mail_token t
         join accounts.person p on p.id = t.person_id and p.deleted_at is null
         where t.token_hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3 for update of t",
        token_hash,
        purpose.word(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(found.map(UserId))
}

/// Uses up all tokens of a person for a purpose: a later link makes the earlier ones pointless.
pub(super) async fn use_up(cx: &mut Cx, person: UserId, purpose: Purpose) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.mail_token set used_at = $3 where person_id = $1 and purpose = $2 and used_at is null",
        person.uuid(),
        purpose.word(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
