//! QR codes on a terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The code of a text, two modules a character, dark on light where the terminal writes light on dark. None where the text is too
/// long for one.
pub fn on_terminal(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    // The other way round: what is drawn is light on most terminals.
    let drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Some(drawn + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tox_link_fits_a_small_terminal() {
        let text = on_terminal(&format!("tox:{}", "A".repeat(76))).unwrap();
        assert!(text.lines().count() <= 24, "{}", text.lines().count());
        let width = text.lines().next().unwrap().chars().count();
        assert!(width <= 80 && text.lines().all(|line| line.chars().count() == width));
        assert!(on_terminal(&"x".repeat(5000)).is_none());
    }
}
