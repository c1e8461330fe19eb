use super::*;
use leads::Country;
use std::io::Cursor;

const AU: Options = Options { country: Some(Country::AU) };

fn read(bytes: &[u8]) -> Collected {
    let mut upload = Upload::open(Cursor::new(bytes)).expect("a readable file");
    let mapping = upload.mapping();
    collect(upload.rows(&mapping, AU).expect("readable rows"))
}

fn fields(bytes: &[u8]) -> Vec<Option<Field>> {
    Upload::open(Cursor::new(bytes)).expect("a readable file").mapping().columns
}

fn emails(got: &Collected) -> Vec<&str> {
    got.accepted.iter().filter_map(|lead| lead.email.as_ref()).map(|email| email.as_str()).collect()
}

fn reasons(got: &Collected) -> Vec<(u64, &'static str)> {
    got.rejected.iter().map(|reject| (reject.line, reject.reason.code())).collect()
}

#[test]
fn the_messy_fixture_gives_exactly_what_its_readme_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/leads/messy-500.csv");
    let made = fixture::bytes();
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(path, &made).expect("the fixture folder is writable");
    }
    let kept = std::fs::read(path).expect("the fixture is part of the repository");
    assert!(kept == made, "the file differs from its generator: run with UPDATE_FIXTURES=1");
    let got = read(&kept);
    let mut counts = std::collections::BTreeMap::new();
    got.rejected.iter().for_each(|reject| *counts.entry(reject.reason.code()).or_insert(0) += 1);
    let expected = [
        ("email_invalid", 14),
        ("no_contact", 6),
        ("phone_invalid", 2),
        ("quote_unclosed", 3),
        ("repeated_header", 2),
        ("row_too_long", 1),
        ("too_many_columns", 4),
    ];
    let odd: Vec<_> = got
        .rejected
        .iter()
        .filter(|reject| matches!(reject.reason, Reason::PhoneInvalid))
        .map(|reject| &reject.value)
        .collect();
    assert_eq!(odd, ["12345", "12345"]);
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!((got.rows, got.accepted.len(), got.duplicates), (500, 440, 28));
    for reject in &got.rejected {
        assert!(reject.line > 3 && !reject.text.is_empty() && !reject.value.is_empty(), "{reject:?}");
    }
    let first = &got.accepted[1];
    assert_eq!(first.email.as_ref().map(|email| email.as_str()), Some("person1@cobaltsoftware.example"));
    let windows = got
        .accepted
        .iter()
        .filter(|lead| lead.first_name.as_deref().is_some_and(|name| name.contains('\u{fffd}')));
    assert_eq!(windows.count(), 0, "values in another encoding are saved");
}

#[test]
fn every_encoding_gives_the_same_people() {
    let text = "Prénom,Nom,E-mail,Société\nZoé,Müller,zoe@cafe.example,Café Lumière\nJörg,Østergård,jorg@cafe.example,Café Lumière\n";
    let utf16 = |little: bool, mark: bool| {
        let units =
            text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
        let mark: &[u8] = match (mark, little) {
            (false, _) => b"",
            (true, true) => b"\xff\xfe",
            (true, false) => b"\xfe\xff",
        };
        mark.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let windows = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let files = [
        text.as_bytes().to_vec(),
        with_mark,
        windows,
        utf16(true, true),
        utf16(false, true),
        utf16(true, false),
        utf16(false, false),
    ];
    for (index, file) in files.iter().enumerate() {
        let got = read(file);
        assert_eq!(emails(&got), ["zoe@cafe.example", "jorg@cafe.example"], "file {index}");
        assert_eq!(got.accepted[0].first_name.as_deref(), Some("Zoé"), "file {index}");
        assert_eq!(got.accepted[1].last_name.as_deref(), Some("Østergård"), "file {index}");
        assert_eq!(got.accepted[1].company.as_deref(), Some("Café Lumière"), "file {index}");
    }
}

#[test]
fn separators_line_ends_and_excels_own_hint_are_found() {
    for text in [
        "First;Surname;E-mail;Phone\nAnn;Lee;ann@a.example;0491 570 156\n",
        "First\tSurname\tE-mail\tPhone\r\nAnn\tLee\tann@a.example\t0491 570 156\r\n",
        "First|Surname|E-mail|Phone\rAnn|Lee|ann@a.example|0491 570 156\r",
        "sep=;\nFirst;Surname;E-mail;Phone\nAnn;Lee;ann@a.example;0491 570 156",
        "First,Surname,E-mail,Phone\n\n\n\"Ann\",\"Lee\",\"ann@a.example\",\"0491 570 156\"\n\n",
    ] {
        let got = read(text.as_bytes());
        assert_eq!((got.rows, got.accepted.len()), (1, 1), "{text:?}: {got:?}");
        let lead = &got.accepted[0];
        assert_eq!(lead.last_name.as_deref(), Some("Lee"), "{text:?}");
        assert_eq!(lead.phone.as_ref().map(|phone| phone.as_str()), Some("+61491570156"), "{text:?}");
    }
}

#[test]
fn headers_are_recognised_by_their_many_names() {
    use Field::{
        City, Company, Country, Email, FirstName, FullName, Headcount, Industry, LastName, Linkedin, Notes,
        Phone, State, Title, Website,
    };
    let header = "Given name,Surname,Work Email,Organisation,Position,Phone 1,LinkedIn URL,# Employees,Industry,Country,State,City,Website,Notes,Lead Source\n";
    let expected = [
        FirstName, LastName, Email, Company, Title, Phone, Linkedin, Headcount, Industry, Country, State,
        City, Website, Notes,
    ];
    assert_eq!(fields(header.as_bytes()), expected.map(Some).into_iter().chain([None]).collect::<Vec<_>>());
    let header = "Full name;E-Mail;Firma;Company Linkedin;Lead's Mobile (AU)\n";
    assert_eq!(fields(header.as_bytes()), [Some(FullName), Some(Email), Some(Company), None, Some(Phone)]);
}

#[test]
fn a_list_without_header_is_read_by_its_values() {
    let got = read(b"Ann Lee,ann@a.example,0491 570 156\nBob Ray,bob@b.example,0491 570 157\n");
    assert_eq!(emails(&got), ["ann@a.example", "bob@b.example"]);
    assert_eq!(got.accepted[0].phone.as_ref().map(|phone| phone.as_str()), Some("+61491570156"));
    assert_eq!(emails(&read(b"ann@a.example\nbob@b.example\n")), ["ann@a.example", "bob@b.example"]);
}

#[test]
fn a_mapping_given_by_hand_wins() {
    let text = b"a,b,c\nann@a.example,Lee,Ann\n";
    let mut upload = Upload::open(Cursor::new(text)).expect("a readable file");
    let mapping = Mapping {
        header_line: Some(1),
        columns: vec![Some(Field::Email), Some(Field::LastName), Some(Field::FirstName)],
    };
    let got = collect(upload.rows(&mapping, AU).expect("rows"));
    assert_eq!(got.accepted[0].first_name.as_deref(), Some("Ann"));
    let preview = upload.preview(Some(&mapping), AU).expect("a preview");
    assert_eq!((preview.rows, preview.readable, preview.rejected), (1, 1, 0));
    assert_eq!(preview.first, [(2, vec!["ann@a.example".to_owned(), "Lee".to_owned(), "Ann".to_owned()])]);
}

#[test]
fn a_quote_that_never_closes_costs_only_its_own_row() {
    let text = "email,company,notes\na@a.example,\"Open,x\nb@b.example,Fine,x\nc@c.example,\"Smith, Sons\",x\nd@d.example,\"two\nlines\",x\n";
    let got = read(text.as_bytes());
    assert_eq!(reasons(&got), [(2, "quote_unclosed")]);
    assert_eq!(emails(&got), ["b@b.example", "c@c.example", "d@d.example"]);
    assert_eq!(got.accepted[2].company.as_deref(), Some("two\nlines"));
}

#[test]
fn bad_rows_say_line_column_and_reason() {
    let text = "First,Email,Phone\nAnn,ann@@a.example,0491 570 156\nBob,,\nCid,,12\nDee,dee@d.example,12\nEve,eve@e.example,x,surplus\nFirst,Email,Phone\nFay\n";
    let got = read(text.as_bytes());
    let expected = [
        (2, "email_invalid"),
        (3, "no_contact"),
        (4, "phone_invalid"),
        (6, "too_many_columns"),
        (7, "repeated_header"),
        (8, "no_contact"),
    ];
    assert_eq!(reasons(&got), expected);
    assert_eq!(got.rejected[0].column.as_deref(), Some("Email"));
    assert_eq!(got.rejected[0].value, "ann@@a.example");
    assert_eq!(got.rejected[2].column.as_deref(), Some("Phone"));
    assert_eq!(emails(&got), ["dee@d.example"]);
    assert_eq!((got.notices.len(), got.notices[0].line, got.notices[0].column.as_str()), (1, 5, "Phone"));
}

#[test]
fn rows_over_the_limit_are_rejected_and_the_next_is_read() {
    let text = format!("email,notes\na@a.example,{}\nb@b.example,ok\n", "x".repeat(70_000));
    let got = read(text.as_bytes());
    assert_eq!(reasons(&got), [(2, "row_too_long")]);
    assert_eq!(emails(&got), ["b@b.example"]);
}

#[test]
fn duplicates_are_merged_with_their_lines() {
    let text = "First,Surname,Company,Email,LinkedIn,Phone,Title\n\
        Ann,Lee,Acme Pty Ltd,ann@a.example,,,\n\
        Ann,Lee,Acme,ANN@A.EXAMPLE,linkedin.com/in/ann-lee,,CEO\n\
        ANN,LEE,ACME,,,0491 570 156,\n\
        Ann,Lee,Acme,other@a.example,,,\n\
        Annie,,,,https://www.linkedin.com/in/Ann-Lee/,,Boss\n";
    let got = read(text.as_bytes());
    assert_eq!((got.rows, got.accepted.len(), got.duplicates), (5, 2, 3));
    let ann = &got.accepted[0];
    assert_eq!(ann.lines, [2, 3, 4, 6]);
    assert_eq!(ann.title.as_deref(), Some("CEO"));
    assert_eq!(ann.phone.as_ref().map(|phone| phone.as_str()), Some("+61491570156"));
    let from = |field| ann.merged.iter().find(|merged| merged.field == field).map(|merged| merged.line);
    assert_eq!((from(Field::Title), from(Field::Phone), from(Field::Email)), (Some(3), Some(4), None));
}

#[test]
fn values_are_normalised_and_flagged() {
    let text = "Name,Email,Company,Website,Employees,Country,State,Verified,Notes\n\
        \"Dr. JANE VAN DER BERG, MBA\",Info@Acme.example,Acme,https://www.Acme.example/x,11-50,Straya,New South Wales,valid,=1+1\n\
        \"Smith, John\",john@gmail.com,,,,UK,,catch-all,\n";
    let got = read(text.as_bytes());
    let jane = &got.accepted[0];
    assert_eq!((jane.first_name.as_deref(), jane.last_name.as_deref()), (Some("Jane"), Some("Van Der Berg")));
    assert!(jane.role_address && !jane.freemail);
    assert_eq!((jane.domain.as_deref(), jane.state.as_deref()), (Some("acme.example"), Some("NSW")));
    assert_eq!(jane.headcount.map(leads::Headcount::estimate), Some(30));
    assert_eq!(jane.zone.as_ref().map(base::Zone::name), Some("Australia/Sydney"));
    assert_eq!(jane.notes.as_deref(), Some("=1+1"), "data stays data");
    let john = &got.accepted[1];
    assert_eq!(
        (john.first_name.as_deref(), john.last_name.as_deref(), john.domain.as_deref()),
        (Some("John"), Some("Smith"), None)
    );
    assert!(john.freemail && john.email_state == Some(leads::score::EmailState::CatchAll));
    assert_eq!(john.zone.as_ref().map(base::Zone::name), Some("Europe/London"));
}

#[test]
fn what_is_no_table_is_refused_with_a_way_out() {
    let code = |bytes: &[u8]| Upload::open(Cursor::new(bytes)).err().map(|error| error.code());
    assert_eq!(code(b""), Some("import.empty"));
    assert_eq!(code(b"\n\n"), Some("import.empty"));
    assert_eq!(code(b"%PDF-1.7 ..."), Some("import.not_a_table"));
    assert_eq!(code(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Some("import.not_a_table"));
    assert_eq!(code(b"PK\x03\x04 broken"), Some("import.xlsx"));
}

#[test]
fn the_row_limit_is_said_and_nothing_is_read_behind_it() {
    let mut text = String::from("email\n");
    (0..MAX_ROWS + 5).for_each(|n| text.push_str(&format!("p{n}@a.example\n")));
    let mut upload = Upload::open(Cursor::new(text)).expect("a readable file");
    let mapping = upload.mapping();
    let (mut accepted, mut rejected) = (0, Vec::new());
    for row in upload.rows(&mapping, AU).expect("rows") {
        match row {
            Ok(_) => accepted += 1,
            Err(reject) => rejected.push((reject.line, reject.reason)),
        }
    }
    assert_eq!((accepted, rejected), (MAX_ROWS, vec![(MAX_ROWS + 2, Reason::TooManyRows)]));
}

/// A workbook of one sheet with these rows of XML.
fn workbook(rows: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let plain = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let files = [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{package}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    for (name, text) in files {
        out.start_file(name, plain).expect("a new entry");
        out.write_all(text.as_bytes()).expect("memory takes bytes");
    }
    out.finish().expect("a finished archive").into_inner()
}

#[test]
fn a_workbook_is_read_however_far_apart_its_cells_lie() {
    let text =
        |place: &str, text: &str| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let header =
        format!("<row r=\"3\">{}{}{}</row>", text("A3", "Name"), text("B3", "Mobile"), text("C3", "E-mail"));
    let ann = format!(
        "<row r=\"4\">{}<c r=\"B4\"><v>491570156</v></c>{}</row>",
        text("A4", "Ann Lee"),
        text("C4", "ann@a.example")
    );
    let bob = format!("<row r=\"6\">{}{}</row>", text("A6", "Bob Ray"), text("C6", "bob@"));
    let far = format!("<row r=\"1048576\">{}</row>", text("XFD1048576", "far"));
    let got = read(&workbook(&[header, ann, bob, far].concat()));
    assert_eq!(emails(&got), ["ann@a.example"]);
    assert_eq!(got.accepted[0].phone.as_ref().map(|phone| phone.as_str()), Some("+61491570156"));
    assert_eq!(reasons(&got), [(6, "email_invalid")]);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_and_every_line_is_accounted_for(body in "[a-z@.,;\"\n\r\t |=\\\\é\u{0}]{0,400}") {
        let text = format!("email,name,phone\n{body}");
        if let Ok(mut upload) = Upload::open(Cursor::new(text.as_bytes())) {
            let mapping = upload.mapping();
            let got = collect(upload.rows(&mapping, AU).expect("rows"));
            proptest::prop_assert_eq!(got.rows, got.accepted.len() as u64 + got.rejected.len() as u64 + got.duplicates);
        }
    }
}

#[test]
fn a_json_array_is_read_with_its_deeper_values_and_a_broken_object_costs_itself_only() {
    let file = br#"[
  {"firstName": "Priya", "last_name": "Nair", "jobTitle": "Owner", "company": {"name": "Harbour Dental", "website": "https://harbour.example"},
   "emails": [{"value": "PRIYA@harbour.example"}, {"value": "p@other.example"}], "isHiring": true},
  {"firstName": "Bad, "email": "bad@x.example"},
  {"firstName": "Sam", "lastName": "Lee", "email": "sam@lee.example", "phones": ["0412 345 678"]},
  "not an object",
  {"firstName": "Nobody"}
]"#;
    let got = read(file);
    let emails: Vec<_> =
        got.accepted.iter().filter_map(|lead| lead.email.as_ref()).map(|e| e.as_str()).collect();
    assert_eq!(emails, ["priya@harbour.example", "sam@lee.example"]);
    let priya = &got.accepted[0];
    assert_eq!(
        (priya.company.as_deref(), priya.domain.as_deref()),
        (Some("Harbour Dental"), Some("harbour.example"))
    );
    assert_eq!((priya.title.as_deref(), priya.hiring), (Some("Owner"), Some(true)));
    assert_eq!(got.accepted[1].phone.as_ref().map(|phone| phone.as_str()), Some("+61412345678"));
    let why: Vec<_> = got.rejected.iter().map(|reject| (reject.line, reject.reason)).collect();
    assert_eq!(why, [(4, Reason::Malformed), (7, Reason::NoContact)]);
}

#[test]
fn json_on_one_line_in_lines_and_in_a_wrap_gives_the_same_people() {
    let one = |n: u32| {
        format!(
            r#"{{"name":"Person {n}","email":"p{n}@x.example","company":"C{n}","notes":"brace }} and \" quote"}}"#
        )
    };
    let all: Vec<String> = (0..3_000).map(one).collect();
    let array = read(format!("[{}]", all.join(",")).as_bytes());
    let lines = read(all.join("\n").as_bytes());
    let wrapped = read(format!("{{\n \"data\": [{}], \"next\": null}}", all.join(",\n")).as_bytes());
    assert_eq!((array.accepted.len(), array.rejected.len()), (3_000, 0));
    let mails = |got: &Collected| got.accepted.iter().filter_map(|l| l.email.clone()).collect::<Vec<_>>();
    assert_eq!(mails(&array), mails(&lines));
    assert_eq!(mails(&array), mails(&wrapped));
    assert_eq!(array.accepted[7].notes.as_deref(), Some("brace } and \" quote"));
}

#[test]
fn a_broken_line_of_json_costs_itself_only() {
    let got = read(b"{\"email\":\"a@x.example\"}\n{\"email\": oops}\n\n{\"email\":\"b@x.example\"}\n[1]\n");
    assert_eq!(got.accepted.len(), 2);
    let lines: Vec<_> = got.rejected.iter().map(|reject| (reject.line, reject.reason)).collect();
    assert_eq!(lines, [(2, Reason::Malformed), (5, Reason::Malformed)]);
}

#[test]
fn vcards_of_all_versions_are_read_and_one_without_end_costs_itself_only() {
    let file = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Nair;Priya;;Dr.;\r\nFN:Dr. Priya Nair\r\nORG:Harbour Dental\\, Pty Ltd;Front desk\r\nTITLE:Own\r\n er\r\nitem1.EMAIL;TYPE=INTERNET,WORK:priya@harbour.example\r\nEMAIL;TYPE=HOME:priya@home.example\r\nTEL;TYPE=CELL:+61 412 345 678\r\nTEL;TYPE=WORK:02 9876 5432\r\nADR;TYPE=WORK:;;1 Quay St;Sydney;NSW;2000;Australia\r\nURL:https://www.linkedin.com/in/priya-nair\r\nPHOTO;ENCODING=b:AAAA\r\n BBBB\r\nNOTE:met at\\nthe fair\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Lost Soul\r\nEMAIL:lost@x.example\r\nBEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg\r\nEMAIL:joerg@mueller.example\r\nEND:VCARD\r\n";
    let got = read(file.as_bytes());
    assert_eq!(got.accepted.len(), 2);
    let priya = &got.accepted[0];
    assert_eq!(
        (priya.first_name.as_deref(), priya.last_name.as_deref(), priya.title.as_deref()),
        (Some("Priya"), Some("Nair"), Some("Owner"))
    );
    assert_eq!(priya.company.as_deref(), Some("Harbour Dental, Pty Ltd"));
    assert_eq!(priya.email.as_ref().map(|e| e.as_str()), Some("priya@harbour.example"));
    assert_eq!(priya.personal_email.as_ref().map(|e| e.as_str()), Some("priya@home.example"));
    assert_eq!(priya.linkedin.as_deref(), Some("https://www.linkedin.com/in/priya-nair"));
    assert_eq!((priya.city.as_deref(), priya.state.as_deref()), (Some("Sydney"), Some("NSW")));
    assert_eq!(got.accepted[1].last_name.as_deref(), Some("Müller"));
    assert_eq!(
        got.rejected.iter().map(|r| (r.line, r.reason)).collect::<Vec<_>>(),
        [(18, Reason::Malformed)]
    );
}
