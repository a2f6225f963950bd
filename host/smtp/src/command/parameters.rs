//! The parameters after a path: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY and ORCPT
//! (RFC 3461 section 4), AUTH (RFC 4954 section 5).

use mail::{Address, Notify, Return, ReversePath};

use crate::backend::{BodyType, MailFrom, Recipient};
use crate::limits::{ENVELOPE_ID_BYTES, ORIGINAL_RECIPIENT_BYTES};
use crate::reply::Reply;

/// Puts a value in its place once.
fn set<T>(place: &mut Option<T>, value: T) -> Result<(), Reply> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Reply::PARAMETER_TWICE),
    }
}

/// `KEYWORD` or `KEYWORD=value`, separated by blanks.
fn split(parameters: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    parameters.split(' ').filter(|parameter| !parameter.is_empty()).map(|parameter| {
        match parameter.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (parameter, None),
        }
    })
}

pub(super) fn mail(reverse_path: ReversePath, parameters: &str) -> Result<MailFrom, Reply> {
    let (mut size, mut body, mut smtputf8) = (None, None, None);
    let (mut ret, mut envelope_id, mut auth) = (None, None, None);
    for (keyword, value) in split(parameters) {
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        match value {
            Some(value) if is("SIZE") => set(&mut size, parse_size(value)?)?,
            Some(value) if is("BODY") => set(&mut body, parse_body(value)?)?,
            None if is("SMTPUTF8") => set(&mut smtputf8, ())?,
            Some(value) if is("RET") => set(&mut ret, parse_return(value)?)?,
            Some(value) if is("ENVID") => set(&mut envelope_id, parse_envelope_id(value)?)?,
            // Who first submitted the mail; only relays could use it (RFC 4954 section 5).
            Some(value) if is("AUTH") => set(&mut auth, decode_xtext(value)?)?,
            _ => return Err(Reply::PARAMETER_UNKNOWN),
        }
    }
    Ok(MailFrom {
        reverse_path,
        size,
        body: body.unwrap_or_default(),
        smtputf8: smtputf8.is_some(),
        ret: ret.unwrap_or_default(),
        envelope_id,
    })
}

pub(super) fn rcpt(address: Address, parameters: &str) -> Result<Recipient, Reply> {
    let (mut notify, mut original_recipient) = (None, None);
    for (keyword, value) in split(parameters) {
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        match value {
            Some(value) if is("NOTIFY") => set(&mut notify, parse_notify(value)?)?,
            Some(value) if is("ORCPT") => set(&mut original_recipient, parse_original_recipient(value)?)?,
            _ => return Err(Reply::PARAMETER_UNKNOWN),
        }
    }
    Ok(Recipient { address, notify: notify.unwrap_or_default(), original_recipient })
}

/// RFC 1870 section 5: 1 to 20 digits. A number beyond `u64` is over every limit.
fn parse_size(value: &str) -> Result<u64, Reply> {
    if !(1..=20).contains(&value.len()) || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reply::PARAMETER_VALUE);
    }
    Ok(value.parse().unwrap_or(u64::MAX))
}

fn parse_body(value: &str) -> Result<BodyType, Reply> {
    match value {
        _ if value.eq_ignore_ascii_case("7BIT") => Ok(BodyType::SevenBit),
        _ if value.eq_ignore_ascii_case("8BITMIME") => Ok(BodyType::EightBitMime),
        _ => Err(Reply::PARAMETER_VALUE),
    }
}

fn parse_return(value: &str) -> Result<Return, Reply> {
    match value {
        _ if value.eq_ignore_ascii_case("FULL") => Ok(Return::Full),
        _ if value.eq_ignore_ascii_case("HDRS") => Ok(Return::Headers),
        _ => Err(Reply::PARAMETER_VALUE),
    }
}

fn parse_envelope_id(value: &str) -> Result<String, Reply> {
    if value.is_empty() || value.len() > ENVELOPE_ID_BYTES {
        return Err(Reply::PARAMETER_VALUE);
    }
    decode_xtext(value)
}

/// NEVER alone, or a list of the others (RFC 3461 section 4.1).
fn parse_notify(value: &str) -> Result<Notify, Reply> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Ok(Notify::NEVER);
    }
    let mut notify = Notify::NEVER;
    for word in value.split(',') {
        match word {
            _ if word.eq_ignore_ascii_case("SUCCESS") => notify.success = true,
            _ if word.eq_ignore_ascii_case("FAILURE") => notify.failure = true,
            _ if word.eq_ignore_ascii_case("DELAY") => notify.delay = true,
            _ => return Err(Reply::PARAMETER_VALUE),
        }
    }
    Ok(notify)
}

/// `type;xtext` (RFC 3461 section 4.2).
fn parse_original_recipient(value: &str) -> Result<String, Reply> {
    let (kind, address) = value.split_once(';').ok_or(Reply::PARAMETER_VALUE)?;
    let kind_is_atom =
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !kind_is_atom || address.is_empty() || value.len() > ORIGINAL_RECIPIENT_BYTES {
        return Err(Reply::PARAMETER_VALUE);
    }
    Ok(format!("{kind};{}", decode_xtext(address)?))
}

/// Decodes xtext (RFC 3461 section 4): `+` and two hex digits stand for a byte. UTF-8 may stand for itself
/// (RFC 6533 section 3). What it decodes to goes into reports, so control characters are refused.
fn decode_xtext(text: &str) -> Result<String, Reply> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                let value = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                decoded.push(value.ok_or(Reply::PARAMETER_VALUE)?);
            }
            b'!'..=b'<' | b'>'..=b'~' | 0x80.. => decoded.push(byte),
            _ => return Err(Reply::PARAMETER_VALUE),
        }
    }
    let decoded = String::from_utf8(decoded).map_err(|_| Reply::PARAMETER_VALUE)?;
    if decoded.chars().any(char::is_control) { Err(Reply::PARAMETER_VALUE) } else { Ok(decoded) }
}
