//! One SMTP connection.

use super::command::{self, Command, Mechanism};
use super::faults::{Act, At, DropAt};
use super::store::Envelope;
use super::wire::{Content, Line, read_command, read_content};
use super::{Auth, Shared};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

struct Session<'s> {
    reader: BufReader<OwnedReadHalf>,
    writer: BufWriter<OwnedWriteHalf>,
    shared: &'s Shared,
    helo: Option<String>,
    username: Option<String>,
    mail: Option<Mail>,
}

/// A mail between MAIL and the end of its content.
struct Mail {
    from: Option<String>,
    to: Vec<String>,
}

/// Whether the connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Close,
}

pub(super) async fn run(stream: TcpStream, peer: SocketAddr, shared: &Shared, room: bool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let mut session = Session {
        reader: BufReader::with_capacity(16_384, read),
        writer: BufWriter::with_capacity(4_096, write),
        shared,
        helo: None,
        username: None,
        mail: None,
    };
    if !room {
        return session.goodbye("4.7.0 Too many connections, try later").await;
    }
    let name = &shared.settings.hostname;
    session.say(220, &format!("{name} ESMTP mail sink (a twin: mail is kept here and goes nowhere)")).await?;
    let idle = Duration::from_secs(shared.settings.idle_s);
    loop {
        // Replies to a pipelined group leave together (RFC 2920).
        if session.reader.buffer().is_empty() {
            session.writer.flush().await?;
        }
        let line = tokio::select! {
            biased;
            line = tokio::time::timeout(idle, read_command(&mut session.reader)) => line,
            () = shared.stop.cancelled() => return session.goodbye("4.3.2 The mail sink is shutting down").await,
        };
        let next = match line {
            Err(_) => return session.goodbye("4.4.2 Nothing was said for too long").await,
            Ok(Err(cause)) => return Err(cause),
            Ok(Ok(Line::Eof)) => return Ok(()),
            Ok(Ok(Line::Bad(why))) => session.say(500, &format!("5.5.2 {why}")).await?,
            Ok(Ok(Line::Text(line))) => match command::parse(&line) {
                Ok(command) => session.obey(command).await?,
                Err(wrong) => session.say(wrong.0, wrong.1).await?,
            },
        };
        if next == Next::Close {
            tracing::trace!(%peer, "connection closed by the sink");
            return Ok(());
        }
    }
}

impl Session<'_> {
    async fn say(&mut self, code: u16, text: &str) -> io::Result<Next> {
        self.writer.write_all(format!("{code} {text}\r\n").as_bytes()).await?;
        Ok(Next::Go)
    }

    async fn goodbye(&mut self, text: &str) -> io::Result<()> {
        self.say(421, text).await?;
        self.writer.flush().await
    }

    async fn obey(&mut self, command: Command) -> io::Result<Next> {
        match command {
            Command::Ehlo { name, extended } => self.ehlo(name, extended).await,
            Command::Mail { from, size } => self.mail(from, size).await,
            Command::Rcpt { to } => self.rcpt(to).await,
            Command::Data => self.data().await,
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial).await,
            Command::Rset => {
                self.mail = None;
                self.say(250, "2.0.0 Forgotten").await
            }
            Command::Noop => self.say(250, "2.0.0 OK").await,
            Command::Vrfy => self.say(252, "2.1.5 Try to send to it").await,
            Command::Help => self.say(214, "2.0.0 A mail sink: RFC 5321; what you send is kept here").await,
            Command::Quit => {
                self.say(221, "2.0.0 Goodbye").await?;
                self.writer.flush().await?;
                Ok(Next::Close)
            }
        }
    }

    async fn ehlo(&mut self, name: String, extended: bool) -> io::Result<Next> {
        self.helo = Some(name);
        self.mail = None;
        let settings = &self.shared.settings;
        if !extended {
            return self.say(250, &settings.hostname).await;
        }
        let auth = match settings.auth {
            Auth::Off => "",
            Auth::AcceptAny | Auth::Only { .. } => "250-AUTH PLAIN LOGIN\r\n",
        };
        let reply = format!(
            "250-{} is a twin\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE {}\r\n{auth}250 ENHANCEDSTATUSCODES\r\n",
            settings.hostname, settings.max_bytes
        );
        self.writer.write_all(reply.as_bytes()).await?;
        Ok(Next::Go)
    }

    async fn mail(&mut self, from: Option<String>, size: Option<usize>) -> io::Result<Next> {
        if self.helo.is_none() {
            return self.say(503, "5.5.1 Say EHLO first").await;
        }
        if self.mail.is_some() {
            return self.say(503, "5.5.1 A mail is begun already").await;
        }
        if matches!(self.shared.settings.auth, Auth::Only { .. }) && self.username.is_none() {
            return self.say(530, "5.7.0 Sign in first").await;
        }
        if size.is_some_and(|size| size > self.shared.settings.max_bytes) {
            return self.say(552, "5.3.4 Too large").await;
        }
        self.mail = Some(Mail { from, to: Vec::new() });
        self.say(250, "2.1.0 OK").await
    }

    async fn rcpt(&mut self, to: String) -> io::Result<Next> {
        let Some(mail) = &mut self.mail else {
            return self.say(503, "5.5.1 Say MAIL first").await;
        };
        if mail.to.len() >= self.shared.settings.max_recipients {
            return self.say(452, "4.5.3 Too many recipients").await;
        }
        let at_recipient = |act: &Act| matches!(act, Act::Refuse { at: At::Recipient, .. });
        let to = [to];
        if let Some(Act::Refuse { code, enhanced, text, .. }) = self.shared.faults.hit(&to, at_recipient) {
            return self.say(code, &format!("{enhanced} {text}")).await;
        }
        mail.to.extend(to);
        self.say(250, "2.1.5 OK").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        let Some(mail) = self.mail.take_if(|mail| !mail.to.is_empty()) else {
            return self.say(503, "5.5.1 Say MAIL and RCPT first").await;
        };
        let shared = self.shared;
        let _reception = shared.receiving.begin();
        self.say(354, "End with a dot on a line of its own").await?;
        self.writer.flush().await?;
        let during = |act: &Act| *act == Act::Drop(DropAt::DuringContent);
        if shared.faults.hit(&mail.to, during).is_some() {
            return Ok(Next::Close);
        }
        let idle = Duration::from_secs(shared.settings.idle_s);
        let content = read_content(&mut self.reader, shared.settings.max_bytes);
        let bytes = match tokio::time::timeout(idle, content).await {
            Ok(content) => match content? {
                Content::Whole(bytes) => bytes,
                Content::TooLarge => return self.say(552, "5.3.4 Too large").await,
                Content::Eof => return Ok(Next::Close),
            },
            Err(_) => {
                self.goodbye("4.4.2 The content did not end").await?;
                return Ok(Next::Close);
            }
        };
        let after = |act: &Act| match act {
            Act::Refuse { at, .. } => *at == At::Content,
            Act::Drop(at) => *at != DropAt::DuringContent,
            Act::Delay { .. } => true,
        };
        let fault = shared.faults.hit(&mail.to, after);
        self.keep(mail, bytes, fault).await
    }

    async fn keep(&mut self, mail: Mail, bytes: Vec<u8>, fault: Option<Act>) -> io::Result<Next> {
        match &fault {
            Some(Act::Refuse { code, enhanced, text, .. }) => {
                return self.say(*code, &format!("{enhanced} {text}")).await;
            }
            Some(Act::Drop(DropAt::BeforeStore | DropAt::DuringContent)) => return Ok(Next::Close),
            Some(Act::Drop(DropAt::AfterStore) | Act::Delay { .. }) | None => {}
        }
        let message_id = message_id(&bytes);
        let reference = message_id.clone().unwrap_or_else(|| "without Message-ID".to_owned());
        let envelope = Envelope {
            from: mail.from,
            to: mail.to,
            message_id,
            username: self.username.clone(),
            helo: self.helo.clone().unwrap_or_default(),
            received_at: self.shared.clock.now(),
        };
        if let Err(error) = self.shared.store.put(envelope, bytes).await {
            tracing::error!(?error, "the mail sink could not keep a mail");
            return self.say(451, "4.3.0 The mail could not be kept, try later").await;
        }
        match fault {
            Some(Act::Drop(_)) => return Ok(Next::Close),
            Some(Act::Delay { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Some(Act::Refuse { .. }) | None => {}
        }
        self.say(250, &format!("2.0.0 Kept {reference}")).await
    }

    async fn auth(&mut self, mechanism: Mechanism, initial: Option<String>) -> io::Result<Next> {
        if self.helo.is_none() || self.username.is_some() || self.mail.is_some() {
            return self.say(503, "5.5.1 Not now").await;
        }
        if matches!(self.shared.settings.auth, Auth::Off) {
            return self.say(502, "5.5.1 Not offered").await;
        }
        let credentials = match mechanism {
            Mechanism::Plain => {
                let Some(answer) = self.challenge(initial, "").await? else {
                    return self.say(501, "5.5.2 Not base64, or given up").await;
                };
                let mut parts = answer.splitn(3, '\0').skip(1).map(str::to_owned);
                parts.next().zip(parts.next())
            }
            Mechanism::Login => {
                let username = self.challenge(initial, "VXNlcm5hbWU6").await?;
                let password = match username {
                    Some(_) => self.challenge(None, "UGFzc3dvcmQ6").await?,
                    None => None,
                };
                username.zip(password)
            }
        };
        let Some((username, password)) = credentials else {
            return self.say(501, "5.5.2 Name and password cannot be read").await;
        };
        let right = match &self.shared.settings.auth {
            Auth::Off => false,
            Auth::AcceptAny => true,
            Auth::Only { username: name, password: secret } => {
                *name == username && secret.expose() == password
            }
        };
        if !right {
            return self.say(535, "5.7.8 Wrong name or password").await;
        }
        self.username = Some(username);
        self.say(235, "2.7.0 Signed in").await
    }

    /// The client's decoded answer to a challenge; none when it gave up or cannot be read.
    async fn challenge(&mut self, initial: Option<String>, prompt: &str) -> io::Result<Option<String>> {
        let encoded = match initial {
            Some(initial) => initial,
            None => {
                self.say(334, prompt).await?;
                self.writer.flush().await?;
                let idle = Duration::from_secs(self.shared.settings.idle_s);
                match tokio::time::timeout(idle, read_command(&mut self.reader)).await {
                    Ok(Ok(Line::Text(line))) => line,
                    Ok(Ok(Line::Bad(_) | Line::Eof)) | Err(_) => return Ok(None),
                    Ok(Err(cause)) => return Err(cause),
                }
            }
        };
        Ok(STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}

/// The Message-ID of a mail, from its headers alone.
fn message_id(mail: &[u8]) -> Option<String> {
    let parsed = mail_parser::MessageParser::new().with_message_ids().parse_headers(mail)?;
    parsed.message_id().map(str::to_owned)
}
