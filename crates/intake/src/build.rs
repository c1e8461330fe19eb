//! A record and a mapping make a row or a reject.

use super::columns::{Mapping, is_header_again};
use super::draft::{LeadDraft, Notice, Row};
use super::records::Record;
use super::{Field, Reason, Reject};
use leads::clean::{self, is_blank};
use leads::dates;
use leads::fold::fold;
use leads::score::EmailState;
use leads::{Country, Headcount, country, phone, zone};

/// A record under a mapping: typed access to its cells.
struct Cells<'a> {
    record: &'a Record,
    mapping: &'a Mapping,
    headers: &'a [String],
    notices: Vec<Notice>,
}

impl<'a> Cells<'a> {
    /// The filled cells of a field with their headers.
    fn all(&self, field: Field) -> Vec<(&'a str, &'a str)> {
        let columns = self.mapping.columns.iter().enumerate().filter(|(_, mapped)| **mapped == Some(field));
        columns
            .filter_map(|(column, _)| {
                let header = self.headers.get(column).map_or("", String::as_str);
                self.record.cells.get(column).map(|cell| (header, leads::export::plain_cell(cell)))
            })
            .filter(|(_, cell)| !is_blank(cell))
            .collect()
    }

    fn one(&self, field: Field) -> Option<(&'a str, &'a str)> {
        self.all(field).first().copied()
    }

    fn plain(&self, field: Field) -> Option<String> {
        self.one(field).and_then(|(_, cell)| clean::plain(cell))
    }

    /// Reads the field; a value that cannot be read is left out with a notice.
    fn read<T>(&mut self, field: Field, how: impl Fn(&str) -> Option<T>, text: &str) -> Option<T> {
        let (header, cell) = self.one(field)?;
        let value = how(cell);
        if value.is_none() {
            self.notice(header, cell, text);
        }
        value
    }

    fn notice(&mut self, column: &str, value: &str, text: &str) {
        self.notices.push(Notice {
            line: self.record.line,
            column: column.to_owned(),
            value: value.chars().take(200).collect(),
            text: text.to_owned(),
        });
    }
}

/// Makes the row, or says why not.
pub(super) fn row(
    record: &Record,
    mapping: &Mapping,
    headers: &[String],
    default: Option<Country>,
) -> Result<Row, Reject> {
    let line = record.line;
    if is_header_again(&record.cells, headers) {
        let text = "This is the header again, not a person. Nothing needs to be done.";
        return Err(Reject::row(line, &record.cells.join(" | "), Reason::RepeatedHeader, text));
    }
    let surplus = record.cells.get(headers.len()..).unwrap_or_default();
    if surplus.iter().any(|cell| !cell.is_empty()) {
        let text = format!(
            "The row has {} values for {} columns: a separator inside a value shifted the rest. Put that value in quotation marks.",
            record.cells.len(),
            headers.len()
        );
        return Err(Reject::row(line, &record.cells.join(" | "), Reason::TooManyColumns, text));
    }
    let mut cells = Cells { record, mapping, headers, notices: Vec::new() };
    let mut draft = LeadDraft { lines: vec![line], ..LeadDraft::default() };
    email(&mut cells, &mut draft)?;
    person(&mut cells, &mut draft);
    company(&mut cells, &mut draft);
    place(&mut cells, &mut draft);
    reach(&mut cells, &mut draft, default)?;
    Ok(Row { line, draft, notices: cells.notices })
}

fn email(cells: &mut Cells<'_>, draft: &mut LeadDraft) -> Result<(), Reject> {
    let given = cells.all(Field::Email);
    draft.email = given.iter().find_map(|(_, cell)| clean::email(cell));
    if let (None, Some((header, cell))) = (&draft.email, given.first()) {
        let text = format!(
            "“{cell}” is not an e-mail address. Correct it, or empty it if there is another way to reach the person."
        );
        return Err(Reject::cell(cells.record.line, header, cell, Reason::EmailInvalid, text));
    }
    draft.personal_email =
        cells.read(Field::PersonalEmail, clean::email, "This is not an e-mail address; it was left out.");
    if let Some(address) = &draft.email {
        draft.role_address = clean::is_role(address);
        draft.freemail = clean::is_freemail(address);
        let state = cells.read(
            Field::EmailStatus,
            email_state,
            "This e-mail status is not known; the address counts as unverified.",
        );
        draft.email_state = Some(state.unwrap_or(EmailState::Unverified));
    }
    Ok(())
}

fn email_state(text: &str) -> Option<EmailState> {
    Some(match fold(text).replace(['-', '_'], " ").as_str() {
        "verified" | "valid" | "deliverable" | "ok" | "good" | "true" | "yes" | "y" | "1" | "safe" => {
            EmailState::Verified
        }
        "catch all" | "catchall" | "accept all" | "accept all (unverifiable)" | "acceptall" => {
            EmailState::CatchAll
        }
        "unverified" | "guessed" | "extrapolated" | "unavailable" | "false" | "no" | "n" | "0" | "risky"
        | "not verified" => EmailState::Unverified,
        _ => return None,
    })
}

fn person(cells: &mut Cells<'_>, draft: &mut LeadDraft) {
    draft.first_name = cells.one(Field::FirstName).and_then(|(_, cell)| clean::name(cell));
    draft.last_name = cells.one(Field::LastName).and_then(|(_, cell)| clean::name(cell));
    let whole = cells.one(Field::FullName).map(|(_, cell)| cell);
    match (&draft.first_name, &draft.last_name, whole) {
        (None, None, Some(whole)) => (draft.first_name, draft.last_name) = clean::split_name(whole),
        // "Jane Smith" in the first-name column.
        (Some(first), None, _) if first.contains(' ') => {
            (draft.first_name, draft.last_name) = clean::split_name(first)
        }
        _ => {}
    }
    draft.title = cells.plain(Field::Title);
    draft.role_started =
        cells.read(Field::RoleStarted, dates::parse, "This date is unclear; it was left out.");
    draft.notes = texts(cells, Field::Notes);
    draft.pain_points = texts(cells, Field::PainPoints);
}

/// All cells of a field that may repeat, one on each line.
fn texts(cells: &Cells<'_>, field: Field) -> Option<String> {
    let texts: Vec<String> = cells.all(field).iter().filter_map(|(_, cell)| clean::plain(cell)).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn company(cells: &mut Cells<'_>, draft: &mut LeadDraft) {
    draft.company = cells.plain(Field::Company);
    draft.domain = cells.read(Field::Website, clean::domain, "This is not a website; it was left out.");
    let from_email =
        draft.email.as_ref().filter(|_| !draft.freemail).map(|address| address.domain().to_owned());
    draft.domain = draft.domain.take().or(from_email);
    draft.industry = cells.plain(Field::Industry);
    draft.headcount =
        cells.read(Field::Headcount, Headcount::parse, "This is not a number of employees; it was left out.");
    draft.hiring = cells.read(Field::Hiring, yes_no, "This is neither yes nor no; it was left out.");
    draft.funded_at = cells.read(Field::FundedAt, dates::parse, "This date is unclear; it was left out.");
}

fn yes_no(text: &str) -> Option<bool> {
    match fold(text).as_str() {
        "yes" | "y" | "true" | "1" => Some(true),
        "no" | "n" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn place(cells: &mut Cells<'_>, draft: &mut LeadDraft) {
    draft.country = cells.read(Field::Country, Country::parse, "This country is not known; it was left out.");
    draft.state = cells.plain(Field::State).and_then(|state| country::state(draft.country, &state));
    draft.city = cells.plain(Field::City);
    draft.postcode = cells.plain(Field::Postcode);
    draft.zone = zone::of(draft.country, draft.state.as_deref(), draft.city.as_deref());
}

/// LinkedIn and phone, and whether there is any way to reach the person at all.
fn reach(cells: &mut Cells<'_>, draft: &mut LeadDraft, default: Option<Country>) -> Result<(), Reject> {
    draft.linkedin = cells.read(
        Field::Linkedin,
        clean::linkedin,
        "This is not a person's LinkedIn profile; it was left out.",
    );
    let phones = cells.all(Field::Phone);
    let country = draft.country.or(default);
    draft.phone = phones.iter().find_map(|(_, cell)| phone::parse(cell, country));
    let unreadable: Vec<_> =
        phones.iter().filter(|(_, cell)| phone::parse(cell, country).is_none()).collect();
    if draft.email.is_none() && draft.linkedin.is_none() && draft.phone.is_none() {
        let line = cells.record.line;
        if let Some((header, cell)) = unreadable.first() {
            let text = format!(
                "“{cell}” is not a phone number there, and there is no other way to reach the person. Write it as +61…."
            );
            return Err(Reject::cell(line, header, cell, Reason::PhoneInvalid, text));
        }
        let text = "There is no e-mail address, LinkedIn profile or phone number. Add one.";
        return Err(Reject::row(line, &cells.record.cells.join(" | "), Reason::NoContact, text));
    }
    for (header, cell) in unreadable {
        cells.notice(header, cell, "This is not a phone number there; it was left out.");
    }
    Ok(())
}
