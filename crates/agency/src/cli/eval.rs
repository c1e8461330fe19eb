//! `agency eval KIND < input.jsonl > answers.jsonl`: one skill over many inputs, without a server and
//! without a database. One JSON object a line in, one a line out, in the same order.

use base::{Clock, Error, Result, SystemClock, Time};
use ports::provider::abn;
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufWriter, Write},
    process::ExitCode,
};

/// Which skill.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The skill.
    kind: Kind,
}

/// A skill that can be run alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Kind {
    /// {"id","title"}: the points of a job title.
    Title,
    /// {"id","lead","icp"}: the score of a lead with its reasons.
    Score,
    /// {"id","raw"}: what a reply means.
    Reply,
    /// {"id","raw"}: what a delivery report, a complaint or an absence notice says of each recipient.
    Bounce,
    /// {"id","input","country"}: a phone number in E.164.
    Phone,
    /// {"id","path"}: a file of leads, with what is accepted and why the rest is not.
    Import,
    /// {"id","path","outcome","time"?,"features"?,"won"?}: whether a CSV's columns beat its base rate on later rows.
    Weights,
    /// {"id","abn"} or {"id","text"}: whether a business number is sound, and those that stand in a text.
    Abn,
    /// {"id","dir"}: what eight skills read from a site saved as .html files, each value with its page and words.
    Icp,
}

/// Lines longer than this are refused; the largest is a mail with its attachments.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let now = SystemClock.now();
    let unwritable = |cause: io::Error| {
        Error::unavailable("eval.output", "The answers cannot be written.").caused_by(cause)
    };
    let mut input = io::stdin().lock();
    let mut output = BufWriter::new(io::stdout().lock());
    let (mut number, mut failed) = (0_u64, false);
    loop {
        let mut line = Vec::new();
        let read =
            io::Read::take(&mut input, LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(|cause| {
                Error::unavailable("eval.input", "The input cannot be read.").caused_by(cause)
            })?;
        if read == 0 {
            break;
        }
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let (id, answered) = answer(arguments.kind, &line, now);
        let answered = answered.unwrap_or_else(|error| {
            failed = true;
            let id = id.unwrap_or_else(|| json!(format!("line {number}")));
            json!({ "id": id, "error": error.message() })
        });
        writeln!(output, "{answered}").map_err(unwritable)?;
    }
    output.flush().map_err(unwritable)?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The id of a line, if it could be read, and its answer.
fn answer(kind: Kind, line: &[u8], now: Time) -> (Option<Value>, Result<Value>) {
    let line: Value = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(cause) => {
            return (None, Err(Error::invalid("eval.line", format!("The line is not JSON: {cause}."))));
        }
    };
    match line.get("id").cloned() {
        None => (None, Err(Error::invalid("eval.line", "The line is no object with an “id”."))),
        Some(id) => (Some(id), required(kind, &line).and_then(|()| run_one(kind, line, now))),
    }
}

fn run_one(kind: Kind, line: Value, now: Time) -> Result<Value> {
    match kind {
        Kind::Title => leads::eval::title(&line),
        Kind::Score => leads::eval::score(&line, now),
        Kind::Phone => leads::eval::phone(&line),
        Kind::Import => intake::eval::import(&line),
        Kind::Reply => {
            let line = serde_json::from_value(line)?;
            Ok(serde_json::to_value(inbound::reply::eval::answer(&line, now))?)
        }
        Kind::Bounce => {
            let line = serde_json::from_value(line)?;
            Ok(serde_json::to_value(inbound::bounce::eval::answer(&line))?)
        }
        Kind::Weights => weights(&line),
        Kind::Abn => Ok(abn(&line)),
        Kind::Icp => icp(&line),
    }
}

fn weights(line: &Value) -> Result<Value> {
    let word = |field: &str| line.get(field).and_then(Value::as_str);
    let path = word("path").unwrap_or_default();
    let columns = evidence::file::Columns {
        outcome: word("outcome")
            .ok_or_else(|| Error::invalid("eval.line", "The line has no usable “outcome”."))?,
        won: word("won"),
        time: word("time"),
        features: line.get("features").map(|names| serde_json::from_value(names.clone())).transpose()?,
    };
    let file = std::fs::File::open(path)
        .map_err(|cause| Error::invalid("eval.file", format!("{path} cannot be read: {cause}.")))?;
    let answer = evidence::file::judge_csv(io::BufReader::new(file), &columns)
        .map_err(|cause| Error::invalid("eval.file", format!("{path}: {cause}.")))?;
    let mut answer = serde_json::to_value(answer)?;
    answer["id"] = line["id"].clone();
    Ok(answer)
}

/// A number that is given must be the whole of it; in a text it is looked for.
fn abn(line: &Value) -> Value {
    let given = |field: &str| match &line[field] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let found: Vec<String> = match given("abn") {
        Some(number) => abn::abn(&number).into_iter().collect(),
        None => abn::all_in(&given("text").unwrap_or_default()),
    };
    let first = found.first();
    json!({
        "id": line["id"], "valid": first.is_some(), "abn": first, "formatted": first.map(|number| abn::spaced(number)),
        "found": found,
    })
}

fn icp(line: &Value) -> Result<Value> {
    let folder = line.get("dir").and_then(Value::as_str).unwrap_or_default();
    let pages = discovery::folder::read(std::path::Path::new(folder))
        .map_err(|cause| Error::invalid("eval.folder", format!("{cause}.")))?;
    let mut answer = serde_json::to_value(discovery::discover(&pages))?;
    answer["id"] = line["id"].clone();
    Ok(answer)
}

/// A skill's own field must be there: a misspelt one must not be answered as if it were empty.
fn required(kind: Kind, line: &Value) -> Result<()> {
    let (field, fits) = match kind {
        Kind::Title => ("title", line.get("title").is_some_and(|v| v.is_string() || v.is_null())),
        Kind::Score => ("lead", line.get("lead").is_some_and(Value::is_object)),
        Kind::Reply | Kind::Bounce => ("raw", line.get("raw").is_some_and(Value::is_string)),
        Kind::Abn => (
            "abn",
            ["abn", "text"]
                .iter()
                .any(|field| line.get(field).is_some_and(|v| v.is_string() || v.is_number())),
        ),
        Kind::Icp => ("dir", line.get("dir").is_some_and(Value::is_string)),
        Kind::Phone => {
            ("input", line.get("input").is_some_and(|v| v.is_string() || v.is_number() || v.is_null()))
        }
        Kind::Import | Kind::Weights => ("path", line.get("path").is_some_and(Value::is_string)),
    };
    if fits {
        return Ok(());
    }
    Err(Error::invalid("eval.line", format!("The line has no usable “{field}”.")))
}
