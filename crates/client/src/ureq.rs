//! The adapter for ureq.

use std::time::Duration;

use ureq::Agent;
use ureq::http;

use crate::transport::{Request, Response, Transport};

/// Sends requests by an agent of ureq.
///
/// An agent of your own must answer statuses as they are, and follow no redirects:
///
/// ```
/// use scim_client::UreqTransport;
///
/// let config = UreqTransport::config().max_idle_connections(4).build();
/// let transport = UreqTransport::new(config.new_agent());
/// # let _ = transport;
/// ```
#[derive(Debug, Clone)]
pub struct UreqTransport {
    agent: Agent,
    largest_answer: u64,
}

impl UreqTransport {
    /// Sends by an agent.
    pub fn new(agent: Agent) -> Self {
        Self {
            agent,
            largest_answer: LARGEST_ANSWER,
        }
    }

    /// What an agent must be told, to be told more. A request takes a minute at most.
    pub fn config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
        Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
    }

    /// With answers of at most these bytes.
    #[must_use]
    pub fn with_largest_answer(mut self, bytes: u64) -> Self {
        self.largest_answer = bytes;
        self
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new(Self::config().build().new_agent())
    }
}

impl Transport for UreqTransport {
    type Error = ureq::Error;

    fn send(&self, request: &Request) -> Result<Response, ureq::Error> {
        let mut built = http::Request::builder()
            .method(request.method.as_str())
            .uri(&request.url);
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        let mut answer = match request.body.is_empty() {
            true => self.agent.run(built.body(())?)?,
            false => self.agent.run(built.body(request.body.as_slice())?)?,
        };
        let headers = answer.headers().iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        let headers = headers.collect();
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(self.largest_answer);
        Ok(Response {
            status,
            headers,
            body: body.read_to_vec()?,
        })
    }
}

const TIMEOUT: Duration = Duration::from_secs(60);
const LARGEST_ANSWER: u64 = 256 * 1024 * 1024;
