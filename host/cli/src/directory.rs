//! The default data directory.

use std::ffi::OsString;
use std::path::PathBuf;

/// `toxmail` in the XDG data directory: `$XDG_DATA_HOME`, or `$HOME/.local/share` (XDG Base Directory Specification, which
/// also says that a relative path counts as none). None without a home.
pub fn default_data_directory() -> Option<PathBuf> {
    choose(std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME"))
}

fn choose(data_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let data_home = data_home.and_then(absolute);
    let base = data_home.or_else(|| home.and_then(absolute).map(|home| home.join(".local/share")))?;
    Some(base.join("toxmail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_home_wins_over_the_home() {
        let choose = |data: &str, home: &str| choose(Some(data.into()), Some(home.into()));
        assert_eq!(choose("/data", "/home/a"), Some("/data/toxmail".into()));
        assert_eq!(choose("relative", "/home/a"), Some("/home/a/.local/share/toxmail".into()));
        assert_eq!(choose("", "/home/a"), Some("/home/a/.local/share/toxmail".into()));
        assert_eq!(choose("", ""), None);
        assert_eq!(super::choose(None, None), None);
    }
}
