//! Writes `target/gallery.html` and `target/gallery-plain.html`: every part with the styles inlined, to
//! open in a browser from disk. An argument (`light`, `dark`) forces the theme.

use std::{fs, path::Path};

fn main() -> std::io::Result<()> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let theme = std::env::args().nth(1).unwrap_or_default();
    for (name, page) in [("gallery", ui::gallery::gallery()), ("gallery-plain", ui::gallery::plain())] {
        let styles = format!("<style>{}</style>", ui::assets::css_text());
        let link = format!("<link rel=\"stylesheet\" href=\"{}\">", ui::assets::css());
        let mut html = page.into_string().replace(&link, &styles);
        if !theme.is_empty() {
            html = html.replace("<html lang=\"en\">", &format!("<html lang=\"en\" data-theme=\"{theme}\">"));
        }
        fs::write(target.join(format!("{name}.html")), html)?;
    }
    Ok(())
}
