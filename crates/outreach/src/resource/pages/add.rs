//! Connecting a mailbox of one's own, or a sender over an account at a provider.

use super::Needs;
use crate::{
    account,
    channel::Channel,
    resource::{self, New, NewSender, Server, Settings},
};
use axum::{
    Form,
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base::{EmailAddress, Error, Kind, Result, Secret};
use maud::{Markup, html};
use ports::email::Security;
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::{Card, Choice, Field, Heading};

/// What is typed to connect a mailbox.
#[derive(Deserialize)]
#[serde(default)]
pub struct Typed {
    name: String,
    address: String,
    display_name: String,
    smtp_host: String,
    smtp_port: String,
    smtp_security: String,
    smtp_user: String,
    imap_host: String,
    imap_port: String,
    imap_security: String,
    imap_user: String,
    sent_folder: String,
    dkim_selector: String,
    password: Secret,
}

impl Default for Typed {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: String::new(),
            address: String::new(),
            display_name: String::new(),
            smtp_host: String::new(),
            smtp_port: text("587"),
            smtp_security: text("start_tls"),
            smtp_user: String::new(),
            imap_host: String::new(),
            imap_port: text("993"),
            imap_security: text("tls"),
            imap_user: String::new(),
            sent_folder: String::new(),
            dkim_selector: String::new(),
            password: Secret::default(),
        }
    }
}

/// Which account and channel the form is for; none: a mailbox of one's own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Which {
    account: Option<uuid::Uuid>,
    channel: String,
}

/// `GET /settings/sending/new`
pub async fn form(mut cx: web::Cx, Query(which): Query<Which>) -> web::Result<Response> {
    let Some(id) = which.account else {
        return cx.page("Connect a mailbox", page(&Typed::default(), None)).await;
    };
    let account = account::get(&mut cx, id).await?;
    let channel: Channel = which.channel.parse()?;
    let body = sender_page(&account, channel, &BTreeMap::new(), None)?;
    cx.page("Add a sender", body).await
}

fn sender_page(
    account: &account::Account,
    channel: Channel,
    typed: &BTreeMap<String, String>,
    problem: Option<&str>,
) -> Result<Markup> {
    let kind = account::kind(&account.provider)?;
    let value = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let (label, hint) = match channel {
        Channel::Email => ("Address", "Of a domain that is set up at the provider."),
        Channel::Sms => ("Number or name", "A number like +61400000001, or a name of 3 to 11 letters."),
        Channel::Linkedin => ("Name of the seat", "Whose profile acts."),
        Channel::Voice => ("Number", "Like +61400000001; it is shown to whom is called."),
        Channel::Mail => ("What you call it", ""),
    };
    let mut form = ui::form::Form::post("/settings/sending/senders", "sender")
        .problem(problem)
        .hidden("account", account.id.to_string())
        .hidden("channel", channel.word());
    if channel != Channel::Mail {
        form = form.field(Field::text("address", label).value(value("address")).required().hint(hint));
    }
    form = form.field(
        Field::text("display_name", "Sender's name")
            .value(value("display_name"))
            .required()
            .hint("As recipients see or hear it."),
    );
    for field in kind.sender_fields(channel) {
        let own = Field::text(field.name, field.label).value(value(field.name)).hint(field.hint);
        form = form.field(if field.required { own.required() } else { own });
    }
    let back = format!("/settings/sending/accounts/{}", account.id);
    Ok(html! {
        (Heading::new("Add a sender").crumb("Settings", "/settings").crumb("Sending", "/settings/sending").crumb(&account.name, &back)
            .about(format!("{} over {}. It begins with a few acts a day where its kind has a ramp.", channel.label(), kind.label)))
        (Card::bare().padded(form.submit("Add the sender").cancel(back)))
    })
}

/// `POST /settings/sending/senders`
pub async fn add_sender(
    mut cx: web::Cx,
    Form(typed): Form<BTreeMap<String, String>>,
) -> web::Result<Response> {
    let text = |name: &str| typed.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let id = text("account").parse().map_err(|cause| {
        Error::invalid("resource.account", "The account's id is damaged.").caused_by(cause)
    })?;
    let channel: Channel = text("channel").parse()?;
    let account = account::get(&mut cx, id).await?;
    let fields = account::kind(&account.provider)?.sender_fields(channel);
    let details = fields.iter().map(|field| (field.name.to_owned(), text(field.name)));
    let details = details.filter(|(_, text)| !text.is_empty()).collect();
    let new = NewSender {
        channel,
        account: id,
        address: text("address"),
        display_name: text("display_name"),
        details,
    };
    match resource::add_sender(&mut cx, new).await {
        Ok(id) => {
            cx.commit().await?;
            Ok(web::redirect_with(&format!("/settings/sending/{id}"), "The sender was added."))
        }
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Refused) => {
            let page = sender_page(&account, channel, &typed, Some(error.message()))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, cx.page("Add a sender", page).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn page(t: &Typed, problem: Option<&str>) -> Markup {
    let securities = || {
        [
            Choice::new("start_tls", "STARTTLS (port 587 or 143)"),
            Choice::new("tls", "TLS (port 465 or 993)"),
            Choice::new("none", "None (this machine only)"),
        ]
    };
    let form = ui::form::Form::post("/settings/sending", "mailbox")
        .problem(problem)
        .set(
            "Who sends",
            [
                Field::email("address", "Address").value(t.address.as_str()).required(),
                Field::text("display_name", "Sender's name").value(t.display_name.as_str()).required().hint("As recipients see it."),
                Field::text("name", "What you call it").value(t.name.as_str()),
            ],
        )
        .set(
            "Outgoing server (SMTP)",
            [
                Field::text("smtp_host", "Server").value(t.smtp_host.as_str()).required().placeholder("smtp.example.com"),
                Field::number("smtp_port", "Port").value(t.smtp_port.as_str()).required().range("1", "65535", "1"),
                Field::select("smtp_security", "Encryption", securities()).value(t.smtp_security.as_str()).required(),
                Field::text("smtp_user", "User name").value(t.smtp_user.as_str()).hint("Empty: the address."),
                Field::password("password", "Password or app password").autocomplete("off").hint("Sealed before it is stored; never shown again."),
            ],
        )
        .set(
            "Incoming server (IMAP), so that answers and bounces are read",
            [
                Field::text("imap_host", "Server").value(t.imap_host.as_str()).placeholder("imap.example.com"),
                Field::number("imap_port", "Port").value(t.imap_port.as_str()).range("1", "65535", "1"),
                Field::select("imap_security", "Encryption", securities()).value(t.imap_security.as_str()),
                Field::text("imap_user", "User name").value(t.imap_user.as_str()).hint("Empty: the address."),
                Field::text("sent_folder", "Folder of sent mail").value(t.sent_folder.as_str()).hint("If your provider files sent mail, such as [Gmail]/Sent Mail: it settles whether a message left when a connection broke."),
            ],
        )
        .set("Records", [Field::text("dkim_selector", "DKIM selector").value(t.dkim_selector.as_str()).hint("As your provider shows it; empty: the usual ones are tried.")])
        .submit("Connect the mailbox")
        .cancel("/settings/sending");
    html! {
        (Heading::new("Connect a mailbox").crumb("Settings", "/settings").crumb("Sending", "/settings/sending")
            .about("It begins with a few messages a day and is allowed more as its domain earns trust."))
        (Card::bare().padded(form))
    }
}

fn server(host: &str, port: &str, security: &str, user: &str, address: &str) -> Result<Server> {
    let port = port.trim().parse().map_err(|cause| {
        Error::invalid("resource.port", format!("“{port}” is not a port.")).caused_by(cause)
    })?;
    let security = match security {
        "start_tls" => Security::StartTls,
        "tls" => Security::Tls,
        "none" => Security::None,
        other => {
            return Err(Error::invalid(
                "resource.security",
                format!("“{other}” is not a kind of encryption."),
            ));
        }
    };
    let host = host.trim().to_ascii_lowercase();
    if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control() || "/@".contains(c)) {
        return Err(Error::invalid("resource.host", format!("“{host}” is not the name of a server.")));
    }
    let user = user.trim();
    Ok(Server {
        host,
        port,
        security,
        username: if user.is_empty() { address.to_owned() } else { user.to_owned() },
    })
}

fn read(t: &Typed) -> Result<New> {
    let address = EmailAddress::parse(&t.address)?;
    let some = |text: &str| Some(text.trim()).filter(|t| !t.is_empty()).map(str::to_owned);
    let smtp = server(&t.smtp_host, &t.smtp_port, &t.smtp_security, &t.smtp_user, address.as_str())?;
    let smtp = if t.password.is_empty() { Server { username: String::new(), ..smtp } } else { smtp };
    let imap = match some(&t.imap_host) {
        Some(host) => Some(server(&host, &t.imap_port, &t.imap_security, &t.imap_user, address.as_str())?),
        None => None,
    };
    Ok(New {
        name: some(&t.name).unwrap_or_else(|| address.to_string()),
        display_name: t.display_name.trim().to_owned(),
        provider: "smtp",
        settings: Settings {
            smtp: Some(smtp),
            imap,
            sent_folder: some(&t.sent_folder),
            lookup: None,
            dkim_selector: some(&t.dkim_selector),
            details: BTreeMap::new(),
        },
        password: t.password.clone(),
        address,
    })
}

/// `POST /settings/sending`
pub async fn add_mailbox(mut cx: web::Cx, Form(typed): Form<Typed>, needs: Needs) -> web::Result<Response> {
    let done = match read(&typed) {
        Ok(new) => resource::add(&mut cx, &needs.keyring, new).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(id) => {
            cx.commit().await?;
            Ok(web::redirect_with(
                &format!("/settings/sending/{id}"),
                "The mailbox is connected. Test the sign-in and look its records up.",
            ))
        }
        // A refused insert ends the transaction: what is shown again needs none of its rows.
        Err(error) if matches!(error.kind(), Kind::Invalid) => {
            let page = page(&typed, Some(error.message()));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, cx.page("Connect a mailbox", page).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// What is typed to add the built-in sink.
#[derive(Debug, Deserialize)]
pub struct Sinked {
    address: String,
    display_name: String,
}

/// `POST /settings/sending/sink`
pub async fn add_sink(mut cx: web::Cx, Form(typed): Form<Sinked>, needs: Needs) -> web::Result<Response> {
    let sink = needs.sink.as_ref().ok_or_else(|| {
        Error::refused("resource.no_sink", "The built-in mail sink does not run in this installation.")
    })?;
    let address = EmailAddress::parse(&typed.address)?;
    let id = resource::add_sink(&mut cx, &needs.keyring, sink, address, typed.display_name.trim()).await?;
    cx.commit().await?;
    Ok(web::redirect_with(
        &format!("/settings/sending/{id}"),
        "The built-in mail sink is ready: what is sent stays on this machine.",
    ))
}
