//! Words to sound, and sound to words.

pub mod deepgram;
pub mod elevenlabs;

use async_trait::async_trait;
use bytes::Bytes;
use ports::delivery::Failure;
use ports::speech::{Say, Sound, Speech, Transcriber, Transcript, VoiceMaker};
use url::Url;

use crate::delivery::Line;

/// Speaks and listens through whatever account is given.
pub struct Voices {
    elevenlabs: elevenlabs::ElevenLabs,
    deepgram: deepgram::Deepgram,
}

impl Voices {
    /// Calls over `line`.
    pub fn new(line: &Line) -> Self {
        Self {
            elevenlabs: elevenlabs::ElevenLabs::new(line.clone()),
            deepgram: deepgram::Deepgram::new(line.clone()),
        }
    }
}

#[async_trait]
impl Speech for Voices {
    async fn speak(&self, account: &VoiceMaker, say: &Say) -> Result<Bytes, Failure> {
        let VoiceMaker::ElevenLabs(account) = account;
        self.elevenlabs.speak(account, say).await
    }

    async fn transcribe(&self, account: &Transcriber, sound: &Sound) -> Result<Transcript, Failure> {
        let Transcriber::Deepgram(account) = account;
        self.deepgram.transcribe(account, sound).await
    }

    async fn transcribe_later(
        &self,
        account: &Transcriber,
        sound: &Sound,
        report_to: &Url,
    ) -> Result<String, Failure> {
        let Transcriber::Deepgram(account) = account;
        self.deepgram.transcribe_later(account, sound, report_to).await
    }
}
