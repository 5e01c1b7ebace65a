//! What an operator asks of a node: is it alive, is it ready, what is it doing.

use crate::http::error::Problem;
use crate::http::{Services, openapi, reply};
use crate::metrics;
use crate::wire::playbook::{ClusterAnswer, ResidencyAnswer, StatusAnswer};
use actix_web::{HttpResponse, web};

/// `GET /healthz`: the process answers. Says nothing of its ability to serve customers.
pub async fn healthz() -> HttpResponse {
    reply::json(&StatusAnswer { status: "ok" })
}

/// `GET /readyz`
///
/// # Errors
/// 503 with the reason while customers are not served.
pub async fn readyz(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    services.dispatch.ready()?;
    Ok(reply::json(&StatusAnswer { status: "ready" }))
}

/// `GET /metrics`, in the text format of Prometheus.
pub async fn metrics(services: web::Data<Services>) -> HttpResponse {
    let dispatch = &services.dispatch;
    metrics::observe(dispatch.residency(), dispatch.in_hand(), dispatch.ready().is_ok());
    services.metrics.run_upkeep();
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(services.metrics.render())
}

/// `GET /openapi.json`
pub async fn openapi() -> HttpResponse {
    reply::json(openapi::document())
}

/// `GET /v1/cluster`: the cluster as this node sees it.
pub async fn cluster(services: web::Data<Services>) -> HttpResponse {
    let dispatch = &services.dispatch;
    let (ownership, residency) = (dispatch.ownership(), dispatch.residency());
    let count = ownership.shard_count();
    let epochs = (0..count.get()).filter_map(|shard| ownership.owned(cluster::ShardId(shard)));
    reply::json(&ClusterAnswer {
        node: ownership.node().to_string(),
        version: env!("CARGO_PKG_VERSION"),
        epoch: epochs.max().map_or(0, |epoch| epoch.0),
        shard_count: count.get(),
        owned_shards: ownership.placement().owned_by(ownership.node()),
        residency: ResidencyAnswer {
            customers: residency.customers,
            bytes: residency.bytes,
            calls: residency.calls,
        },
        calls_in_hand: dispatch.in_hand(),
        playbook: dispatch.in_force().map(|active| active.playbook.id.to_string()),
        ready: dispatch.ready().is_ok(),
    })
}
