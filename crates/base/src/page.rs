//! Keyset pages: lists that stay fast at a million rows.

use crate::Error;
use serde::{Deserialize, Serialize};

/// Where a page begins: the sort key and id of the last row before it, as one opaque text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor after the row with this sort key and id.
    pub fn after(key: &str, id: uuid::Uuid) -> Self {
        Self(format!("{}.{}", hex::encode(key), id.simple()))
    }

    /// The sort key and id. Errors when the text was not made by [`Cursor::after`].
    pub fn parts(&self) -> Result<(String, uuid::Uuid), Error> {
        let bad = || {
            Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.")
        };
        let (key, id) = self.0.split_once('.').ok_or_else(bad)?;
        let key = hex::decode(key).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad)?;
        let id = uuid::Uuid::try_parse(id).map_err(|_| bad())?;
        Ok((key, id))
    }

    /// The text in a link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of rows and where the next begins.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Page<T> {
    /// The rows, in order.
    pub rows: Vec<T>,
    /// Present when there are more rows.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` rows out of up to `limit + 1` fetched rows; `key` gives
    /// the cursor of a row.
    pub fn cut(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(key) } else { None };
        Self { rows, next }
    }
}
