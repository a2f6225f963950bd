//! Attacks on the web API and the dashboard of the real program: large uploads, slow bodies, many listeners. What needs no
//! sockets is tested in the crate `admin` (`tests/api`): tokens, other users' data, CSRF, DNS rebinding, path traversal.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use tests::{Gateway, network, program, wait};

/// Bytes that the process may grow by while it is sent a gigabyte: two components at once are held in memory, and some room.
const GROWTH: u64 = 200_000_000;

fn token(gateway: &Gateway) -> String {
    std::fs::read_to_string(gateway.path("admin-token")).unwrap().trim().to_owned()
}

fn connect(gateway: &Gateway) -> TcpStream {
    let stream = TcpStream::connect(gateway.admin()).unwrap();
    stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
    stream
}

/// The first lines of a request with the token.
fn head(gateway: &Gateway, method: &str, path: &str, fields: &str) -> String {
    let token = token(gateway);
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{fields}\r\n")
}

/// What comes until the server closes, or says nothing more for a while.
fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn an_upload_of_1_gb_is_refused_early_with_bounded_memory() {
    let gateway = Gateway::start(network());
    let before = gateway.peak_resident();
    for (path, content_type) in [
        ("/api/v1/components?name=large", "application/wasm"),
        ("/api/v1/mailbox", "message/rfc822"),
        ("/api/v1/accounts/dora/import", "application/octet-stream"),
        ("/api/v1/contacts", "application/json"),
        ("/login", "application/x-www-form-urlencoded"),
    ] {
        // One that says how long it is is refused before a byte of it is read.
        let mut stream = connect(&gateway);
        let origin = format!("Content-Type: {content_type}\r\nOrigin: http://127.0.0.1\r\n");
        let announced = head(&gateway, "POST", path, &format!("{origin}Content-Length: 1000000000\r\n"));
        stream.write_all(announced.as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 413", "{path}");

        // One that does not is cut off at its bound.
        let mut stream = connect(&gateway);
        stream.set_write_timeout(Some(wait::DEADLINE)).unwrap();
        let endless = head(&gateway, "POST", path, &format!("{origin}Transfer-Encoding: chunked\r\n"));
        stream.write_all(endless.as_bytes()).unwrap();
        let chunk = [b"100000\r\n".as_slice(), &[b'x'; 1 << 20], b"\r\n"].concat();
        let taken = (0..1000).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        assert!(taken < 100, "{path} took {taken} MiB");
    }
    let grown = gateway.peak_resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more");
    assert!(gateway.json(&["status"])["version"].is_string());
}

#[test]
fn slow_bodies_on_api_and_pages_hold_nobody_up() {
    let gateway = Gateway::start(network());
    let mut slow = Vec::new();
    for number in 0..300 {
        let mut stream = connect(&gateway);
        let text = match number % 4 {
            // Half a head.
            0 => "GET / HTTP/1.1\r\nHost: 127.".to_owned(),
            // A form without its end, without login.
            1 => "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n\
                  Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname="
                .to_owned(),
            2 => {
                head(
                    &gateway,
                    "POST",
                    "/api/v1/contacts",
                    "Content-Type: application/json\r\nContent-Length: 100\r\n",
                ) + "{"
            }
            _ => {
                head(
                    &gateway,
                    "POST",
                    "/api/v1/mailbox",
                    "Content-Type: message/rfc822\r\nTransfer-Encoding: chunked\r\n",
                ) + "1\r\nx\r\n"
            }
        };
        stream.write_all(text.as_bytes()).unwrap();
        slow.push(stream);
    }
    // Everybody else is served meanwhile, byte after byte of the slow ones.
    for round in 0..10 {
        for stream in &mut slow {
            let _ = stream.write_all(b" ");
        }
        let took = wait::time(|| {
            let mut stream = connect(&gateway);
            let request = head(&gateway, "GET", "/api/v1/status", "Connection: close\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            assert!(answer(&mut stream).starts_with("HTTP/1.1 200"), "round {round}");
            let mut stream = connect(&gateway);
            stream.write_all(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").unwrap();
            assert!(answer(&mut stream).starts_with("HTTP/1.1 200"), "round {round}");
        });
        assert!(took < Duration::from_secs(5), "round {round}: {took:?}");
    }
    // Heads, forms and JSON get 10 s, whatever trickles in: then they are told, or cut off.
    for (number, stream) in slow.iter_mut().enumerate().filter(|(number, _)| number % 4 != 3) {
        let said = answer(stream);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{number}: {said}");
    }
}

#[test]
fn a_thousand_event_listeners_hear_what_happens() {
    let gateway = Gateway::start(network());
    let before = gateway.resident();
    let mut listeners: Vec<TcpStream> = Vec::new();
    for number in 0..1000 {
        let mut stream = connect(&gateway);
        stream.write_all(head(&gateway, "GET", "/api/v1/events", "").as_bytes()).unwrap();
        read_until(&mut stream, "text/event-stream", number);
        listeners.push(stream);
    }
    // One more is told that there is no room; who does not listen is served.
    let mut stream = connect(&gateway);
    stream.write_all(head(&gateway, "GET", "/api/v1/events", "Connection: close\r\n").as_bytes()).unwrap();
    assert!(answer(&mut stream).starts_with("HTTP/1.1 503"));
    gateway.submit("owner@tox", b"Subject: heard\r\n\r\nby everybody\r\n");
    for (number, stream) in listeners.iter_mut().enumerate() {
        read_until(stream, "submitted", number);
    }
    let grown = gateway.resident().saturating_sub(before);
    assert!(grown < 100_000_000, "{grown} bytes for a thousand listeners");
    // Places are free again when listeners go.
    drop(listeners);
    wait::until("a free place", || {
        let mut stream = connect(&gateway);
        stream.write_all(head(&gateway, "GET", "/api/v1/events", "").as_bytes()).ok()?;
        let mut start = [0; 12];
        stream.read_exact(&mut start).ok()?;
        (&start == b"HTTP/1.1 200").then_some(())
    });
}

fn read_until(stream: &mut TcpStream, wanted: &str, number: usize) {
    let mut text = String::new();
    while !text.contains(wanted) {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).unwrap_or(0);
        assert!(length > 0, "listener {number} heard no {wanted}: {text}");
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
}

/// Autoconfig names a host that a mail program can connect to, also where the gateway listens everywhere.
#[test]
fn mail_programs_are_told_the_name_the_gateway_was_asked_by() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config.toml"), "[tls]\nnames = [\"mail.home.example\"]\n").unwrap();
    let everywhere =
        ["--smtp", "0.0.0.0:0", "--pop3", "0.0.0.0:0", "--admin", "0.0.0.0:0"].map(str::to_owned);
    let options = network().options().into_iter().chain(everywhere).collect();
    let gateway = Gateway::start_from(directory, options);
    let certificate = gateway.path("tls-certificate.pem");
    let place = tempfile::tempdir().unwrap();
    let port = gateway.admin().port();
    let ask = |host: &str, path: &str| {
        let (resolve, url) = (format!("{host}:{port}:127.0.0.1"), format!("https://{host}:{port}{path}"));
        let bearer = format!("Authorization: Bearer {}", token(&gateway));
        let certificate = certificate.to_str().unwrap();
        let arguments = ["-sS", "--cacert", certificate, "--resolve", &resolve, "-H", &bearer, &url];
        program::output(place.path(), "curl", &arguments, b"")
    };
    let autoconfig = "/.well-known/autoconfig/mail/config-v1.1.xml";
    let document = ask("mail.home.example", autoconfig);
    assert_eq!(document.matches("<hostname>mail.home.example</hostname>").count(), 2, "{document}");
    let profile = ask("mail.home.example", "/api/v1/mail-settings/apple");
    assert_eq!(profile.matches("<string>mail.home.example</string>").count(), 2, "{profile}");
    let document = ask("localhost", autoconfig);
    assert_eq!(document.matches("<hostname>localhost</hostname>").count(), 2, "{document}");
}
