//! Requests, their answers, and how long they took.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::TlsConfig;

/// What went wrong before anything could be measured.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A request that is written already, so that sending it many times costs the sender little.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    body: Vec<u8>,
}

impl Call {
    /// A read.
    pub(crate) fn get(path: String) -> Self {
        Self {
            method: "GET",
            path,
            body: Vec::new(),
        }
    }

    /// A create, search or bulk request.
    pub(crate) fn post(path: String, body: &Value) -> Self {
        Self {
            method: "POST",
            path,
            body: body.to_string().into_bytes(),
        }
    }

    /// A replace.
    pub(crate) fn put(path: String, body: &Value) -> Self {
        Self {
            method: "PUT",
            ..Self::post(path, body)
        }
    }

    /// A modify with these operations.
    pub(crate) fn patch(path: String, operations: &Value) -> Self {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        Self {
            method: "PATCH",
            ..Self::post(path, &body)
        }
    }
}

/// How one request ended: its status, 0 when no answer came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed {
    pub(crate) status: u16,
    pub(crate) took: Duration,
}

/// One identity provider.
pub(crate) struct Client {
    agent: Agent,
    base: String,
    authorization: String,
}

impl Client {
    pub(crate) fn new(base: &str, token: &str, insecure: bool) -> Self {
        let tls = TlsConfig::builder().disable_verification(insecure).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .max_idle_connections(256)
            .max_idle_connections_per_host(256)
            .proxy(None)
            .tls_config(tls)
            .build();
        Self {
            agent: config.new_agent(),
            base: base.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {token}"),
        }
    }

    /// Creates a resource and answers its id.
    pub(crate) fn create(&self, path: &str, body: Value) -> Result<String, Failed> {
        let answer = self.must(&Call::post(path.to_owned(), &body))?;
        let id = answer.get("id").and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| format!("POST {path}: {answer}").into())
    }

    /// Sends a request whose answer must be a success; waits when it is asked to.
    pub(crate) fn must(&self, call: &Call) -> Result<Value, Failed> {
        for _ in 0..PATIENCE {
            let (status, body) = self.send(call)?;
            match status {
                200..300 => return Ok(serde_json::from_slice(&body).unwrap_or(Value::Null)),
                429 | 503 => std::thread::sleep(Duration::from_secs(1)),
                _ => {
                    let said = String::from_utf8_lossy(&body);
                    return Err(format!("{} {}: {status} {said}", call.method, call.path).into());
                }
            }
        }
        Err(format!("{} {}: still asked to wait", call.method, call.path).into())
    }

    /// Sends a request and measures it from now to the last byte of its answer.
    pub(crate) fn timed(&self, call: &Call) -> Timed {
        self.timed_since(Instant::now(), call)
    }

    /// Sends a request and measures it from when it was due.
    pub(crate) fn timed_since(&self, due: Instant, call: &Call) -> Timed {
        let status = self.send(call).map_or(0, |(status, _)| status);
        Timed {
            status,
            took: due.elapsed(),
        }
    }

    fn send(&self, call: &Call) -> Result<(u16, Vec<u8>), Failed> {
        let request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.base, call.path))
            .header("Authorization", &self.authorization)
            .header("Content-Type", "application/scim+json")
            .body(call.body.as_slice())?;
        let mut response = self.agent.run(request)?;
        let status = response.status().as_u16();
        let mut body = response.body_mut().with_config().limit(256 << 20).reader();
        let mut read = Vec::new();
        std::io::copy(&mut body, &mut read)?;
        Ok((status, read))
    }
}

/// A name that no other run has given.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}@corp.example", uuid::Uuid::new_v4().simple())
}

/// How often a request of the preparation is sent again.
const PATIENCE: u32 = 60;
