//! Against a real server, when `IMAP_TEST` names one as `host:port:user:password` whose INBOX
//! holds the messages 1 to 5 with the ids `<n@x.example>`, the third longer than 10,000 bytes.

use super::*;
use base::Secret;

fn account() -> Option<ImapAccount> {
    let text = std::env::var("IMAP_TEST").ok()?;
    let parts: Vec<&str> = text.split(':').collect();
    let [host, port, username, password] = parts.as_slice() else { panic!("IMAP_TEST={text}") };
    Some(ImapAccount {
        host: (*host).to_owned(),
        port: port.parse().unwrap(),
        security: Security::None,
        username: (*username).to_owned(),
        password: Secret::new(*password),
        folder: "INBOX".into(),
        batch: 2,
        max_message_bytes: 10_000,
    })
}

#[tokio::test]
#[ignore = "needs an IMAP server: see IMAP_TEST above"]
async fn a_folder_is_read_in_batches_without_a_trace() {
    let account = account().expect("IMAP_TEST is set");
    let imap = Imap::new().unwrap();
    let (mut cursor, mut got) = (UidCursor::default(), Vec::new());
    loop {
        let fetched = imap.fetch_since(&account, cursor).await.unwrap();
        assert!(fetched.messages.len() <= 2 && !fetched.renumbered);
        cursor = fetched.cursor;
        got.extend(fetched.messages);
        if !fetched.more {
            break;
        }
    }
    assert_eq!(got.len(), 5);
    assert!(got[2].headers_only && got[2].bytes.len() < 200 && !got[1].headers_only);
    assert!(got[4].bytes.starts_with(b"Message-ID: <5@x.example>\r\n"));
    assert!(imap.fetch_since(&account, cursor).await.unwrap().messages.is_empty());
    let stale = UidCursor { uid_validity: cursor.uid_validity + 1, uid: cursor.uid };
    assert!(imap.fetch_since(&account, stale).await.unwrap().renumbered);
    assert_eq!(unseen(&imap, &account).await, 5, "reading leaves no trace");
    imap.mark_seen(&account, cursor.uid_validity, &[got[0].uid]).await.unwrap();
    assert_eq!(unseen(&imap, &account).await, 4);
    assert_eq!(imap.mark_seen(&account, 1, &[1]).await.unwrap_err().code(), "mailbox.renumbered");
    assert!(imap.has_message(&account, &MessageId::parse("4@x.example").unwrap()).await.unwrap());
    assert!(!imap.has_message(&account, &MessageId::parse("9@x.example").unwrap()).await.unwrap());
    let wrong = ImapAccount { password: Secret::new("no"), ..account.clone() };
    assert_eq!(imap.fetch_since(&wrong, cursor).await.unwrap_err().code(), "mailbox.sign_in");
    let nowhere = ImapAccount { folder: "Nowhere".into(), ..account };
    assert_eq!(imap.fetch_since(&nowhere, cursor).await.unwrap_err().code(), "mailbox.refused");
}

async fn unseen(imap: &Imap, account: &ImapAccount) -> usize {
    let mut session = imap.open(account).await.unwrap();
    session.examine(&account.folder).await.unwrap();
    session.uid_search("UNSEEN").await.unwrap().len()
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_encrypted_is_named() {
    let account = ImapAccount {
        host: "127.0.0.1".into(),
        port: 1,
        security: Security::None,
        username: "ana".into(),
        password: Secret::new("pw"),
        folder: "INBOX".into(),
        batch: 2,
        max_message_bytes: 10_000,
    };
    let imap = Imap::new().unwrap();
    let error = imap.fetch_since(&account, UidCursor::default()).await.unwrap_err();
    assert!(error.is_transient() && error.message().contains("127.0.0.1:1"), "{error:?}");
    let far = ImapAccount { host: "imap.example.com".into(), ..account };
    assert_eq!(imap.fetch_since(&far, UidCursor::default()).await.unwrap_err().code(), "email.unencrypted");
}
