//! HTTP: the table of routes, what all of them share, and the server's settings.
//!
//! Handlers are thin: a request becomes a command, goes through the dispatch, and the answer becomes JSON. Leaves
//! out TLS and who may ask (a proxy's, in this version).
//!
//! Reading order: the table ([`routes`]), how a request is read and answered ([`request`], [`reply`], [`error`]),
//! what channels ask ([`channel`]), what comes in ([`events`], [`stream`], [`imports`]), a customer's data
//! ([`customers`], [`identity`], [`history`], [`results`], [`export`]), what an operator asks ([`admin`], [`playbooks`],
//! [`preflights`]), and the description of all this
//! ([`openapi`]).

pub mod routes;
pub mod request;
pub mod reply;
pub mod channel;
pub mod events;
pub mod stream;
pub mod imports;
pub mod customers;
pub mod identity;
pub mod history;
pub mod results;
pub mod export;
pub mod learning;
pub mod admin;
pub mod playbooks;
pub mod preflights;
pub mod error;
pub mod openapi;

use crate::dispatch::Dispatch;
use crate::http::error::Problem;
use crate::metrics::{self, Stopwatch};
use crate::options::NodeOptions;
use crate::playbooks::Playbooks;
use crate::preflight::Preflights;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONNECTION, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, web};
use actors::options::Clock;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::Store;

/// Which node answered.
pub const NODE: HeaderName = HeaderName::from_static("x-rapport-node");

/// What handlers work with.
pub struct Services {
    /// How the node is set up.
    pub options: NodeOptions,
    /// Serves customers.
    pub dispatch: Dispatch,
    /// The playbooks of the node.
    pub playbooks: Playbooks,
    /// The preflight of the node.
    pub preflights: Preflights,
    /// The past, only read here.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Clock,
    /// The metrics of the process.
    pub metrics: PrometheusHandle,
    /// Requests whose answer has not been begun.
    pub requests: AtomicUsize,
}

/// Everything this module serves, as actix-web wants it.
pub fn configure(app: &mut web::ServiceConfig) {
    app.app_data(web::QueryConfig::default().error_handler(|error, _| {
        Problem::new(StatusCode::BAD_REQUEST, "bad_query", error.to_string()).into()
    }));
    routes::register(app);
    app.default_service(web::to(no_such_route));
}

async fn no_such_route(request: HttpRequest) -> Problem {
    let detail =
        format!("nothing is at {} {}; /openapi.json lists what is", request.method(), request.path());
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

/// Around every request: counted, measured, and signed with the node's name.
///
/// # Errors
/// None of its own: errors of handlers are answers by now.
pub async fn around(
    services: web::Data<Services>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let watch = Stopwatch::start();
    let counted = Counted::new(Arc::clone(&services));
    let mut response = next.call(request).await?;
    drop(counted);
    let route = response.request().match_pattern().and_then(|pattern| routes::label(&pattern));
    metrics::answered(route.unwrap_or("unmatched"), response.status().as_u16(), watch.elapsed());
    let headers = response.headers_mut();
    if let Ok(node) = HeaderValue::from_str(&services.options.node_id) {
        headers.insert(NODE, node);
    }
    if services.dispatch.stopping() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A request in hand, until dropped.
struct Counted(Arc<Services>);

impl Counted {
    fn new(services: Arc<Services>) -> Self {
        services.requests.fetch_add(1, Ordering::AcqRel);
        Counted(services)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}
