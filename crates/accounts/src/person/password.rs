//! Passwords: which are accepted, how they are kept (argon2id) and compared.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base::{Error, Random, Result, Secret};
use std::sync::OnceLock;
use tokio::sync::Semaphore;

/// The fewest characters of a password.
pub const CHARS_MIN: usize = 10;
/// The most characters of a password.
pub const CHARS_MAX: usize = 256;

/// Passwords of ten and more characters that every guesser tries first, and words that stay
/// guessable whatever digits and signs stand around them.
const COMMON: [&str; 36] = [
    "password",
    "passwort",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "qwerty",
    "qwertyuiop",
    "asdfghjkl",
    "letmein",
    "welcome",
    "admin",
    "administrator",
    "iloveyou",
    "changeme",
    "changeit",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "sunshine",
    "princess",
    "superman",
    "trustno",
    "master",
    "secret",
    "secretpassword",
    "mypassword",
    "testtest",
    "computer",
    "whatever",
    "starwars",
    "qazwsxedc",
    "qweasdzxc",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "zaq12wsxcde3",
];

/// Checks a chosen password. `email` and `name` are the person's: a password made of them is a guess.
///
/// # Errors
/// Invalid, saying what is wrong.
pub fn check(password: &str, email: &str, name: &str) -> Result<()> {
    let bad = |text: String| Err(Error::invalid("password.weak", text));
    let chars = password.chars().count();
    if chars < CHARS_MIN {
        return bad(format!("Use at least {CHARS_MIN} characters; a few words in a row are good."));
    }
    if chars > CHARS_MAX {
        return bad(format!("Use at most {CHARS_MAX} characters."));
    }
    let folded = password.to_lowercase();
    if is_common(&folded) {
        return bad("This is one of the passwords that are guessed first. Choose another.".to_owned());
    }
    let own = [
        email.to_lowercase(),
        email.split('@').next().unwrap_or_default().to_lowercase(),
        name.to_lowercase(),
    ];
    let core = letters(&folded);
    if own
        .iter()
        .any(|text| !text.is_empty() && (folded == *text || (!core.is_empty() && core == letters(text))))
    {
        return bad("Your name or e-mail is guessed first. Choose another password.".to_owned());
    }
    Ok(())
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

fn is_common(folded: &str) -> bool {
    let trimmed = folded.trim_matches(|c: char| !c.is_alphabetic());
    let mut kinds: Vec<char> = folded.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len() < 4
        || COMMON.contains(&folded)
        || COMMON.contains(&trimmed)
        || COMMON.contains(&letters(folded).as_str())
        || is_run(folded)
}

/// Whether it is nothing but neighbours: 1234567890, abcdefghij and the same backwards.
fn is_run(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    let steps = |step: i64| codes.windows(2).filter(|pair| pair[1] - pair[0] == step).count();
    let nearly = codes.len().saturating_sub(2);
    steps(1) >= nearly || steps(-1) >= nearly
}

/// Hashing takes about 20 MB and 30 ms each; more at once would let strangers use up the machine.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// The stored form of a password, made on a thread that may block.
pub async fn hash(password: &Secret, random: &Random) -> Result<String> {
    let salt = random.bytes::<16>();
    let password = password.clone();
    blocking(move || stored(password.expose(), &salt)).await?
}

/// Whether the password is the stored one. Without a stored one it takes the same time and says no,
/// so that an unknown e-mail cannot be told from a wrong password.
pub async fn verify(password: &Secret, kept: Option<String>) -> Result<bool> {
    let password = password.clone();
    blocking(move || {
        let (kept, known) = match kept {
            Some(kept) => (kept, true),
            None => (nobody()?.to_owned(), false),
        };
        let parsed = PasswordHash::new(&kept).map_err(|cause| broken(&cause))?;
        Ok(Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

fn stored(password: &str, salt: &[u8]) -> Result<String> {
    let salt = SaltString::encode_b64(salt).map_err(|cause| broken(&cause))?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(|cause| broken(&cause))?;
    Ok(hash.to_string())
}

/// The hash of a password that nobody has.
fn nobody() -> Result<&'static str> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let made = stored("nobody's password", &[7; 16])?;
    Ok(HASH.get_or_init(|| made))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _turn = AT_ONCE
        .acquire()
        .await
        .map_err(|cause| Error::internal("The turn to hash a password was lost.").caused_by(cause))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Error::internal("Hashing a password ended badly.").caused_by(cause))
}

fn broken(cause: &argon2::password_hash::Error) -> Error {
    Error::internal(format!("A password could not be hashed or compared: {cause}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_and_plain_phrases_pass() {
        for weak in [
            "short",
            "Password123!",
            "passw0rd!!2024",
            "1234567890",
            "0987654321",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "qwertyuiop",
            "1q2w3e4r5t",
            "adaadaadaada1",
            "ada@byte.example",
            "Ada Lovelace",
            "ada.lovelace99",
        ] {
            assert!(check(weak, "ada@byte.example", "Ada Lovelace").is_err(), "{weak} was accepted");
        }
        for fine in ["correct horse battery", "Tr0ub4dor&3xyz", "lämpchen über tisch", "Adas teapot sings"]
        {
            assert!(check(fine, "ada@byte.example", "Ada Lovelace").is_ok(), "{fine} was refused");
        }
        assert!(check(&"x1y2z3".repeat(50), "", "").is_err());
    }

    #[tokio::test]
    async fn a_password_verifies_only_against_its_own_hash_and_never_against_nobody() {
        let random = Random::seeded(1);
        let right = Secret::new("correct horse battery");
        let kept = hash(&right, &random).await.expect("hashed");
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert!(verify(&right, Some(kept.clone())).await.expect("verified"));
        assert!(!verify(&Secret::new("correct horse batter"), Some(kept)).await.expect("verified"));
        assert!(!verify(&Secret::new("nobody's password"), None).await.expect("verified"));
    }
}
