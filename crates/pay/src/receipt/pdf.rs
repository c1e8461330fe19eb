//! A receipt on paper: what was paid, by whom, and everything that is needed to check it against the chain.
//! Pure: the same receipt is the same bytes. The letters are those that every reader of PDF brings along
//! (Latin); what they lack is written as in JSON (`\u0928`), so that nothing is lost.

use super::Receipt;
use base::{Money, Time, Zone};
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use std::fmt::Write;

/// The names behind a receipt's ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Who paid.
    pub principal: String,
    /// Who was paid.
    pub vendor: String,
    /// Whose installation and chain it is: where the keys are published.
    pub keys_at: String,
}

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 48.0;
/// Of the fixed-width letters: 92 fit on a line, so that a signature stays whole.
const MONO_SIZE: f32 = 9.0;
const MONO_COLUMNS: usize = 92;

#[derive(Clone, Copy)]
enum Font {
    Plain,
    Bold,
    Mono,
}

impl Font {
    const ALL: [Self; 3] = [Self::Plain, Self::Bold, Self::Mono];

    fn name(self) -> Name<'static> {
        match self {
            Self::Plain => Name(b"F1"),
            Self::Bold => Name(b"F2"),
            Self::Mono => Name(b"F3"),
        }
    }

    fn base(self) -> Name<'static> {
        match self {
            Self::Plain => Name(b"Helvetica"),
            Self::Bold => Name(b"Helvetica-Bold"),
            Self::Mono => Name(b"Courier"),
        }
    }
}

/// A line: its letters, its height, and what stands to its left.
struct Line {
    label: Option<&'static str>,
    text: String,
    font: Font,
    size: f32,
    /// Free space above it, in points.
    above: f32,
}

impl Line {
    fn fact(label: &'static str, text: impl Into<String>) -> Self {
        Self { label: Some(label), text: text.into(), font: Font::Plain, size: 10.0, above: 3.0 }
    }

    fn head(text: &str) -> Self {
        Self { label: None, text: text.to_owned(), font: Font::Bold, size: 12.0, above: 16.0 }
    }

    fn plain(text: &str) -> Self {
        Self { label: None, text: text.to_owned(), font: Font::Plain, size: 9.0, above: 2.0 }
    }

    fn mono(text: String) -> Self {
        Self { label: None, text, font: Font::Mono, size: MONO_SIZE, above: 1.0 }
    }

    fn height(&self) -> f32 {
        self.above + self.size * 1.3
    }
}

/// The receipt as a PDF.
pub(super) fn write(receipt: &Receipt, names: &Names) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
    let font_of = |font: Font| Ref::new(4 + font as i32);
    let pages = pages(lines(receipt, names));
    let first = 4 + Font::ALL.len() as i32;
    let page_of = |index: usize| Ref::new(first + 2 * index as i32);
    pdf.catalog(catalog).pages(tree).lang(TextStr("en"));
    pdf.pages(tree).kids((0..pages.len()).map(page_of)).count(pages.len() as i32);
    pdf.document_info(info)
        .title(TextStr(&format!("Receipt {}", receipt.sequence)))
        .subject(TextStr(&receipt.curr_hash))
        .creation_date(date(receipt.at));
    for font in Font::ALL {
        pdf.type1_font(font_of(font)).base_font(font.base()).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for (index, lines) in pages.iter().enumerate() {
        let (id, content) = (page_of(index), Ref::new(page_of(index).get() + 1));
        let mut page = pdf.page(id);
        page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content);
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        for font in Font::ALL {
            fonts.pair(font.name(), font_of(font));
        }
        fonts.finish();
        resources.finish();
        page.finish();
        let foot = format!("Receipt {}, page {} of {}", receipt.sequence, index + 1, pages.len());
        pdf.stream(content, &drawn(lines, &foot));
    }
    pdf.finish()
}

fn lines(receipt: &Receipt, names: &Names) -> Vec<Line> {
    let amount = Money { minor: receipt.amount_minor, currency: receipt.currency };
    let mut lines = vec![
        Line {
            label: None,
            text: format!("Receipt {}", receipt.sequence),
            font: Font::Bold,
            size: 20.0,
            above: 0.0,
        },
        Line {
            label: None,
            text: format!("{}: {} {}", receipt.kind.label(), amount.currency.code(), amount.to_major()),
            font: Font::Bold,
            size: 14.0,
            above: 6.0,
        },
        Line { above: 12.0, ..Line::fact("Amount, minor units", receipt.amount_minor.to_string()) },
        Line::fact("When", receipt.at.to_string()),
        Line::fact("Paid by", names.principal.clone()),
        Line::fact("Paid to", names.vendor.clone()),
        Line::fact("Over", receipt.rail.label()),
    ];
    if let Some(name) = &receipt.provider_ref {
        lines.push(Line::fact("The rail's name of it", name.clone()));
    }
    lines.push(Line::fact("Payment", receipt.payment_id.to_string()));
    lines.push(Line::fact("Receipt id", receipt.id.to_string()));
    lines.push(Line::head("Its place in the chain"));
    for (label, text) in [
        ("Hash of the receipt before it", &receipt.prev_hash),
        ("Hash of this receipt: SHA-256 of the one before it and of what was hashed", &receipt.curr_hash),
        ("Ed25519 signature over the hash", &receipt.signature),
        ("Key", &receipt.kid),
    ] {
        lines.push(Line::plain(label));
        lines.extend(wrapped(text).map(Line::mono));
    }
    lines.push(Line::head("What was hashed (RFC 8785)"));
    let hashed = serde_json::to_value(&receipt.receipt)
        .and_then(|value| serde_jcs::to_string(&value))
        .unwrap_or_default();
    lines.extend(wrapped(&latin(&hashed)).map(Line::mono));
    lines.push(Line::head("How to check it"));
    lines.push(Line::plain(
        "The proof of this receipt (the chain, a signed checkpoint, the keys) and verify_receipts.py check it without us.",
    ));
    lines.push(Line::plain(&format!("The keys are published at {}", names.keys_at)));
    lines
}

/// A text in lines of fixed width, cut anywhere: it holds no words.
fn wrapped(text: &str) -> impl Iterator<Item = String> + use<> {
    let letters: Vec<char> = text.chars().collect();
    let lines: Vec<String> = letters.chunks(MONO_COLUMNS).map(|line| line.iter().collect()).collect();
    lines.into_iter()
}

/// Divides lines into pages: at least one.
fn pages(lines: Vec<Line>) -> Vec<Vec<Line>> {
    // A line for the foot.
    let room = PAGE.1 - 2.0 * MARGIN - 14.0;
    let (mut pages, mut used) = (vec![Vec::new()], 0.0);
    for line in lines {
        if used + line.height() > room {
            pages.push(Vec::new());
            used = 0.0;
        }
        used += line.height();
        if let Some(page) = pages.last_mut() {
            page.push(line);
        }
    }
    pages
}

/// How far right of its label a fact stands, in points.
const FACT_INDENT: f32 = 130.0;

fn drawn(lines: &[Line], foot: &str) -> Vec<u8> {
    let mut content = Content::new();
    let mut y = PAGE.1 - MARGIN;
    let put = |content: &mut Content, font: Font, size: f32, x: f32, y: f32, text: &str| {
        content.begin_text().set_font(font.name(), size).next_line(x, y);
        content.show(Str(&win_ansi(text))).end_text();
    };
    for line in lines {
        y -= line.height();
        let mut x = MARGIN;
        if let Some(label) = line.label {
            put(&mut content, Font::Plain, line.size, x, y, label);
            x += FACT_INDENT;
        }
        put(&mut content, line.font, line.size, x, y, &line.text);
    }
    put(&mut content, Font::Plain, 8.0, MARGIN, MARGIN - 14.0, foot);
    content.finish().to_vec()
}

/// Letters that Latin has, others as in JSON.
fn latin(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ' '..='~' | '\u{a1}'..='\u{ff}') {
            out.push(letter);
        } else {
            let mut units = [0_u16; 2];
            for unit in letter.encode_utf16(&mut units) {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// The bytes of a text in WinAnsiEncoding, which for these letters is Latin-1.
fn win_ansi(text: &str) -> Vec<u8> {
    latin(text).chars().filter_map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
}

fn date(at: Time) -> Date {
    let at = at.in_zone(&Zone::utc());
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    Date::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
