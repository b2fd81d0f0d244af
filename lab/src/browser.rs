//! A real Chromium without a screen, asked and led through `ChromeDriver`'s own protocol: JSON over HTTP.
//!
//! It has a profile of its own; nothing of it outlives the value.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rivals::Foreign;
use crate::{CEILING, http, poll, ports, program};

/// A browser on a busy machine takes its time to start.
const LIMIT: Duration = Duration::from_secs(90);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// See the module.
#[derive(Debug)]
pub struct Browser {
    port: u16,
    session: String,
    // Ends before its folder, which it writes to.
    _driver: Foreign,
    folder: TempDir,
}

impl Browser {
    /// A window without a page. `None`, and a word on it, where no Chromium is installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !program::have("chromium", "chromium") || !program::have("chromedriver", "chromium-driver") {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("hotseat-browser-").tempdir_in("/dev/shm").unwrap();
        let mark = format!("lab-{}-browser{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let port = ports::free();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", folder.path()).env("TMPDIR", folder.path());
        let driver = Foreign::here(&mark, folder.path(), &mut command);
        let mut browser = Self { port, session: String::new(), _driver: driver, folder };
        poll(LIMIT, || browser.ask("GET", "/status", None).ok()).expect("ChromeDriver answers");
        let made = browser.ask("POST", "/session", Some(&browser.wishes())).unwrap();
        made["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        browser.size(1280, 1000);
        Some(browser)
    }

    fn wishes(&self) -> Value {
        let profile = format!("--user-data-dir={}", self.folder.path().join("profile").display());
        let words = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--no-proxy-server",
            &profile,
        ];
        let wishes = json!({"browserName": "chrome", "goog:chromeOptions": {"args": words},
            "goog:loggingPrefs": {"browser": "ALL"}});
        json!({"capabilities": {"alwaysMatch": wishes}})
    }

    /// Opens a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.act("/url", &json!({"url": url}));
    }

    /// Runs a script in the page; what it returns.
    #[allow(clippy::must_use_candidate, reason = "many are run for what they do")]
    pub fn script(&self, script: &str) -> Value {
        self.act("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The text that is to be seen of the first element that is found so; empty if there is none.
    #[must_use]
    pub fn text(&self, css: &str) -> String {
        let css = serde_json::to_string(css).expect("a string");
        let text = self.script(&format!("return document.querySelector({css})?.innerText ?? '';"));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the text of an element says this.
    pub fn wait_for_text(&self, css: &str, what: &str) {
        let says = || self.text(css).contains(what).then_some(());
        poll(CEILING, says).unwrap_or_else(|| panic!("{css} does not say {what:?} but {:?}", self.text("body")));
    }

    /// Waits until an expression of JavaScript is true.
    pub fn wait_for(&self, what: &str, expression: &str) {
        let script = format!("return !!({expression});");
        let holds = || (self.script(&script) == true).then_some(());
        poll(CEILING, holds).unwrap_or_else(|| panic!("waited in vain for {what} in {:?}", self.text("body")));
    }

    /// Clicks on the first element that is found so, as a mouse does: as soon as it is there, visible, and not covered.
    pub fn click(&self, css: &str) {
        let mut why = String::new();
        // Between finding it and clicking on it a section may be drawn anew.
        let clicked = || self.try_click(css).map_err(|error| why = error).ok();
        if poll(CEILING, clicked).is_none() {
            panic!("no click on {css} ({why}) in {:?}", self.text("body"));
        }
    }

    fn try_click(&self, css: &str) -> Result<Value, String> {
        let found = self.try_act("/element", &json!({"using": "css selector", "value": css}))?;
        let id = found.as_object().and_then(|it| it.values().next()).and_then(Value::as_str).expect("an element");
        self.try_act(&format!("/element/{id}/click"), &json!({}))
    }

    /// Presses keys where the focus is. Special keys are code points of `WebDriver`, Tab `\u{e004}`, Enter `\u{e007}`.
    pub fn press(&self, keys: &str) {
        let pressed = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        });
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": pressed.collect::<Vec<_>>()});
        self.act("/actions", &json!({"actions": [keyboard]}));
    }

    /// The size of the window, in points: of a desk, or of a phone.
    pub fn size(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// As a reader who likes it dark, or light.
    pub fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// As a reader without JavaScript, from the next page on. Scripts of the test run all the same.
    pub fn without_javascript(&self, without: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({"value": without}));
    }

    /// What the page has complained about: errors of scripts, what its own rules forbade, what could not be loaded.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.act("/se/log", &json!({"type": "browser"}));
        let lines = log.as_array().into_iter().flatten();
        lines.filter_map(|line| line["message"].as_str().map(ToOwned::to_owned)).collect()
    }

    /// Writes what is to be seen into a file, the whole page.
    pub fn shoot(&self, path: &Path) {
        let shot = self.devtools("Page.captureScreenshot", &json!({"captureBeyondViewport": true}));
        let image = STANDARD.decode(shot["data"].as_str().expect("an image")).unwrap();
        std::fs::write(path, image).unwrap();
    }

    fn devtools(&self, command: &str, params: &Value) -> Value {
        self.act("/goog/cdp/execute", &json!({"cmd": command, "params": params}))
    }

    fn act(&self, path: &str, body: &Value) -> Value {
        self.try_act(path, body).unwrap_or_else(|why| panic!("{path} {body}: {why}"))
    }

    fn try_act(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.ask("POST", &format!("/session/{}{path}", self.session), Some(body))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let (to, length) = (([127, 0, 0, 1], self.port).into(), body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n", self.port);
        let request = format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = http::ask_keeper(to, &request, LIMIT).map_err(|error| error.to_string())?;
        let value: Value = serde_json::from_str(&answer.body).map_err(|error| format!("{error}: {}", answer.body))?;
        if answer.status == 200 { Ok(value["value"].clone()) } else { Err(value["value"].to_string()) }
    }
}
