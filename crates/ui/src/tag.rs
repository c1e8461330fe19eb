//! Tags: a state in one or two words. Colour means state, never decoration.

use maud::{Markup, Render, html};

/// What a state means to the person who looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Tone {
    /// Works, is done, is allowed.
    Good,
    /// Failed, stopped, refused.
    Bad,
    /// The highest lead tier; needs a person at once.
    Hot,
    /// Needs attention soon; a warning.
    Warm,
    /// Under way, informative.
    Cool,
    /// Nothing happens here: draft, waiting, closed.
    #[default]
    Cold,
}

impl Tone {
    /// Every tone, for galleries and keys.
    pub const ALL: [Self; 6] = [Self::Good, Self::Bad, Self::Hot, Self::Warm, Self::Cool, Self::Cold];

    /// The class that colours a ground in this tone.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Bad => "off",
            Self::Hot => "hot",
            Self::Warm => "warm",
            Self::Cool => "cool",
            Self::Cold => "cold",
        }
    }

    /// The tone's own name, as the suffix of marker classes (`t-good`, `n-good`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Hot => "hot",
            Self::Warm => "warm",
            Self::Cool => "cool",
            Self::Cold => "cold",
        }
    }
}

/// A tag.
pub fn tag(tone: Tone, text: impl Render) -> Markup {
    html! { span.tag.(tone.class()) { (text) } }
}
