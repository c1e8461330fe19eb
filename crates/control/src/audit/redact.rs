//! Taking a person out of the trail: what an entry held goes, the hash under which it was sealed stays.
//!
//! A redaction is named by an entry of its own, which is sealed like any other, so that nobody can pass a change off as
//! one: [`super::verify`] accepts an entry that does not match its hash only when such an entry vouches for it.

use super::chain::{SEAL_LOCK, Sealed};
use base::{Digest, Result, Time};
use db::Cx;

/// Takes the content out of the tenant's entries about these rows, and of those with one of these words in them.
/// Returns how many entries. Waits for the sealer's batch and keeps it waiting until the transaction ends.
pub async fn redact(cx: &mut Cx, subjects: &[String], words: &[String]) -> Result<u64> {
    sqlx::query!("select pg_advisory_xact_lock($1)", SEAL_LOCK).execute(cx.conn()).await?;
    let found = sqlx::query!(
        r#"select seq as "seq?", id as "id!", xid as "xid!", tenant_id as "tenant_id?", at as "at!: Time", actor as "actor!", request_id as "request_id?",
                  action as "action!", subject_table as "subject_table!", subject_id as "subject_id?", rows as "rows!", before as "before?", after as "after?", reason as "reason?"
           from audit.about($1, $2)"#,
        subjects,
        words,
    )
    .fetch_all(cx.conn())
    .await?;
    let (mut ids, mut digests) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
    for entry in found {
        ids.push(entry.id);
        let sealed = entry.seq.map(|seq| Sealed {
            seq,
            id: entry.id,
            xid: entry.xid,
            tenant_id: entry.tenant_id,
            at: entry.at,
            actor: entry.actor,
            request_id: entry.request_id,
            action: entry.action,
            subject_table: entry.subject_table,
            subject_id: entry.subject_id,
            rows: entry.rows,
            before: entry.before,
            after: entry.after,
            reason: entry.reason,
        });
        digests
            .push(sealed.map(|entry| Digest::of_json(&entry)).transpose()?.map(|digest| digest.0.to_vec()));
    }
    if ids.is_empty() {
        return Ok(0);
    }
    let redacted =
        sqlx::query_scalar!(r#"select audit.redact($1, $2) as "n!""#, &ids, &digests as &[Option<Vec<u8>>],)
            .fetch_one(cx.conn())
            .await?;
    Ok(u64::try_from(redacted).unwrap_or(0))
}
