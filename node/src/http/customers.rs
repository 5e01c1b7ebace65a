//! A customer's data: shown, corrected, consented to.

use crate::admission::Priority;
use crate::http::error::Problem;
use crate::http::reply::Origin;
use crate::http::{Services, reply, request};
use crate::wire::consent::{ConsentAnswer, ConsentNote, ConsentsAnswer, ConsentsNoted};
use crate::wire::customer::{CustomerAnswer, TagsAnswer, TagsPatch};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::call::{Command, CustomerId, Reply};
use actors::customer::view::CustomerView;

/// Consents in one request at most: all purposes in all channels fit.
const CONSENTS_MAX: usize = 1000;

/// `GET /v1/customers/{id}`
///
/// # Errors
/// Those of the call.
pub async fn show(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let (origin, view) = view(&services, &customer).await?;
    Ok(reply::of_customer(origin, &CustomerAnswer::of(&view, origin.revision())))
}

/// `GET /v1/customers/{id}/consents`
///
/// # Errors
/// Those of the call.
pub async fn consents(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let (origin, view) = view(&services, &customer).await?;
    let answer = ConsentsAnswer {
        consents: view.consents.iter().map(ConsentAnswer::of).collect(),
        history: view.consent_history.iter().map(ConsentAnswer::of).collect(),
    };
    Ok(reply::of_customer(origin, &answer))
}

/// Everything known of a customer. Asking first makes every answer about the past follow the customer's last turn.
///
/// # Errors
/// Those of the call.
pub async fn view(
    services: &Services,
    customer: &CustomerId,
) -> Result<(Origin, Box<CustomerView>), Problem> {
    let answer = services.dispatch.call(customer, Command::View, Priority::Care).await?;
    let origin = Origin::from(&answer);
    match answer.reply {
        Reply::View(view) => Ok((origin, view)),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(reply::out_of_place()),
    }
}

/// `PUT /v1/customers/{id}/consents`
///
/// # Errors
/// 400 `bad_consents`, those of the request and the call, and a refusal of the customer's.
pub async fn put_consents(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let notes: Vec<ConsentNote> = request::json(payload, &services).await?;
    if notes.is_empty() || notes.len() > CONSENTS_MAX {
        return Err(Problem::bad("bad_consents", format!("expected 1 to {CONSENTS_MAX} consents")));
    }
    let now = (services.clock)();
    let records: Result<Vec<_>, String> = notes.into_iter().map(|note| note.into_record(now)).collect();
    let records = records.map_err(|detail| Problem::bad("bad_consents", detail))?;
    let answer = services.dispatch.call(&customer, Command::PutConsents(records), Priority::Event).await?;
    let origin = Origin::from(&answer);
    match answer.reply {
        Reply::Consents { noted } => Ok(reply::of_customer(origin, &ConsentsNoted { noted })),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(reply::out_of_place()),
    }
}

/// `PATCH /v1/customers/{id}/tags`
///
/// # Errors
/// Those of the request and the call, and a refusal of the customer's.
pub async fn patch_tags(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let patch: TagsPatch = request::json(payload, &services).await?;
    let patch = patch.into_patch().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let answer = services.dispatch.call(&customer, Command::PatchTags(patch), Priority::Event).await?;
    let origin = Origin::from(&answer);
    match answer.reply {
        Reply::Tags(outcome) => Ok(reply::of_customer(origin, &TagsAnswer::from(outcome))),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(reply::out_of_place()),
    }
}
