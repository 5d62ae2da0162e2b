//! What was said between the runner and a peer, kept for failure messages.

use std::collections::VecDeque;
use std::fmt::Write;

/// Messages that are kept: the first few and the newest.
const HEAD: usize = 40;
const TAIL: usize = 400;
/// Longest message, bytes.
pub(super) const LINE_BYTES: usize = 2000;

/// Everything that was said, in order of arrival; a long one loses its middle.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    head: Vec<String>,
    dropped: usize,
    tail: VecDeque<String>,
}

impl Transcript {
    pub(super) fn push(&mut self, mark: &str, text: &str) {
        let mut line = format!("{mark} {text}");
        if line.len() > LINE_BYTES {
            let cut = line.floor_char_boundary(LINE_BYTES);
            line.truncate(cut);
            let _ = write!(line, " ... ({} bytes)", text.len());
        }
        if self.head.len() < HEAD {
            self.head.push(line);
            return;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
            self.dropped += 1;
        }
        self.tail.push_back(line);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let gap = (self.dropped > 0).then(|| format!("... {} messages left out", self.dropped));
        self.head.iter().cloned().chain(gap).chain(self.tail.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_conversation_loses_its_middle_and_a_long_message_its_end() {
        let mut transcript = Transcript::default();
        for i in 0..1000 {
            transcript.push("->", &i.to_string());
        }
        let lines = transcript.lines();
        assert_eq!((lines.len(), lines[0].as_str(), lines[440].as_str()), (441, "-> 0", "-> 999"));
        assert_eq!(lines[40], "... 560 messages left out");
        transcript.push("<-", &"\u{e9}".repeat(5000));
        let last = transcript.lines().pop().unwrap();
        assert!(last.ends_with("\u{e9} ... (10000 bytes)") && last.len() < 2100);
    }
}
