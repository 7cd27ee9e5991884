//! What the services know that is measured.

use scim_admin::upkeep::Upkeep;
use scim_admin::{AdminError, AdminStore, Measures, Services};
use scim_http::error::describe_error;
use scim_http::metrics::{
    ALERTS, CONFIGURATIONS, DATABASE_ANSWERS, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_MOST,
    DATABASE_CONNECTIONS_USED, DATABASE_WRITES, HELD, HOUSEKEEPING, LINKS, REFUSED, Reading,
    STREAM_BROKEN, STREAM_LAG, TOKENS_ENDING, TOKENS_LIVE, WRITER_QUEUE,
};

/// What waits, ends and lags behind, as the database knows it. One that does not answer says so.
pub fn of_database(services: &Services) -> Vec<Reading> {
    match measures(services) {
        Ok(measures) => {
            let mut readings = readings(&measures);
            readings.push(Reading::new(DATABASE_ANSWERS, 1.0));
            readings
        }
        Err(error) => {
            let reason = describe_error(&error);
            tracing::warn!(reason, "metrics have nothing of the database");
            vec![Reading::new(DATABASE_ANSWERS, 0.0)]
        }
    }
}

fn measures(services: &Services) -> Result<Measures, AdminError> {
    let head = services.feed.head()?;
    services
        .admin
        .measures(CONFIGURATIONS, head, services.admin.now())
}

fn readings(measures: &Measures) -> Vec<Reading> {
    let mut readings = Vec::new();
    for of in &measures.configurations {
        let counted = [
            (HELD, of.held as f64),
            (LINKS, of.links as f64),
            (TOKENS_LIVE, of.live as f64),
            (TOKENS_ENDING, of.ending as f64),
        ];
        let id = of.id.to_string();
        let counted = counted.map(|(metric, value)| Reading::new(metric, value));
        readings.extend(counted.map(|reading| reading.of("configuration", &*id)));
    }
    for stream in &measures.streams {
        let name = &*stream.name;
        let broken = f64::from(u8::from(stream.broken));
        readings.push(Reading::new(STREAM_LAG, stream.lag as f64).of("stream", name));
        readings.push(Reading::new(STREAM_BROKEN, broken).of("stream", name));
    }
    for (kind, count) in &measures.alerts {
        readings.push(Reading::new(ALERTS, *count as f64).of("kind", kind.as_str()));
    }
    readings
}

/// What the store has under way, without asking the database.
pub fn of_store(store: &dyn AdminStore) -> Vec<Reading> {
    let load = store.load();
    vec![
        Reading::new(DATABASE_CONNECTIONS, f64::from(load.connections)),
        Reading::new(DATABASE_CONNECTIONS_USED, f64::from(load.connections_used)),
        Reading::new(DATABASE_CONNECTIONS_MOST, f64::from(load.connections_most)),
        Reading::new(WRITER_QUEUE, f64::from(load.writes_waiting)),
        Reading::new(DATABASE_WRITES, f64::from(u8::from(load.takes_writes))),
    ]
}

/// When housekeeping was done, and what of the attempts was not carried out.
pub fn of_process(services: &Services, upkeep: &Upkeep) -> Vec<Reading> {
    let done = upkeep.done_until().timestamp();
    let mut readings = vec![Reading::new(HOUSEKEEPING, done as f64)];
    for ((outcome, cause), count) in services.provider.refused() {
        let cause = cause.map_or("none", |cause| cause.as_str());
        let reading = Reading::new(REFUSED, count as f64);
        readings.push(reading.of("outcome", outcome.as_str()).of("cause", cause));
    }
    readings
}
