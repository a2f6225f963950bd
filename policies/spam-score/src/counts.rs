//! How often words stood in spam and in other mail.

use std::collections::BTreeSet;

/// Words are hashed into this many counters: 16 KB of state.
pub const BUCKETS: usize = 4096;

/// Words that decide: the most telling ones. More of them would make every score 0 or 1.
const TELLING: usize = 15;

/// Two kinds of mail: spam first.
pub struct Counts {
    mails: [u16; 2],
    words: Vec<[u16; 2]>,
}

impl Counts {
    /// Reads what [`Counts::to_bytes`] wrote; nothing learned if it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut numbers = bytes.chunks_exact(4).map(|pair| {
            [u16::from_le_bytes([pair[0], pair[1]]), u16::from_le_bytes([pair[2], pair[3]])]
        });
        let mails = numbers.next().unwrap_or_default();
        let mut words: Vec<[u16; 2]> = numbers.collect();
        let mails = if words.len() == BUCKETS { mails } else { [0; 2] };
        words.resize(BUCKETS, [0; 2]);
        Self { mails, words }
    }

    /// The counts as one value.
    pub fn to_bytes(&self) -> Vec<u8> {
        let all = std::iter::once(&self.mails).chain(&self.words);
        all.flatten().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Mails of the kind of which there were fewer.
    pub fn fewest(&self) -> u16 {
        self.mails[0].min(self.mails[1])
    }

    /// Learns from a mail. When a counter is full all are halved: the past fades.
    pub fn add(&mut self, words: &BTreeSet<usize>, is_spam: bool) {
        let kind = usize::from(!is_spam);
        if self.mails[kind] == u16::MAX {
            for counter in std::iter::once(&mut self.mails).chain(&mut self.words).flatten() {
                *counter /= 2;
            }
        }
        self.mails[kind] += 1;
        for word in words {
            self.words[*word][kind] += 1;
        }
    }

    /// How likely it is spam: 0 to 1.
    pub fn score(&self, words: &BTreeSet<usize>) -> f64 {
        let share = |word: usize, kind: usize| {
            (f64::from(self.words[word][kind]) + 0.5) / (f64::from(self.mails[kind]) + 1.0)
        };
        let mut odds: Vec<f64> = words.iter().map(|word| (share(*word, 0) / share(*word, 1)).ln()).collect();
        odds.sort_by(|one, other| other.abs().total_cmp(&one.abs()));
        let sum: f64 = odds.iter().take(TELLING).sum();
        1.0 / (1.0 + (-sum).exp())
    }
}
