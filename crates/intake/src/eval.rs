//! Reading a file of leads over lines of JSON, without a server: `{"id","path"}`, optional `"country"` (default
//! Australia) for national phone numbers, gives
//! `{"id","rows","accepted","rejected":[{"line","reason","column","value","text"}],"duplicates","sample"}`.

use crate::{Options, Upload, collect};
use base::{Error, Result};
use leads::Country;
use serde_json::{Value, json};

/// Reads a file of leads from disk. Errors: no path, or a file that cannot be read as a list.
pub fn import(line: &Value) -> Result<Value> {
    let given = |key: &str| line[key].as_str().map(str::trim).filter(|text| !text.is_empty());
    let path = given("path")
        .ok_or_else(|| Error::invalid("eval.input", "The input cannot be used: the line has no “path”."))?;
    let file = std::fs::File::open(path)
        .map_err(|error| Error::invalid("eval.file", format!("{path} cannot be opened: {error}.")))?;
    let country = given("country").map_or(Some(Country::AU), Country::parse);
    let mut upload = Upload::open(file)?;
    let mapping = upload.mapping();
    let got = collect(upload.rows(&mapping, Options { country })?);
    let sample = got.accepted.iter().take(5).map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "id": line["id"], "rows": got.rows, "accepted": got.accepted.len(), "rejected": got.rejected,
        "duplicates": got.duplicates, "sample": sample,
    }))
}

#[cfg(test)]
mod tests {
    use super::import;
    use serde_json::json;

    #[test]
    fn a_file_is_counted_and_a_missing_one_is_named() {
        let missing = import(&json!({"id": 1, "path": "/nowhere.csv"}));
        assert_eq!(missing.err().map(|error| error.code()), Some("eval.file"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/leads/messy-500.csv");
        let got = import(&json!({"id": 1, "path": path})).expect("an answer");
        assert_eq!(
            (&got["rows"], &got["accepted"], &got["duplicates"]),
            (&json!(500), &json!(440), &json!(28))
        );
        assert_eq!(got["rejected"].as_array().map(Vec::len), Some(32));
    }
}
