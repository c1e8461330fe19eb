//! Words to sound, and sound to words.

use crate::delivery::Failure;
use async_trait::async_trait;
use base::Secret;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

/// Speaks and listens. Nothing here reaches a person by itself: a lost answer may cost money, no more.
#[async_trait]
pub trait Speech: Send + Sync + 'static {
    /// Speaks a text.
    async fn speak(&self, account: &VoiceMaker, say: &Say) -> Result<Bytes, Failure>;

    /// Writes down what is said in a recording.
    async fn transcribe(&self, account: &Transcriber, sound: &Sound) -> Result<Transcript, Failure>;

    /// As [`Speech::transcribe`], but the answer comes to a webhook; gives the provider's name of it.
    async fn transcribe_later(
        &self,
        account: &Transcriber,
        sound: &Sound,
        report_to: &Url,
    ) -> Result<String, Failure>;
}

/// A text that is to be spoken.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Say {
    /// The words; at most 5,000 characters.
    pub text: String,
    /// The language in ISO 639-1; none for what the model hears in the text.
    pub language: Option<String>,
    /// The form.
    pub format: SoundFormat,
}

/// A form of sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundFormat {
    /// For people: MP3, 44.1 kHz, 128 kbit/s.
    Mp3,
    /// For telephone lines: µ-law, 8 kHz.
    Telephone,
    /// For machines: 16-bit PCM, 16 kHz.
    Pcm,
}

/// Sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sound {
    /// At an address that the provider can reach.
    At(Url),
    /// Itself.
    Bytes(Bytes),
}

/// What was said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Transcript {
    /// The provider's name of it.
    pub provider_ref: String,
    /// The words.
    pub text: String,
    /// How sure the provider is, 0 to 1.
    pub confidence: f64,
    /// Seconds of sound.
    pub seconds: f64,
    /// Who said what, where the provider tells.
    pub turns: Vec<Turn>,
}

/// One turn of a conversation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// The speaker's number or channel.
    pub speaker: u32,
    /// Seconds from the beginning.
    pub from_s: f64,
    /// The words.
    pub text: String,
}

/// Who speaks.
#[derive(Clone, Debug)]
pub enum VoiceMaker {
    /// ElevenLabs.
    ElevenLabs(ElevenLabsAccount),
}

/// A voice at ElevenLabs.
#[derive(Clone, Debug)]
pub struct ElevenLabsAccount {
    /// The API key.
    pub api_key: Secret,
    /// The voice.
    pub voice: String,
    /// The model, such as `eleven_flash_v2_5`.
    pub model: String,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// Who listens.
#[derive(Clone, Debug)]
pub enum Transcriber {
    /// Deepgram.
    Deepgram(DeepgramAccount),
}

/// An account at Deepgram.
#[derive(Clone, Debug)]
pub struct DeepgramAccount {
    /// The API key.
    pub api_key: Secret,
    /// The model, such as `nova-3`.
    pub model: String,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// Speech in memory: the sound of a text is its bytes.
#[derive(Clone, Copy, Default, Debug)]
pub struct MemorySpeech;

#[async_trait]
impl Speech for MemorySpeech {
    async fn speak(&self, _account: &VoiceMaker, say: &Say) -> Result<Bytes, Failure> {
        Ok(Bytes::copy_from_slice(say.text.as_bytes()))
    }

    async fn transcribe(&self, _account: &Transcriber, sound: &Sound) -> Result<Transcript, Failure> {
        let text = match sound {
            Sound::At(url) => url.to_string(),
            Sound::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        let provider_ref = "memory".to_owned();
        Ok(Transcript { provider_ref, text, confidence: 1.0, seconds: 0.0, turns: Vec::new() })
    }

    async fn transcribe_later(
        &self,
        _account: &Transcriber,
        _sound: &Sound,
        _report_to: &Url,
    ) -> Result<String, Failure> {
        Err(Failure::unsupported("memory", "report later"))
    }
}
