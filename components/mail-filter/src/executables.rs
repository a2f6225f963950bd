//! Which files a computer runs when somebody opens them.

/// Endings of files that common systems run when they are opened.
const ENDINGS: [&str; 32] = [
    "apk",
    "appimage",
    "application",
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "deb",
    "desktop",
    "dll",
    "dmg",
    "exe",
    "hta",
    "iso",
    "jar",
    "js",
    "jse",
    "lnk",
    "msc",
    "msi",
    "msp",
    "pif",
    "pkg",
    "ps1",
    "reg",
    "rpm",
    "scr",
    "sh",
    "vbe",
    "vbs",
    "wsf",
];

/// Whether a file of this name is run when opened. Blanks and dots at the end do not hide an ending: some
/// systems drop them.
pub fn is_executable(file_name: &str) -> bool {
    let name = file_name.trim_end_matches(|char: char| char.is_whitespace() || char == '.');
    name.rsplit_once('.').is_some_and(|(_, ending)| {
        let ending = ending.to_ascii_lowercase();
        ENDINGS.contains(&ending.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_ending_counts() {
        assert!(is_executable("holiday.jpg.exe"));
        assert!(!is_executable("setup.exe.txt"));
    }

    #[test]
    fn case_dots_and_blanks_do_not_hide_it() {
        assert!(is_executable("run.BAT"));
        assert!(is_executable("run.bat. . "));
    }

    #[test]
    fn a_name_without_ending_is_no_program() {
        assert!(!is_executable("exe"));
        assert!(!is_executable(""));
    }
}
