//! QR codes as paths of SVG.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// A code: dark squares as an SVG path in a square of `size` units, quiet zone included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Qr {
    pub(super) size: usize,
    pub(super) path: String,
}

/// Light modules around a code (ISO/IEC 18004 section 5.3.8).
const QUIET_ZONE: usize = 4;

impl Qr {
    /// The code of a text; None where it is too long for one.
    pub(super) fn new(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, colors) in code.to_colors().chunks(width).enumerate() {
            for (column, _) in colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{} {}h1v1h-1z", column + QUIET_ZONE, row + QUIET_ZONE);
            }
        }
        Some(Self { size: width + 2 * QUIET_ZONE, path })
    }
}
