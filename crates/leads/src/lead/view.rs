//! Saved views: a name for a filter, shared by the people of one client.

use super::Asked;
use base::{Error, Result, Time};
use db::Cx;
use uuid::Uuid;

/// A saved view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// The query of the list's address.
    pub query: String,
}

/// Views of one client at most.
const VIEWS_MAX: i64 = 50;

/// Saves what the list shows now under a name.
pub async fn save_view(cx: &mut Cx, name: &str, query: &str) -> Result<Uuid> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 60 {
        return Err(Error::invalid("lead.view_name", "Give the view a name of 1 to 60 characters."));
    }
    let asked = Asked::from_query(query);
    asked.filter()?;
    let (tenant, now, id, by) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>(), cx.actor().label());
    let there = sqlx::query_scalar!(
        r#"select count(*) as "count!" from leads.saved_view where tenant_id = $1 and deleted_at is null"#,
        tenant
    )
    .fetch_one(cx.conn())
    .await?;
    if there >= VIEWS_MAX {
        return Err(Error::refused(
            "lead.views_full",
            format!("There are {VIEWS_MAX} views already. Remove one first."),
        ));
    }
    sqlx::query!(
        "insert into leads.saved_view (id, tenant_id, name, query, created_by, created_at) values ($1, $2, $3, $4, $5, $6)",
        id,
        tenant,
        name,
        asked.query(),
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

/// The views, by name.
pub async fn views(cx: &mut Cx) -> Result<Vec<View>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        View,
        "select id, name, query from leads.saved_view where tenant_id = $1 and deleted_at is null order by name, id limit $2",
        tenant,
        VIEWS_MAX,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Removes a view; the leads in it stay.
pub async fn drop_view(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let dropped = sqlx::query!(
        "update leads.saved_view set deleted_at = $3 where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if dropped == 0 { Err(Error::not_found("view")) } else { Ok(()) }
}
