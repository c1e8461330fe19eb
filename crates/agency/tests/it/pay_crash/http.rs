//! One request over a connection of its own.

use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub body: Value,
}

/// A request of a caller.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: String,
}

impl Ask<'_> {
    /// The answer; none when there was no whole one within `patience`.
    pub async fn send(&self, to: SocketAddr, patience: Duration) -> Option<Answer> {
        tokio::time::timeout(patience, self.exchange(to)).await.ok()?.ok().flatten()
    }

    async fn exchange(&self, to: SocketAddr) -> std::io::Result<Option<Answer>> {
        let mut stream = TcpStream::connect(to).await?;
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\naccept: application/json\r\ncontent-length: {}\r\n",
            self.method,
            self.path,
            self.body.len()
        );
        for (name, value) in self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n{}", self.body).as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        Ok(read(&String::from_utf8_lossy(&bytes)))
    }
}

/// None when the connection broke before the end.
fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    let header = |name: &str| {
        head.lines().find_map(|line| {
            line.split_once(": ")
                .filter(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        })
    };
    if let Some(length) = header("content-length").and_then(|text| text.parse::<usize>().ok())
        && body.len() < length
    {
        return None;
    }
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).ok()? };
    Some(Answer { status, replayed: header("idempotent-replayed").is_some(), body })
}
