//! An invoice on paper: everything that an Australian tax invoice must say (the words "Tax invoice", seller
//! and ABN, buyer, date, what was sold, GST and whether the prices hold it). Pure: the same invoice is the
//! same bytes. The letters are those that every reader of PDF brings along (Latin); others are written `?`.

use super::{Invoice, Status};
use base::{Time, Zone};
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 56.0;
/// Lines of one page; more than any plan ever bills.
const LINES_MAX: usize = 25;

struct Pen {
    content: Content,
    y: f32,
}

impl Pen {
    fn put(&mut self, bold: bool, size: f32, x: f32, text: &str) {
        let font = if bold { Name(b"F2") } else { Name(b"F1") };
        self.content.begin_text().set_font(font, size).next_line(x, self.y);
        self.content.show(Str(&latin(text))).end_text();
    }

    /// With its right end at the margin: Helvetica's digits are all 0.556 wide, other letters about so.
    fn right(&mut self, bold: bool, size: f32, text: &str) {
        let width: f32 = text.chars().map(|c| if matches!(c, ',' | '.' | ' ') { 0.278 } else { 0.556 }).sum();
        self.put(bold, size, PAGE.0 - MARGIN - width * size, text);
    }

    fn down(&mut self, by: f32) {
        self.y -= by;
    }

    fn rule(&mut self) {
        self.content.move_to(MARGIN, self.y).line_to(PAGE.0 - MARGIN, self.y).stroke();
    }

    fn block(&mut self, lines: &[String]) {
        for line in lines {
            self.put(false, 10.0, MARGIN, line);
            self.down(14.0);
        }
    }
}

/// The invoice as a PDF; days are those of `zone`.
pub(crate) fn write(invoice: &Invoice, zone: &Zone) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let [catalog, tree, info, plain, bold, page_id, content_id] = [1, 2, 3, 4, 5, 6, 7].map(Ref::new);
    pdf.catalog(catalog).pages(tree).lang(TextStr("en-AU"));
    pdf.pages(tree).kids([page_id]).count(1);
    pdf.document_info(info).title(TextStr(&title(invoice))).creation_date(date(invoice.issued_at));
    for (id, base) in [(plain, Name(b"Helvetica")), (bold, Name(b"Helvetica-Bold"))] {
        pdf.type1_font(id).base_font(base).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let mut page = pdf.page(page_id);
    page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content_id);
    let mut resources = page.resources();
    resources.fonts().pair(Name(b"F1"), plain).pair(Name(b"F2"), bold);
    resources.finish();
    page.finish();
    pdf.stream(content_id, &drawn(invoice, zone));
    pdf.finish()
}

fn title(invoice: &Invoice) -> String {
    let kind = if invoice.is_tax_invoice() { "Tax invoice" } else { "Invoice" };
    format!("{kind} {}", invoice.name())
}

fn day(at: Time, zone: &Zone) -> String {
    at.in_zone(zone).strftime("%-d %B %Y").to_string()
}

fn lines_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

fn drawn(invoice: &Invoice, zone: &Zone) -> Vec<u8> {
    let mut pen = Pen { content: Content::new(), y: PAGE.1 - MARGIN - 20.0 };
    pen.put(true, 20.0, MARGIN, &title(invoice));
    pen.down(30.0);
    head(&mut pen, invoice, zone);
    table(&mut pen, invoice);
    sums(&mut pen, invoice);
    let state = match invoice.status {
        Status::Open => "To be paid.".to_owned(),
        Status::Paid => {
            invoice.paid_at.map_or_else(|| "Paid.".to_owned(), |at| format!("Paid on {}.", day(at, zone)))
        }
        Status::Void => "This invoice was taken back: nothing is owed.".to_owned(),
        Status::Uncollectible => "Not paid.".to_owned(),
    };
    pen.down(26.0);
    pen.put(true, 10.0, MARGIN, &state);
    if invoice.status == Status::Open
        && let Some(url) = &invoice.pay_url
    {
        pen.down(14.0);
        pen.put(false, 9.0, MARGIN, &format!("Pay at {url}"));
    }
    pen.content.finish().to_vec()
}

fn head(pen: &mut Pen, invoice: &Invoice, zone: &Zone) {
    let seller = &invoice.seller;
    let mut from = vec![if seller.name.is_empty() { "Agency OS".to_owned() } else { seller.name.clone() }];
    if !seller.abn.is_empty() {
        from.push(format!("ABN {}", seller.abn));
    }
    from.extend(lines_of(&seller.address));
    from.extend(lines_of(&seller.email));
    pen.put(true, 10.0, MARGIN, "From");
    pen.down(14.0);
    pen.block(&from);
    pen.down(8.0);
    pen.put(true, 10.0, MARGIN, "To");
    pen.down(14.0);
    let mut to = vec![invoice.buyer.name.clone()];
    to.extend(lines_of(invoice.buyer.address.as_deref().unwrap_or_default()));
    to.push(invoice.buyer.country.clone());
    pen.block(&to);
    pen.down(8.0);
    pen.block(&[
        format!("Date of issue: {}", day(invoice.issued_at, zone)),
        format!("For: {} to {}", day(invoice.period_start, zone), day(invoice.period_end, zone)),
        format!("Currency: {}", invoice.currency),
    ]);
    pen.down(12.0);
}

fn table(pen: &mut Pen, invoice: &Invoice) {
    pen.put(true, 10.0, MARGIN, "What");
    let column = match (invoice.tax_name.is_empty(), invoice.gst_inclusive) {
        (true, _) => "Amount".to_owned(),
        (false, true) => format!("Amount incl. {}", invoice.tax_name),
        (false, false) => format!("Amount excl. {}", invoice.tax_name),
    };
    pen.right(true, 10.0, &column);
    pen.down(6.0);
    pen.rule();
    pen.down(16.0);
    for line in invoice.lines.iter().take(LINES_MAX) {
        pen.put(false, 10.0, MARGIN, &line.text.chars().take(80).collect::<String>());
        pen.right(false, 10.0, &invoice.money(line.minor).to_major());
        pen.down(16.0);
    }
    pen.rule();
    pen.down(18.0);
}

fn sums(pen: &mut Pen, invoice: &Invoice) {
    let mut sum = |bold: bool, label: String, amount: String| {
        pen.put(bold, 10.0, MARGIN + 220.0, &label);
        pen.right(bold, 10.0, &amount);
        pen.down(16.0);
    };
    if !invoice.tax_name.is_empty() {
        sum(false, format!("Total without {}", invoice.tax_name), invoice.net().to_major());
        let (whole, part) = (invoice.tax_basis_points / 100, invoice.tax_basis_points % 100);
        let rate = if part == 0 { format!("{whole}%") } else { format!("{whole}.{part:02}%") };
        sum(false, format!("{} {rate}", invoice.tax_name), invoice.tax().to_major());
    }
    let label = if invoice.tax_name.is_empty() {
        "Total".to_owned()
    } else {
        format!("Total including {}", invoice.tax_name)
    };
    sum(true, label, format!("{} {}", invoice.currency, invoice.total().to_major()));
}

/// The bytes of a text in WinAnsiEncoding, which for these letters is Latin-1.
fn latin(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| match letter {
            ' '..='~' | '\u{a1}'..='\u{ff}' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
            '–' | '—' => b'-',
            '’' | '‘' => b'\'',
            _ => b'?',
        })
        .collect()
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
