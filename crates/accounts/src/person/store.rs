//! The SQL of people. All of it runs across tenants: a person belongs to none.

use super::{New, Person};
use base::{Result, Time, UserId};
use db::Cx;

pub(super) async fn insert(cx: &mut Cx, id: UserId, new: &New, first: bool) -> Result<(), sqlx::Error> {
    let now = cx.now();
    sqlx::query!(
        "insert into accounts.person (id, email, name, password_hash, zone, email_verified_at, platform_admin, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        id.uuid(),
        new.email.as_str(),
        new.name,
        new.password_hash,
        new.zone,
        new.verified.then_some(now) as Option<Time>,
        first,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Whether there is nobody yet; holds off everyone else who asks until this transaction ends.
pub(super) async fn is_first(cx: &mut Cx) -> Result<bool> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('accounts.first_person', 0))")
        .fetch_one(cx.conn())
        .await?;
    Ok(sqlx::query_scalar!(r#"select not exists (select from accounts.person) as "first!""#)
        .fetch_one(cx.conn())
        .await?)
}

pub(super) async fn by_email(cx: &mut Cx, email: &str) -> Result<Option<Person>> {
    let row = sqlx::query_as!(
        Person,
        r#"select id as "id: UserId", email, name, password_hash, zone, theme, email_verified_at, platform_admin
           from accounts.person where email = $1 and deleted_at is null"#,
        email
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn by_id(cx: &mut Cx, id: UserId) -> Result<Option<Person>> {
    let row = sqlx::query_as!(
        Person,
        r#"select id as "id: UserId", email, name, password_hash, zone, theme, email_verified_at, platform_admin
           from accounts.person where id = $1 and deleted_at is null"#,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn set_profile(cx: &mut Cx, id: UserId, name: &str, zone: &str) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.person set name = $2, zone = $3, updated_at = $4 where id = $1 and deleted_at is null",
        id.uuid(),
        name,
        zone,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_theme(cx: &mut Cx, id: UserId, theme: &str) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.person set theme = $2, updated_at = $3 where id = $1 and theme <> $2",
        id.uuid(),
        theme,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_password(cx: &mut Cx, id: UserId, hash: &str) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.person set password_hash = $2, updated_at = $3 where id = $1 and deleted_at is null",
        id.uuid(),
        hash,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_verified(cx: &mut Cx, id: UserId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.person set email_verified_at = $2, updated_at = $2
         where id = $1 and email_verified_at is null and deleted_at is null",
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
