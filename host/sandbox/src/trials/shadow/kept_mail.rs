//! A mail of which is kept what the live filter read.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mail::Cause;
use mail::decision::mail_filter::MessageBytes;

use crate::limits::SHADOW_MAIL_BYTES;

/// Hands out the live filter's mail, and the same bytes again when the mail itself may be gone.
pub struct KeptMail {
    source: Arc<dyn MessageBytes>,
    size: u64,
    pieces: Mutex<Vec<(u64, Bytes)>>,
}

impl KeptMail {
    /// Nothing is read yet.
    pub fn new(source: Arc<dyn MessageBytes>) -> Self {
        Self { size: source.size(), source, pieces: Mutex::new(Vec::new()) }
    }

    fn kept(&self, offset: u64, max: usize) -> Option<Bytes> {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.iter().find_map(|(start, bytes)| {
            let skip = usize::try_from(offset.checked_sub(*start)?).ok()?;
            let end = skip.saturating_add(max).min(bytes.len());
            (skip < end).then(|| bytes.slice(skip..end))
        })
    }

    fn keep(&self, offset: u64, bytes: &Bytes) {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        if !bytes.is_empty() && kept.saturating_add(bytes.len()) <= SHADOW_MAIL_BYTES {
            pieces.push((offset, bytes.clone()));
        }
    }
}

impl MessageBytes for KeptMail {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, max: usize) -> Result<Bytes, Cause> {
        if let Some(bytes) = self.kept(offset, max) {
            return Ok(bytes);
        }
        let bytes = self.source.read(offset, max)?;
        self.keep(offset, &bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Vanishing(Bytes, AtomicBool);

    impl MessageBytes for Vanishing {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read(&self, offset: u64, max: usize) -> Result<Bytes, Cause> {
            if self.1.load(Ordering::Relaxed) {
                return Err(Cause::new("it is gone"));
            }
            let start = (offset as usize).min(self.0.len());
            Ok(self.0.slice(start..start.saturating_add(max).min(self.0.len())))
        }
    }

    #[test]
    fn what_was_read_stays_readable_and_the_rest_does_not() {
        let source = Arc::new(Vanishing(Bytes::from_static(b"0123456789"), AtomicBool::new(false)));
        let mail = KeptMail::new(Arc::clone(&source) as _);
        assert_eq!(mail.read(2, 4).unwrap(), "2345");
        source.1.store(true, Ordering::Relaxed);
        assert_eq!(mail.read(3, 100).unwrap(), "345");
        assert_eq!(mail.read(2, 2).unwrap(), "23");
        assert!(mail.read(6, 1).is_err());
        assert_eq!(mail.size(), 10);
    }

    #[test]
    fn a_large_mail_is_not_kept_whole() {
        let source = Arc::new(Vanishing(vec![0; 2 * SHADOW_MAIL_BYTES].into(), AtomicBool::new(false)));
        let mail = KeptMail::new(Arc::clone(&source) as _);
        for offset in (0..4).map(|piece| piece * SHADOW_MAIL_BYTES as u64 / 2) {
            mail.read(offset, SHADOW_MAIL_BYTES / 2).unwrap();
        }
        source.1.store(true, Ordering::Relaxed);
        assert!(mail.read(0, 1).is_ok());
        assert!(mail.read(SHADOW_MAIL_BYTES as u64, 1).is_err());
    }
}
