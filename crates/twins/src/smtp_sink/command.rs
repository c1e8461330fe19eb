//! SMTP commands (RFC 5321 §4.1, RFC 4954, RFC 1870, RFC 6152, RFC 6531).

/// A command with its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Command {
    Ehlo { name: String, extended: bool },
    Mail { from: Option<String>, size: Option<usize> },
    Rcpt { to: String },
    Data,
    Auth { mechanism: Mechanism, initial: Option<String> },
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
}

/// How a client signs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mechanism {
    Plain,
    Login,
}

/// A negative reply to a line that is no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wrong(pub(super) u16, pub(super) &'static str);

const SYNTAX: Wrong = Wrong(501, "5.5.4 Syntax error in parameters");

pub(super) fn parse(line: &str) -> Result<Command, Wrong> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let bare = |command: Command| if rest.is_empty() { Ok(command) } else { Err(SYNTAX) };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" | "HELO" if rest.is_empty() => Err(SYNTAX),
        "EHLO" => Ok(Command::Ehlo { name: rest.to_owned(), extended: true }),
        "HELO" => Ok(Command::Ehlo { name: rest.to_owned(), extended: false }),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" => bare(Command::Data),
        "AUTH" => auth(rest),
        "RSET" => bare(Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "HELP" => Ok(Command::Help),
        "QUIT" => bare(Command::Quit),
        "EXPN" | "TURN" | "ETRN" | "STARTTLS" | "BDAT" => Err(Wrong(502, "5.5.1 Not offered")),
        _ => Err(Wrong(500, "5.5.2 Unknown command")),
    }
}

/// `KEYWORD:<path>` and what follows.
fn path<'a>(rest: &'a str, keyword: &str) -> Result<(&'a str, &'a str), Wrong> {
    let head = rest.get(..keyword.len()).ok_or(SYNTAX)?;
    let after = rest.get(keyword.len()..).ok_or(SYNTAX)?;
    if !head.eq_ignore_ascii_case(keyword) {
        return Err(SYNTAX);
    }
    let after = after.trim_start().strip_prefix('<').ok_or(SYNTAX)?;
    let (path, parameters) = after.split_once('>').ok_or(SYNTAX)?;
    if path.chars().any(|c| c.is_control() || c.is_whitespace() || c == '<') || path.len() > 320 {
        return Err(SYNTAX);
    }
    if !parameters.is_empty() && !parameters.starts_with(' ') {
        return Err(SYNTAX);
    }
    Ok((path, parameters.trim()))
}

fn mail(rest: &str) -> Result<Command, Wrong> {
    let (from, parameters) = path(rest, "FROM:")?;
    let mut size = None;
    for parameter in parameters.split_whitespace() {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (key.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", number) => size = Some(number.parse().map_err(|_| SYNTAX)?),
            ("BODY", "7BIT" | "8BITMIME") | ("SMTPUTF8", "") => {}
            ("AUTH", value) if !value.is_empty() => {}
            _ => return Err(Wrong(555, "5.5.4 Unknown parameter")),
        }
    }
    if !from.is_empty() && !from.contains('@') {
        return Err(Wrong(553, "5.1.7 The sender needs a domain"));
    }
    Ok(Command::Mail { from: (!from.is_empty()).then(|| from.to_owned()), size })
}

fn rcpt(rest: &str) -> Result<Command, Wrong> {
    let (to, parameters) = path(rest, "TO:")?;
    if !parameters.is_empty() {
        return Err(Wrong(555, "5.5.4 Unknown parameter"));
    }
    match to.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
            Ok(Command::Rcpt { to: to.to_owned() })
        }
        Some(_) | None => Err(Wrong(553, "5.1.3 Not an address")),
    }
}

fn auth(rest: &str) -> Result<Command, Wrong> {
    let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
    let mechanism = match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" => Mechanism::Plain,
        "LOGIN" => Mechanism::Login,
        _ => return Err(Wrong(504, "5.5.4 This way to sign in is not offered")),
    };
    let initial = match initial.trim() {
        "" => None,
        "=" => Some(String::new()),
        text => Some(text.to_owned()),
    };
    Ok(Command::Auth { mechanism, initial })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_the_rfc_writes_them() {
        let mail = |from: Option<&str>, size| Command::Mail { from: from.map(str::to_owned), size };
        for (line, command) in [
            ("MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME", mail(Some("a@b.example"), Some(100))),
            ("mail from: <ü@b.example> SMTPUTF8", mail(Some("ü@b.example"), None)),
            ("MAIL FROM:<>", mail(None, None)),
            ("RCPT TO:<x@y.example>", Command::Rcpt { to: "x@y.example".into() }),
            ("ehlo [127.0.0.1]", Command::Ehlo { name: "[127.0.0.1]".into(), extended: true }),
            ("AUTH login", Command::Auth { mechanism: Mechanism::Login, initial: None }),
            ("NOOP hello", Command::Noop),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn wrong_lines_get_the_right_code() {
        for (line, code) in [
            ("EHLO", 501),
            ("MAIL FROM:a@b.example", 501),
            ("MAIL FROM:<a@b.example>SIZE=1", 501),
            ("MAIL FROM:<a@b.example> SIZE=x", 501),
            ("MAIL FROM:<a@b.example> FOO=1", 555),
            ("MAIL TO:<a@b.example>", 501),
            ("RCPT TO:<a b@c.example>", 501),
            ("RCPT TO:<nobody>", 553),
            ("RCPT TO:<>", 553),
            ("DATA now", 501),
            ("AUTH CRAM-MD5", 504),
            ("STARTTLS", 502),
            ("GET / HTTP/1.1", 500),
            ("MÄIL", 500),
            ("MAIL FRÖM:<a@b>", 501),
        ] {
            assert_eq!(parse(line).unwrap_err().0, code, "{line}");
        }
    }
}
