//! Before the server stops: who is told that it will.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the server is about to stop. Balancers are told by `/readyz`, and whoever keeps a
/// connection by its next answer, which is its last one (RFC 9112 section 9.6); requests are served
/// all the same.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// Whether it is.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Tells everybody.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use actix_web::body::{self, BoxBody};
    use actix_web::dev::ServiceResponse;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, middleware, web};

    use super::Draining;
    use crate::edge::{self, Edge};
    use crate::readiness::Readiness;
    use crate::status::{self, Product};

    async fn get(draining: &Draining, path: &str) -> ServiceResponse<BoxBody> {
        let edge = Edge {
            draining: draining.clone(),
            ..Edge::default()
        };
        let product = Product {
            name: "test",
            version: "1",
        };
        let ready = Readiness::start(|| Ok::<_, Infallible>(())).unwrap();
        let app = App::new()
            .app_data(web::Data::new(edge))
            .app_data(web::Data::new(product))
            .app_data(web::Data::new(ready))
            .wrap(middleware::from_fn(edge::guard))
            .configure(status::routes);
        let app = init_service(app).await;
        call_service(&app, TestRequest::get().uri(path).to_request()).await
    }

    #[actix_web::test]
    async fn who_is_served_while_the_server_drains_is_told_to_come_back_elsewhere() {
        let draining = Draining::default();
        for path in ["/readyz", "/version"] {
            let answer = get(&draining, path).await;
            assert_eq!(answer.status(), 200, "{path}");
            assert!(answer.response().head().keep_alive(), "{path}");
        }
        draining.begin();
        let served = get(&draining, "/version").await;
        assert_eq!(served.status(), 200);
        assert!(!served.response().head().keep_alive());
        let answer = get(&draining, "/readyz").await;
        assert_eq!(answer.status(), 503);
        assert!(!answer.response().head().keep_alive());
        let said = body::to_bytes(answer.into_body()).await.unwrap();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("about to stop"), "{said}");
    }
}
