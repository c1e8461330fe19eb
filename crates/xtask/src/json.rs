//! A small JSON reader, enough for `cargo metadata`.

/// A JSON value; numbers stay text because no gate computes with them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    /// `null`, `true`, `false` or a number, as written.
    Bare(String),
    /// A string with its escapes resolved.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object in its own order.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The member `key` of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Json::Bare(_) | Json::Text(_) | Json::List(_) => None,
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            Json::Bare(_) | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// The items of an array; nothing for other values.
    pub(crate) fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            Json::Bare(_) | Json::Text(_) | Json::Object(_) => &[],
        }
    }
}

/// Reads one JSON document.
pub(crate) fn parse(text: &str) -> Result<Json, String> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let value = reader.value()?;
    reader.space();
    if reader.at == reader.bytes.len() { Ok(value) } else { Err(reader.error("the end")) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self, wanted: &str) -> String {
        format!("JSON: expected {wanted} at byte {}", self.at)
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.bytes.get(self.at) == Some(&byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn value(&mut self) -> Result<Json, String> {
        self.space();
        match self.bytes.get(self.at) {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(_) => self.bare(),
            None => Err(self.error("a value")),
        }
    }

    fn object(&mut self) -> Result<Json, String> {
        self.at += 1;
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            if !self.take(b':') {
                return Err(self.error("':'"));
            }
            members.push((key, self.value()?));
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err(self.error("',' or '}'"));
            }
        }
    }

    fn list(&mut self) -> Result<Json, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.take(b']') {
                return Ok(Json::List(items));
            }
            if !self.take(b',') {
                return Err(self.error("',' or ']'"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.error("a string"));
        }
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.error("'\"'"))?;
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(out).map_err(|_| self.error("UTF-8")),
                b'\\' => self.escape(&mut out)?,
                other => out.push(other),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.error("an escape"))?;
        self.at += 1;
        match byte {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4).ok_or_else(|| self.error("4 digits"))?;
                let code = std::str::from_utf8(digits).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
                self.at += 4;
                // Half of a pair: no gate reads such text, so the replacement sign will do.
                let c = code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(other),
        }
        Ok(())
    }

    fn bare(&mut self) -> Result<Json, String> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)) {
            self.at += 1;
        }
        if start == self.at {
            return Err(self.error("a value"));
        }
        Ok(Json::Bare(String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_and_escapes_are_read() {
        let read = parse(r#" {"a": [1, null, "x\n\u00e9\"y"], "b": {}} "#);
        let read = read.expect("valid document");
        let items = read.get("a").map(Json::items).unwrap_or_default();
        assert_eq!(items.len(), 3);
        assert_eq!(items[2].text(), Some("x\né\"y"));
        assert_eq!(read.get("b"), Some(&Json::Object(Vec::new())));
    }

    #[test]
    fn broken_documents_are_refused() {
        for text in ["", "{", "[1,]", "{\"a\"}", "\"x", "1 2"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
