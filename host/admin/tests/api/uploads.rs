//! Forms with a file, as a browser without script posts them.

use admin::limits::{COMPONENT_BYTES, FORM_BODY_BYTES, PROFILE_BYTES};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;

use crate::browser::Browser;
use crate::client::{Answer, Api};
use crate::memory::{ANNAS_PASSWORD, BOBS_PASSWORD};

const END: &str = "\r\n--limit--\r\n";

fn field(name: &str, value: &str) -> String {
    format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file(name: &str, content: &str) -> String {
    format!(
        "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n{content}"
    )
}

fn request(browser: &Browser<'_>, path: &str, body: Body) -> Request<Body> {
    let mut request = browser.form(path, &[]);
    let content_type = "multipart/form-data; boundary=limit";
    request.headers_mut().insert("content-type", content_type.parse().unwrap());
    *request.body_mut() = body;
    request
}

async fn post(browser: &mut Browser<'_>, path: &str, form: String) -> Answer {
    let request = request(browser, path, form.into());
    browser.send(request).await
}

/// The same, in pieces and without an announced length.
async fn post_in_pieces(browser: &mut Browser<'_>, path: &str, pieces: Vec<Bytes>) -> Answer {
    let pieces = futures::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let request = request(browser, path, Body::from_stream(pieces));
    browser.send(request).await
}

#[tokio::test]
async fn a_component_is_uploaded_without_script() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let csrf = browser.csrf().await;
    for (name, called) in [("strict", "strict"), ("", "from-the-file")] {
        let form =
            field("csrf", &csrf) + &field("name", name) + &file("From the File.wasm", "\0asm\r\n--x") + END;
        let answer = post(&mut browser, "/components/add", form.clone()).await;
        let page = browser.follow(&answer).await.text();
        assert!(page.contains(&format!("{called} was added. It fits mail-filter")), "{page}");
        let bytes: Vec<Bytes> = form.into_bytes().into_iter().map(|byte| vec![byte].into()).collect();
        let answer = post_in_pieces(&mut browser, "/components/add", bytes).await;
        assert!(browser.follow(&answer).await.text().contains(&format!("{called} was added")));
    }
    assert_eq!(*api.memory.uploads.lock().unwrap(), [9; 4]);
}

#[tokio::test]
async fn a_profile_is_imported_without_script_and_its_password_shown_once() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let csrf = browser.csrf().await;
    let form = field("csrf", &csrf) + &field("name", "") + &field("password", "s\u{e9}same");
    let answer = post(&mut browser, "/accounts/import", form + &file("Dora.tox", "profile") + END).await;
    let page = answer.text();
    assert_eq!(answer.status, StatusCode::OK, "{page}");
    assert!(page.contains("generated!") && page.contains("dora was made, with 2 contacts"), "{page}");
    assert!(!browser.get("/accounts").await.text().contains("generated!"));
    let asked = api.memory.take_asked();
    assert_eq!(asked.first().unwrap(), "imports dora from 7 bytes, with s\u{e9}same");
}

#[tokio::test]
async fn an_upload_that_is_not_right_is_told_what_to_do() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let other = Browser::login(&api, "anna", ANNAS_PASSWORD).await.csrf().await;
    let csrf = field("csrf", &browser.csrf().await);
    let (name, content) = (field("name", "strict"), file("a.wasm", "\0asm"));
    let many = field("note", &"x".repeat(FORM_BODY_BYTES));
    let (forbidden, bad) = (StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST);
    for (form, status, said) in [
        (format!("{name}{content}{END}"), forbidden, "no field csrf before its file"),
        (format!("{}{name}{content}{END}", field("csrf", &other)), forbidden, "out of date"),
        (format!("{content}\r\n{csrf}{name}{END}"), forbidden, "csrf first and the file last"),
        (format!("{csrf}{content}\r\n{name}{END}"), bad, "the file has to be the last field"),
        (format!("{csrf}{name}--limit--\r\n"), bad, "choose one"),
        (format!("{csrf}{name}{}{END}", file("", "")), bad, "choose one"),
        (format!("{csrf}{name}{content}"), bad, "broke off"),
        (format!("{csrf}{name}"), bad, "broke off"),
        (format!("{csrf}{}{content}{END}", field("name", "no name!")), bad, "1 to 64 letters"),
        (format!("{csrf}{}{END}", content.replace("\"file\"", "\"wasm\"")), bad, "in the field file"),
        ("nothing of the kind".to_owned(), bad, "RFC 7578"),
        (format!("{csrf}{many}{content}{END}"), StatusCode::PAYLOAD_TOO_LARGE, "before the file"),
    ] {
        let answer = post(&mut browser, "/components/add", form.clone()).await;
        let page = answer.text();
        assert_eq!(answer.status, status, "{page} for {form:.300}");
        assert!(page.contains(said), "{page} for {form:.300}");
        assert!(page.contains("To the overview"), "{page}");
    }
    let mut elsewhere = request(&browser, "/components/add", format!("{csrf}{name}{content}{END}").into());
    elsewhere.headers_mut().remove("origin");
    assert_eq!(browser.send(elsewhere).await.status, forbidden);
    let mut unlimited = request(&browser, "/components/add", format!("{csrf}{name}{content}{END}").into());
    unlimited.headers_mut().insert("content-type", "multipart/form-data".parse().unwrap());
    assert!(browser.send(unlimited).await.text().contains("boundary"));
    let answer = browser.submit("/components/add", &[("name", "strict")]).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(api.memory.uploads.lock().unwrap().is_empty());
    assert!(api.memory.take_asked().is_empty());
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_by_its_size() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "anna", ANNAS_PASSWORD).await;
    let csrf = field("csrf", &browser.csrf().await);
    for (path, name, largest) in
        [("/components/add", "strict", COMPONENT_BYTES), ("/accounts/import", "dora", PROFILE_BYTES)]
    {
        let begin = csrf.clone() + &field("name", name) + &file("a", "");
        let form = |bytes: usize| [begin.as_bytes(), &vec![b'x'; bytes], END.as_bytes()].concat();
        for (bytes, is_right) in
            [(largest, true), (largest + 1, false), (largest + 200, false), (3 * largest, false)]
        {
            let right = request(&browser, path, form(bytes).into());
            let answer = browser.send(right).await;
            let status = if is_right { None } else { Some(StatusCode::PAYLOAD_TOO_LARGE) };
            assert_eq!(
                Some(answer.status).filter(|status| status.is_client_error()),
                status,
                "{path} {bytes}"
            );
            if !is_right {
                assert!(answer.text().contains("MB, the limit"), "{}", answer.text());
            }
        }
        // One that does not say how long it is is read no further than twice as far.
        let piece = Bytes::from(vec![b'x'; largest / 4]);
        let mut pieces = vec![Bytes::from(begin.clone())];
        pieces.extend(std::iter::repeat_n(piece, 1000));
        let answer = post_in_pieces(&mut browser, path, pieces).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert_eq!(*api.memory.uploads.lock().unwrap(), [COMPONENT_BYTES]);
}

#[tokio::test]
async fn users_upload_nothing() {
    let api = Api::new();
    let mut browser = Browser::login(&api, "bob", BOBS_PASSWORD).await;
    let csrf = field("csrf", &browser.csrf().await);
    for path in ["/components/add", "/accounts/import"] {
        let form = csrf.clone() + &field("name", "x") + &file("x", "x") + END;
        assert_eq!(post(&mut browser, path, form.clone()).await.status, StatusCode::FORBIDDEN, "{path}");
        let mut stranger = Browser::new(&api);
        assert_eq!(post(&mut stranger, path, form).await.headers["location"], "/login");
    }
    assert!(api.memory.take_asked().is_empty() && api.memory.uploads.lock().unwrap().is_empty());
}
