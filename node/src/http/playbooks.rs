//! Playbooks over HTTP: stored, put in force, listed, shown.

use crate::http::error::Problem;
use crate::http::{Services, reply, request};
use crate::playbooks::{Accepted, Files, PlaybookError};
use crate::wire::playbook::{
    ActivationEntry, MistakeAnswer, PlaybookAnswer, PlaybookEntry, PlaybookFile, PlaybookSummary,
    PlaybookUpload, PlaybooksAnswer, UploadQuery,
};
use crate::wire::time::Time;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use actors::Timestamp;
use serde_json::Value as Json;
use tracing::info;

/// `POST /v1/playbooks`
///
/// # Errors
/// 422 `invalid_playbook` with every mistake, 422 `scheduled_activation_unsupported`, those of the request and the
/// store. Nothing was changed, except that a store that failed midway may hold the playbook without it being in
/// force.
pub async fn post(
    services: web::Data<Services>,
    query: web::Query<UploadQuery>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body = request::whole(payload, services.options.playbook_bytes_max).await?;
    let upload = upload(&body, *query)?;
    if upload.at.is_some_and(|at| at.0 > (services.clock)()) {
        let detail =
            "a playbook can't be put in force at a later time in this version; store it and activate it then";
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "scheduled_activation_unsupported",
            detail,
        ));
    }
    let files: Files = upload.files.into_iter().map(|file| (file.name, file.text)).collect();
    if query.dry_run {
        let accepted = services.playbooks.check(files).await?;
        return Ok(reply::json(&answer(&accepted, false, false)));
    }
    let accepted = services.playbooks.accept(files).await?;
    info!(playbook = %accepted.playbook.id, "stored a playbook");
    if upload.activate {
        put_in_force(&services, &accepted.playbook.id).await?;
    }
    Ok(reply::json(&answer(&accepted, true, upload.activate)))
}

/// `POST /v1/playbooks/{id}/activate`
///
/// # Errors
/// 404 `unknown_playbook`, those of the store.
pub async fn activate(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let id = request.match_info().query("id").to_string();
    put_in_force(&services, &id).await?;
    summary(&services, &id).await
}

/// Noted in the store first, then in force on this node. A task of its own: a caller that hangs up midway must not
/// leave the two apart.
async fn put_in_force(services: &web::Data<Services>, id: &str) -> Result<(), Problem> {
    let (services, id) = (services.clone(), id.to_string());
    let change = rt::spawn(async move {
        services.playbooks.activate(&id, |active| services.dispatch.put_in_force(active)).await?;
        info!(playbook = id, "put a playbook in force");
        Ok::<(), PlaybookError>(())
    });
    Ok(change.await.map_err(|error| Problem::ours("internal", error.to_string()))??)
}

/// `GET /v1/playbooks`
///
/// # Errors
/// Those of the store.
pub async fn list(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let activations = services.store.activations().await?;
    let active = activations.last().map(|last| last.playbook_id.clone());
    let entry = |(id, stored_at_ms): (String, i64)| PlaybookEntry {
        active: active.as_ref() == Some(&id),
        id,
        stored_at: Time(Timestamp::from_ms(stored_at_ms)),
    };
    let playbooks = services.store.playbooks().await?.into_iter().map(entry).collect();
    let activations = activations
        .into_iter()
        .map(|activation| ActivationEntry {
            id: activation.playbook_id,
            at: Time(Timestamp::from_ms(activation.at_ms)),
        })
        .collect();
    Ok(reply::json(&PlaybooksAnswer { active, playbooks, activations }))
}

/// `GET /v1/playbooks/active`
///
/// # Errors
/// 404 `no_playbook` before the first.
pub async fn active(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let Some(active) = services.dispatch.in_force() else {
        return Err(Problem::missing("no_playbook", "no playbook is in force; post one to /v1/playbooks"));
    };
    summary(&services, &active.playbook.id).await
}

/// `GET /v1/playbooks/schema`: JSON Schema of a playbook's files.
pub async fn schema() -> HttpResponse {
    HttpResponse::Ok().content_type("application/schema+json").body(crate::wire::schema::PLAYBOOK)
}

/// `GET /v1/playbooks/{id}`
///
/// # Errors
/// 404 `unknown_playbook`, those of the store.
pub async fn show(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    summary(&services, request.match_info().query("id")).await
}

async fn summary(services: &Services, id: &str) -> Result<HttpResponse, Problem> {
    let playbook = services.playbooks.by_id(id).await?;
    let in_force = services.dispatch.in_force().is_some_and(|active| active.playbook.id == playbook.id);
    Ok(reply::json(&PlaybookSummary::of(&playbook, in_force)))
}

fn answer(accepted: &Accepted, stored: bool, active: bool) -> PlaybookAnswer {
    PlaybookAnswer {
        id: accepted.playbook.id.to_string(),
        stored,
        active,
        offers: accepted.playbook.offers.len(),
        tags: accepted.playbook.tags.len(),
        warnings: accepted.warnings.iter().map(MistakeAnswer::of).collect(),
    }
}

/// An upload with its files, or a bare playbook as one JSON object.
fn upload(body: &[u8], query: UploadQuery) -> Result<PlaybookUpload, Problem> {
    let json: Json = request::parse(body)?;
    let Some(fields) = json.as_object() else {
        return Err(Problem::bad(
            "bad_request",
            "expected an object with files, or a playbook as one object",
        ));
    };
    if fields.contains_key("files") {
        let upload: PlaybookUpload =
            serde_json::from_value(json).map_err(|error| Problem::bad("bad_request", error.to_string()))?;
        return Ok(PlaybookUpload { activate: upload.activate || query.activate, ..upload });
    }
    let text = String::from_utf8_lossy(body).into_owned();
    let file = PlaybookFile { name: "playbook.json".into(), text };
    Ok(PlaybookUpload { files: vec![file], activate: query.activate, at: None })
}
