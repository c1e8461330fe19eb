//! Addresses with a query, percent-encoded.

use base::{Cursor, Error, Result};

/// A path with a query; parts without a value are left out.
#[derive(Clone, Debug)]
pub(crate) struct Address(String);

impl Address {
    pub(crate) fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if value.is_empty() {
            return self;
        }
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                self.0.push(char::from(byte));
            } else {
                self.0.push_str(&format!("%{byte:02X}"));
            }
        }
        self
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

/// The cursor in an address; none when it is empty. A damaged one is refused where it is used.
pub(crate) fn cursor(text: &str) -> Result<Option<Cursor>> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_value(serde_json::Value::from(text)).map(Some).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_value_cannot_leave_its_place_in_an_address() {
        let text: String = Address::new("/a").with("q", "x&y=1 #é").with("none", "").with("b", "2").into();
        assert_eq!(text, "/a?q=x%26y%3D1%20%23%C3%A9&b=2");
    }
}
