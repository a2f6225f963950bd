//! HTTP and JSON to chromedriver: one request a connection, which is all WebDriver needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::wait;

/// Sends a command (W3C WebDriver, section 6.4) and returns its `value`.
///
/// # Errors
/// The error's name and message, as section 6.6 of the specification writes them.
pub fn call(driver: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {driver}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(driver).expect("chromedriver answers");
    stream.set_read_timeout(Some(wait::DEADLINE)).expect("a time limit");
    stream.write_all(request.as_bytes()).expect("chromedriver takes bytes");
    let (status, body) = read(BufReader::new(stream));
    let answer: Value = serde_json::from_slice(&body).expect("an answer in JSON");
    if status.contains(" 200 ") {
        return Ok(answer["value"].clone());
    }
    let field = |name: &str| answer["value"][name].as_str().unwrap_or_default().to_owned();
    Err(format!("{}: {}", field("error"), field("message")))
}

/// The status line and the body of an answer, whose length its headers say.
fn read(mut answer: BufReader<TcpStream>) -> (String, Vec<u8>) {
    let mut line = || {
        let mut line = String::new();
        answer.read_line(&mut line).expect("a line of an answer");
        line.trim_end().to_ascii_lowercase()
    };
    let status = line();
    let headers: Vec<String> =
        std::iter::repeat_with(&mut line).take_while(|line| !line.is_empty()).collect();
    let length = headers.iter().find_map(|header| header.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok()).expect("the length of an answer");
    let mut body = vec![0; length];
    answer.read_exact(&mut body).expect("a whole answer");
    (status, body)
}
