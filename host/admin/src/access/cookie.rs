//! Cookies (RFC 6265): read from a request, written into an answer.

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie of a session.
pub(crate) const SESSION: &str = "toxmail";

/// The name a cookie has in the browser. Cookies of one host are shared by all its ports, so the port is part of the name:
/// two gateways on one machine do not log each other's users out.
fn name(headers: &HeaderMap, purpose: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port =
        host.rsplit_once(':').map(|(_, port)| port).filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
    format!("{purpose}-{}", port.filter(|port| !port.is_empty()).unwrap_or("80"))
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, purpose: &str) -> Option<String> {
    let name = name(headers, purpose);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

/// The field that sets a cookie until the browser is closed; an empty value removes it. No script reads it, and no page of
/// another site makes the browser send it.
pub(crate) fn set_cookie(headers: &HeaderMap, purpose: &str, value: &str) -> Option<HeaderValue> {
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    // Browsers tell with every form where they are: over TLS the cookie is for TLS alone.
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let secure = if origin.starts_with("https://") { "; Secure" } else { "" };
    let field = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", name(headers, purpose));
    let mut field = HeaderValue::from_str(&field).ok()?;
    field.set_sensitive(true);
    Some(field)
}
