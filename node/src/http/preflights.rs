//! Preflights over HTTP: begun, looked at, stopped.

use crate::http::error::Problem;
use crate::http::{Services, reply, request};
use crate::wire::preflight::{PreflightAnswer, PreflightQuestion};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use actors::playbook::active::Active;
use std::sync::Arc;

/// `POST /v1/playbooks/preflight`: begins one and answers at once.
///
/// # Errors
/// 409 `preflight_running`, 422 `invalid_playbook` with every mistake, those of the request and the store.
pub async fn begin(services: web::Data<Services>, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let body = request::whole(payload, services.options.playbook_bytes_max).await?;
    let question: PreflightQuestion = request::parse(&body)?;
    let pace = question.pace();
    let files = question.files.into_iter().map(|file| (file.name, file.text)).collect();
    let accepted = services.playbooks.check(files).await?;
    let now = (services.clock)();
    let learning_since = services.dispatch.in_force().map_or(now, |active| active.learning_since);
    let active = Active::new(accepted.playbook, learning_since);
    let (store, clock) = (Arc::clone(&services.store), Arc::clone(&services.clock));
    let Some(run) = services.preflights.begin(active, pace, store, clock) else {
        let detail = "a preflight is at work on this node; wait for its end, or stop it with DELETE";
        return Err(Problem::new(StatusCode::CONFLICT, "preflight_running", detail));
    };
    Ok(reply::json(&PreflightAnswer::of(&run)))
}

/// `GET /v1/playbooks/preflight`: the one at work, or the last one.
///
/// # Errors
/// 404 `no_preflight`.
pub async fn show(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let run = services.preflights.last().ok_or_else(none)?;
    Ok(reply::json(&PreflightAnswer::of(&run)))
}

/// `DELETE /v1/playbooks/preflight`: asks it to stop.
///
/// # Errors
/// 404 `no_preflight`.
pub async fn stop(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let run = services.preflights.last().ok_or_else(none)?;
    run.stop();
    Ok(reply::json(&PreflightAnswer::of(&run)))
}

fn none() -> Problem {
    Problem::missing(
        "no_preflight",
        "no preflight was begun on this node; post one to /v1/playbooks/preflight",
    )
}
