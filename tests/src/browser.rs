//! A real browser: headless Chromium, driven through chromedriver (W3C WebDriver).

mod wire;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait;

/// The environment variable that names the directory in which screenshots are kept.
pub const SCREENSHOTS: &str = "TOXMAIL_SCREENSHOTS";

/// How WebDriver writes a reference to an element (section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// No sandbox: tests also run as root. The rest keeps the browser from talking to anybody but the gateway.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,900",
];

/// The files of npm packages that `tests/setup.sh` fetches.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/browser/node_modules");

/// A browser with one window; it ends when this is dropped.
pub struct Browser {
    process: Child,
    driver: SocketAddr,
    session: String,
    axe: String,
    _profile: TempDir,
}

/// What an accessibility check found.
#[derive(Debug)]
pub struct Finding {
    /// The rule of axe.
    pub rule: String,
    /// `minor`, `moderate`, `serious`, `critical`.
    pub impact: String,
    /// What is wrong, and where.
    pub text: String,
}

impl Browser {
    /// Starts chromedriver and a browser with a new profile.
    ///
    /// # Panics
    /// If `tests/setup.sh tests` has not installed them.
    #[must_use]
    pub fn start() -> Self {
        let axe = Path::new(PACKAGES).join("axe-core/axe.min.js");
        let axe = fs::read_to_string(&axe).unwrap_or_else(|error| {
            panic!("axe-core is not in {}: run tests/setup.sh tests ({error})", axe.display())
        });
        let mut process = Command::new("chromedriver")
            .args(["--port=0", "--log-level=WARNING"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts (Debian: chromium-driver; tests/setup.sh tests installs it)");
        let port = port(&mut process);
        let driver = SocketAddr::from(([127, 0, 0, 1], port));
        let profile = TempDir::new().expect("a temporary directory");
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": flags } } } });
        let session = wire::call(driver, "POST", "/session", Some(&wanted)).expect("a session");
        let session = session["sessionId"].as_str().expect("its id").to_owned();
        Self { process, driver, session, axe, _profile: profile }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        wire::call(self.driver, method, &format!("/session/{}{path}", self.session), body)
    }

    /// Opens an address and waits until the page is loaded.
    pub fn open(&self, address: &str) {
        self.call("POST", "/url", Some(&json!({ "url": address }))).expect("the page opens");
    }

    /// The address of the page.
    #[must_use]
    pub fn address(&self) -> String {
        self.call("GET", "/url", None).expect("an address").as_str().expect("a text").to_owned()
    }

    /// The element a CSS selector names, or an XPath if it begins with `/`. Waits for it.
    fn element(&self, selector: &str) -> Result<String, String> {
        let strategy = if selector.starts_with('/') { "xpath" } else { "css selector" };
        let found = self.call("POST", "/element", Some(&json!({ "using": strategy, "value": selector })))?;
        found[ELEMENT].as_str().map(str::to_owned).ok_or_else(|| format!("no reference in {found}"))
    }

    /// Does something with an element. Tried again where the page is just being changed under it.
    fn act<T>(&self, selector: &str, act: impl Fn(&str) -> Result<T, String>) -> T {
        let mut last = String::new();
        wait::until_or(
            || self.element(selector).and_then(|element| act(&element)).map_err(|error| last = error).ok(),
            || format!("{selector} on {}: {}", self.address(), self.text("body")),
        )
    }

    /// Clicks.
    pub fn click(&self, selector: &str) {
        self.act(selector, |element| {
            self.call("POST", &format!("/element/{element}/click"), Some(&json!({})))
        });
    }

    /// Types into a field, instead of what is there; for a file field, the path.
    pub fn fill(&self, selector: &str, text: &str) {
        self.act(selector, |element| {
            // A file field cannot be cleared, and needs no clearing.
            let _ = self.call("POST", &format!("/element/{element}/clear"), Some(&json!({})));
            self.call("POST", &format!("/element/{element}/value"), Some(&json!({ "text": text })))
        });
    }

    /// The text of an element as a reader sees it.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        let text = self
            .element(selector)
            .and_then(|element| self.call("GET", &format!("/element/{element}/text"), None));
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until an element holds a text. The page is not loaded again: what changes by itself is seen.
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        wait::until_or(
            || self.text(selector).contains(text).then_some(()),
            || format!("{text:?} in {selector} on {}: {}", self.address(), self.text("body")),
        );
    }

    /// Runs a script in the page.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", Some(&json!({ "script": script, "args": [] })))
            .unwrap_or_else(|error| panic!("a script failed on {}: {error}", self.address()))
    }

    /// Shows pages as those do who prefer this colour scheme (`light` or `dark`).
    pub fn prefer(&self, scheme: &str) {
        // Nothing moves, so that colours are not looked at half way.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.call("POST", "/goog/cdp/execute", Some(&command)).expect("a colour scheme");
    }

    /// Keeps a picture of the whole page, if the environment names a directory for it.
    pub fn picture(&self, name: &str) {
        let Some(directory) = std::env::var_os(SCREENSHOTS).map(PathBuf::from) else { return };
        let bytes = self.png().expect("a picture");
        fs::create_dir_all(&directory).expect("the directory for screenshots");
        fs::write(directory.join(format!("{name}.png")), bytes).expect("a file for the screenshot");
    }

    /// Shows pages as on a telephone, in CSS pixels; `None` as on a desk again.
    pub fn telephone(&self, size: Option<(u32, u32)>) {
        let command = match size {
            Some((width, height)) => json!({
                "cmd": "Emulation.setDeviceMetricsOverride",
                "params": { "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true },
            }),
            None => json!({ "cmd": "Emulation.clearDeviceMetricsOverride", "params": {} }),
        };
        self.call("POST", "/goog/cdp/execute", Some(&command)).expect("another screen");
    }

    /// How wide the page is, in CSS pixels: more than the screen where something sticks out.
    #[must_use]
    pub fn page_width(&self) -> u64 {
        self.run("return document.documentElement.scrollWidth").as_u64().expect("a width")
    }

    /// Saves what is downloaded in a directory.
    pub fn download_to(&self, directory: &Path) {
        let command = json!({
            "cmd": "Browser.setDownloadBehavior",
            "params": { "behavior": "allow", "downloadPath": directory },
        });
        self.call("POST", "/goog/cdp/execute", Some(&command)).expect("a place for downloads");
    }

    fn width(&self) -> Option<u64> {
        let script = json!({ "script": "return document.documentElement.clientWidth", "args": [] });
        self.call("POST", "/execute/sync", Some(&script)).ok()?.as_u64()
    }

    fn png(&self) -> Option<Vec<u8>> {
        // What stays in sight while a page is scrolled is where the page begins.
        let top = json!({ "script": "scrollTo(0, 0)", "args": [] });
        self.call("POST", "/execute/sync", Some(&top)).ok()?;
        let script = json!({ "script": "return document.documentElement.scrollHeight", "args": [] });
        let height = self.call("POST", "/execute/sync", Some(&script)).ok()?;
        let width = self.width()?;
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let params = json!({ "captureBeyondViewport": true, "clip": clip });
        let command = json!({ "cmd": "Page.captureScreenshot", "params": params });
        let picture = self.call("POST", "/goog/cdp/execute", Some(&command)).ok()?;
        base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str()?).ok()
    }

    /// Bytes of the page itself, as it came before decompression and without its files.
    #[must_use]
    pub fn page_bytes(&self) -> u64 {
        let size = self.run("return performance.getEntriesByType('navigation')[0].decodedBodySize");
        size.as_u64().expect("a size")
    }

    /// What axe finds wrong with the page, for the rules of WCAG 2.2 A and AA and for best practice.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let _ = self.run(&self.axe);
        let script = "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] })
            .then((result) => done(result.violations), (error) => done(String(error)));";
        let found = self
            .call("POST", "/execute/async", Some(&json!({ "script": script, "args": [] })))
            .expect("axe runs");
        let found = found.as_array().unwrap_or_else(|| panic!("axe failed: {found}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        found
            .iter()
            .map(|finding| Finding {
                rule: text(&finding["id"]),
                impact: text(&finding["impact"]),
                text: format!("{}: {}", text(&finding["help"]), finding["nodes"][0]["html"]),
            })
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(directory) = std::env::var_os(SCREENSHOTS).map(PathBuf::from)
        {
            let _ = self.png().map(|bytes| fs::write(directory.join("failed.png"), bytes));
        }
        // Ending the session ends the browser; chromedriver is ended after it.
        let _ = self.call("DELETE", "", None);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port chromedriver chose: it says so in a line that ends with `on port 12345.`
fn port(process: &mut Child) -> u16 {
    let output = process.stdout.take().expect("its output");
    let mut lines = BufReader::new(output).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok());
    // What it says later is read too, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver names its port")
}
