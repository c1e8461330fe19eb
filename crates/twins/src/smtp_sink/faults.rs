//! Faults on demand: what a real server does on a bad day.

use std::sync::{Mutex, PoisonError};

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Which recipients it is for; `*` stands for any characters.
    pub to: String,
    /// What happens.
    pub act: Act,
    /// Happens at each n-th match; 0 and 1 mean each.
    pub every: u32,
    /// Happens so many times at most; none for ever.
    pub times: Option<u32>,
}

/// What happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// A negative reply.
    Refuse {
        /// To what.
        at: At,
        /// Reply code, 4xx or 5xx.
        code: u16,
        /// Enhanced status code.
        enhanced: String,
        /// Words.
        text: String,
    },
    /// The connection is closed.
    Drop(DropAt),
    /// The reply to the content comes later; the mail is kept first.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
}

/// What is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    /// The recipient.
    Recipient,
    /// The content, after it was received.
    Content,
}

/// When the connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropAt {
    /// After 354, before the content is read: the mail is not kept.
    DuringContent,
    /// After the content, before it is kept.
    BeforeStore,
    /// After it is kept, before the answer.
    AfterStore,
}

/// The rules in force, the first that matches wins.
#[derive(Default)]
pub struct Faults(Mutex<Vec<Armed>>);

struct Armed {
    fault: Fault,
    matches: u32,
    done: u32,
}

impl Faults {
    /// Adds a rule.
    pub fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Armed { fault, matches: 0, done: 0 });
    }

    /// Adds a rule that holds always, for these recipients.
    pub fn always(&self, to: &str, act: Act) {
        self.add(Fault { to: to.to_owned(), act, every: 1, times: None });
    }

    /// Adds a rule that holds once, for these recipients.
    pub fn once(&self, to: &str, act: Act) {
        self.add(Fault { to: to.to_owned(), act, every: 1, times: Some(1) });
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The rule for one of these recipients among those that `fits`; counts the match.
    pub(super) fn hit(&self, to: &[String], fits: impl Fn(&Act) -> bool) -> Option<Act> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for armed in rules.iter_mut() {
            let mine = fits(&armed.fault.act) && to.iter().any(|to| matches(&armed.fault.to, to));
            if !mine || armed.fault.times.is_some_and(|times| armed.done >= times) {
                continue;
            }
            armed.matches = armed.matches.wrapping_add(1);
            if armed.matches.is_multiple_of(armed.fault.every.max(1)) {
                armed.done += 1;
                return Some(armed.fault.act.clone());
            }
        }
        None
    }
}

/// Whether `*`-pattern and text agree, without case.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_addresses() {
        for (pattern, text, yes) in [
            ("*", "a@b.example", true),
            ("a@b.example", "A@B.example", true),
            ("*@b.example", "x@b.example", true),
            ("*@b.example", "x@b.example.org", false),
            ("bounce*@*.example", "bounce7@mail.example", true),
            ("bounce*@*.example", "no-bounce7@mail.example", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, text), yes, "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_fires_at_each_nth_match_and_so_many_times() {
        let faults = Faults::default();
        let act = Act::Drop(DropAt::AfterStore);
        faults.add(Fault { to: "*".into(), act, every: 3, times: Some(2) });
        let to = ["a@b.example".to_owned()];
        let fired: Vec<bool> = (0..12).map(|_| faults.hit(&to, |_| true).is_some()).collect();
        let at: Vec<usize> = (0..12).filter(|n| fired[*n]).collect();
        assert_eq!(at, vec![2, 5]);
    }
}
