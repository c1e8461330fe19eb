//! A report on paper. Pure: the same report is the same bytes. The letters are those that every reader of PDF
//! brings along (Latin); others are shown as a question mark.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 48.0;
/// Room for the foot of a page.
const FOOT: f32 = 14.0;

#[derive(Clone, Copy)]
enum Font {
    Plain,
    Bold,
}

impl Font {
    const ALL: [Self; 2] = [Self::Plain, Self::Bold];

    fn name(self) -> Name<'static> {
        match self {
            Self::Plain => Name(b"F1"),
            Self::Bold => Name(b"F2"),
        }
    }

    fn base(self) -> Name<'static> {
        match self {
            Self::Plain => Name(b"Helvetica"),
            Self::Bold => Name(b"Helvetica-Bold"),
        }
    }
}

/// A line of cells that share the width.
struct Line {
    cells: Vec<String>,
    font: Font,
    size: f32,
    above: f32,
}

/// A report that is written line by line.
pub(super) struct Paper {
    title: String,
    lines: Vec<Line>,
}

impl Paper {
    /// A report with a title and what stands under it.
    pub(super) fn new(title: &str, about: &str) -> Self {
        let line = |text: &str, font, size, above| Line { cells: vec![text.to_owned()], font, size, above };
        let lines = vec![line(title, Font::Bold, 20.0, 0.0), line(about, Font::Plain, 10.0, 4.0)];
        Self { title: title.to_owned(), lines }
    }

    /// The head of a part.
    pub(super) fn head(&mut self, text: &str) {
        self.lines.push(Line { cells: vec![text.to_owned()], font: Font::Bold, size: 13.0, above: 18.0 });
    }

    /// The heads of columns.
    pub(super) fn columns(&mut self, cells: &[&str]) {
        let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
        self.lines.push(Line { cells, font: Font::Bold, size: 9.0, above: 6.0 });
    }

    /// A row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.lines.push(Line {
            cells: cells.into_iter().collect(),
            font: Font::Plain,
            size: 10.0,
            above: 4.0,
        });
    }

    /// The whole as a PDF.
    pub(super) fn write(self) -> Vec<u8> {
        let mut pdf = Pdf::new();
        let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
        let font_of = |font: Font| Ref::new(4 + font as i32);
        let title = self.title;
        let pages = pages(self.lines);
        let first = 4 + Font::ALL.len() as i32;
        let page_of = |index: usize| Ref::new(first + 2 * index as i32);
        pdf.catalog(catalog).pages(tree).lang(TextStr("en"));
        pdf.pages(tree).kids((0..pages.len()).map(page_of)).count(pages.len() as i32);
        pdf.document_info(info).title(TextStr(&title));
        for font in Font::ALL {
            pdf.type1_font(font_of(font))
                .base_font(font.base())
                .encoding_predefined(Name(b"WinAnsiEncoding"));
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
            pdf.stream(content, &drawn(lines, &format!("{title}, page {} of {}", index + 1, pages.len())));
        }
        pdf.finish()
    }
}

fn height(line: &Line) -> f32 {
    line.above + line.size * 1.3
}

/// Divides lines into pages: at least one.
fn pages(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let room = PAGE.1 - 2.0 * MARGIN - FOOT;
    let (mut pages, mut used) = (vec![Vec::new()], 0.0);
    for line in lines {
        if used + height(&line) > room {
            pages.push(Vec::new());
            used = 0.0;
        }
        used += height(&line);
        if let Some(page) = pages.last_mut() {
            page.push(line);
        }
    }
    pages
}

fn drawn(lines: &[Line], foot: &str) -> Vec<u8> {
    let mut content = Content::new();
    let mut put = |font: Font, size: f32, x: f32, y: f32, text: &str| {
        content.begin_text().set_font(font.name(), size).next_line(x, y);
        content.show(Str(&win_ansi(text))).end_text();
    };
    let mut y = PAGE.1 - MARGIN;
    for line in lines {
        y -= height(line);
        // The first cell names the row and is twice as wide as each of the others.
        let part = (PAGE.0 - 2.0 * MARGIN) / (line.cells.len() as f32 + 1.0);
        for (place, cell) in line.cells.iter().enumerate() {
            let x = if place == 0 { MARGIN } else { MARGIN + part * (place as f32 + 1.0) };
            let wide = if line.cells.len() == 1 {
                PAGE.0
            } else if place == 0 {
                2.0 * part
            } else {
                part
            };
            put(line.font, line.size, x, y, &fitting(cell, wide, line.size));
        }
    }
    put(Font::Plain, 8.0, MARGIN, MARGIN - FOOT, foot);
    content.finish().to_vec()
}

/// A text cut to a width; letters are about half as wide as high.
fn fitting(text: &str, width: f32, size: f32) -> String {
    let most = (width / (size * 0.52)) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// The bytes of a text in WinAnsiEncoding.
fn win_ansi(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| match letter {
            ' '..='~' | '\u{a1}'..='\u{ff}' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
            '…' => 0x85,
            '–' | '−' => 0x96,
            '’' => 0x92,
            '“' => 0x93,
            '”' => 0x94,
            '€' => 0x80,
            '\u{a0}' | '\u{202f}' => b' ',
            _ => b'?',
        })
        .collect()
}
