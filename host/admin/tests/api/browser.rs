//! What a browser does: keeps cookies, follows redirections, sends forms with the fields of the page.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use crate::client::{Answer, Api};

pub const HOST: &str = "127.0.0.1:8080";

/// A browser with its cookies.
pub struct Browser<'a> {
    pub api: &'a Api,
    pub cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    pub fn new(api: &'a Api) -> Self {
        Self { api, cookies: Vec::new() }
    }

    /// A browser that is logged in.
    pub async fn login(api: &'a Api, name: &str, password: &str) -> Self {
        let mut browser = Self::new(api);
        let answer = browser.try_login(name, password).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        browser
    }

    pub async fn try_login(&mut self, name: &str, password: &str) -> Answer {
        let page = self.get("/login").await;
        let form = page.field("form");
        self.post("/login", &[("form", &form), ("name", name), ("password", password)]).await
    }

    pub fn request(&self, method: Method, path: &str) -> Request<Body> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("accept", "text/html")
            .header("cookie", cookies.join("; "))
            .body(Body::empty())
            .unwrap()
    }

    pub async fn send(&mut self, request: Request<Body>) -> Answer {
        let answer = self.api.send(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !cookie.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.form(path, fields);
        self.send(request).await
    }

    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let mut request = self.request(Method::POST, path);
        request.headers_mut().insert("origin", format!("http://{HOST}").parse().unwrap());
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let encoded = fields.iter().map(|(name, value)| format!("{name}={}", admin::percent_encoded(value)));
        *request.body_mut() = Body::from(encoded.collect::<Vec<_>>().join("&"));
        request
    }

    /// Sends a form with the session's CSRF token.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    pub async fn csrf(&mut self) -> String {
        self.get("/outbox").await.field("csrf")
    }

    /// The page a redirection leads to.
    pub async fn follow(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let location = answer.headers["location"].to_str().unwrap().to_owned();
        self.get(&location).await
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> String {
        let text = self.text();
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = text.split_once(&start).unwrap_or_else(|| panic!("no field {name} in {text}"));
        rest.split('"').next().unwrap().to_owned()
    }
}
