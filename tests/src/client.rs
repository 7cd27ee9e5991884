//! An HTTPS client that takes any certificate.

use std::sync::Once;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, http};

/// A client with a token.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    /// The base URL of SCIM.
    pub base: String,
    /// The token.
    pub token: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Response {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The `id` of the resource in the body.
    pub fn id(&self) -> String {
        self.json["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {self:?}"))
            .to_owned()
    }

    /// Checks the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks that this is a SCIM error (RFC 7644 section 3.12) of a status and detail keyword.
    #[track_caller]
    pub fn expect_error(&self, status: u16, scim_type: Option<&str>) {
        assert_eq!(self.status, status, "{}", self.text);
        let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:Error"]);
        assert_eq!(self.json["schemas"], schemas, "{}", self.text);
        assert_eq!(self.json["status"], status.to_string(), "{}", self.text);
        assert!(self.json["detail"].is_string(), "{}", self.text);
        assert_eq!(self.json["scimType"].as_str(), scim_type, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/scim+json"));
    }
}

impl Client {
    /// A client of a server.
    pub fn new(base: &str, token: &str) -> Self {
        let agent = agent(TlsConfig::builder().disable_verification(true).build());
        Self {
            agent,
            base: base.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The same client with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// Sends a request. `path` is below the base URL and percent-encoded where it must be.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends a request to a server that may be gone.
    ///
    /// # Errors
    /// What the connection met.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Response, ureq::Error> {
        let url = if path.starts_with("https:") {
            encode(path)
        } else {
            format!("{}{}", self.base, encode(path))
        };
        let mut request = http::Request::builder().method(method).uri(url);
        let named = |name: &str| {
            headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if !self.token.is_empty() && !named("authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if body.is_some() && !named("content-type") {
            request = request.header("content-type", "application/scim+json");
        }
        for (name, value) in headers {
            if !value.is_empty() {
                request = request.header(*name, *value);
            }
        }
        let request = request.body(body.unwrap_or_default().to_vec())?;
        let agent = self.agent.clone();
        let agent = agent
            .configure_request(request)
            .allow_non_standard_methods(true);
        let mut answer = self.agent.run(agent.build())?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        let status = answer.status().as_u16();
        let text = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()?;
        Ok(Response {
            status,
            headers,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    /// GET.
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], None)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, &[], None)
    }

    /// POST.
    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &[], Some(body.to_string().as_bytes()))
    }

    /// PUT.
    pub fn put(&self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, &[], Some(body.to_string().as_bytes()))
    }

    /// PATCH with these operations.
    pub fn patch(&self, path: &str, operations: &Value) -> Response {
        let body = json!({ "schemas": [crate::uri::PATCH], "Operations": operations });
        self.send("PATCH", path, &[], Some(body.to_string().as_bytes()))
    }

    /// Creates a user of this name and answers the id.
    pub fn user(&self, name: &str) -> String {
        let body = json!({ "schemas": [crate::uri::USER], "userName": name });
        self.post("/Users", &body).expect(201).id()
    }

    /// Creates a group of these members and answers the id.
    pub fn group(&self, name: &str, members: &[String]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({
            "schemas": [crate::uri::GROUP], "displayName": name, "members": members
        });
        self.post("/Groups", &body).expect(201).id()
    }

    /// The ids of the resources that a list answers.
    pub fn ids(&self, path: &str) -> Vec<String> {
        let list = self.get(path).expect(200);
        let resources = list.json["Resources"].as_array().unwrap();
        let ids = resources
            .iter()
            .map(|r| r["id"].as_str().unwrap().to_owned());
        ids.collect()
    }
}

/// A client that takes the certificate in this PEM file and no other.
pub fn trusting(pem: &[u8]) -> Agent {
    let certificate = Certificate::from_pem(pem).unwrap();
    let roots = RootCerts::new_with_certs(&[certificate]);
    agent(TlsConfig::builder().root_certs(roots).build())
}

fn agent(tls: TlsConfig) -> Agent {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("no other provider");
    });
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .new_agent()
}

/// Percent-encodes what may not stand in a URL; `%` stays, so that a path may be encoded already.
pub(crate) fn encode(path: &str) -> String {
    let mut out = String::new();
    for character in path.chars() {
        if character.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(character) {
            out.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}
