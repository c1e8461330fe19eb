//! Files that pages load, each under a path that holds its content's hash: serve them with
//! `cache-control: public, max-age=31536000, immutable`.

use std::sync::LazyLock;

/// One file to serve.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where pages ask for it, for example `/assets/app.3f2a1c9b04de.css`.
    pub path: &'static str,
    /// The `content-type`.
    pub mime: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

const CSS: &str = include_str!("../assets/app.css");

static FILES: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        named("app", "css", "text/css; charset=utf-8", CSS.as_bytes()),
        named("app", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/app.js")),
        named("htmx", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/htmx.min.js")),
        named("favicon", "svg", "image/svg+xml", include_bytes!("../assets/favicon.svg")),
    ]
});

/// Every file. The hashes are computed at the first call and live as long as the program.
pub fn assets() -> &'static [Asset] {
    &*FILES
}

/// The file at this path, if it is one of ours and of this build.
pub fn find(path: &str) -> Option<&'static Asset> {
    assets().iter().find(|asset| asset.path == path)
}

/// The path of the style sheet.
pub fn css() -> &'static str {
    FILES[0].path
}

/// The path of our script.
pub fn js() -> &'static str {
    FILES[1].path
}

/// The path of htmx.
pub fn htmx() -> &'static str {
    FILES[2].path
}

/// The path of the icon.
pub fn icon() -> &'static str {
    FILES[3].path
}

/// The text of the style sheet, for documents that must stand alone (exported reports, the gallery).
pub fn css_text() -> &'static str {
    CSS
}

fn named(stem: &str, extension: &str, mime: &'static str, bytes: &'static [u8]) -> Asset {
    let hash = base::Digest::of(bytes).short();
    let path = Box::leak(format!("/assets/{stem}.{hash}.{extension}").into_boxed_str());
    Asset { path, mime, bytes }
}

#[cfg(test)]
#[path = "assets/tests.rs"]
mod tests;
