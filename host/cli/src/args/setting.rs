//! What `slot settings` changes.

use std::str::FromStr;

/// `NAME=VALUE`: a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// `NAME=NUMBER`: a limit; `NAME=default` restores the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitChange {
    /// Its name.
    pub name: String,
    /// Its value; None for the default.
    pub value: Option<u64>,
}

/// The text of a setting or a limit is not one; the text says how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write it as {0}")]
pub struct Malformed(&'static str);

impl FromStr for Setting {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (name, value) = text.split_once('=').ok_or(Malformed("NAME=VALUE"))?;
        Ok(Self { name: name.trim().to_owned(), value: value.to_owned() })
    }
}

impl FromStr for LimitChange {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("NAME=NUMBER, or NAME=default");
        let (name, value) = text.split_once('=').ok_or(WRONG)?;
        let value = if value == "default" { None } else { Some(value.parse().map_err(|_| WRONG)?) };
        Ok(Self { name: name.trim().to_owned(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_told_apart() {
        let setting: Setting = "a=b=c".parse().unwrap();
        assert_eq!((setting.name.as_str(), setting.value.as_str()), ("a", "b=c"));
        assert!("a".parse::<Setting>().is_err());
        assert_eq!("call-ms=5".parse::<LimitChange>().unwrap().value, Some(5));
        assert_eq!("call-ms=default".parse::<LimitChange>().unwrap().value, None);
        assert!("call-ms=-1".parse::<LimitChange>().is_err());
        assert!("call-ms".parse::<LimitChange>().is_err());
    }
}
