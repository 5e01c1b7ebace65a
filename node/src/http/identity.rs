//! Who is who: other ids of a customer, two customers made one and parted again, and forgetting one under all ids.

use crate::admission::Priority;
use crate::http::error::Problem;
use crate::http::reply::Origin;
use crate::http::{Services, reply, request};
use crate::wire::customer::ReceiptAnswer;
use crate::wire::identity::{AliasAnswer, AliasBody, MergeAnswer, MergeBody, UnmergeBody};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::Name;
use actors::call::{CustomerId, Reply};
use actors::identity::{Aliased, MergeOutcome};

/// `PUT /v1/customers/{id}/aliases/{alias}`
///
/// # Errors
/// 400 `bad_alias`, those of the request and the call, and a refusal of either entry's.
pub async fn add_alias(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (customer, alias) = (request::customer(&request)?, request::alias(&request)?);
    let body = request::whole(payload, services.options.body_bytes_max).await?;
    let body: AliasBody = if body.is_empty() { AliasBody::default() } else { request::parse(&body)? };
    let line = body.into_line().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let admitted = services.dispatch.admit(Priority::Event)?;
    let added = actors::identity::add_alias(&admitted, &customer, &alias, line).await??;
    Ok(aliased(&added, &alias))
}

/// `DELETE /v1/customers/{id}/aliases/{alias}`
///
/// # Errors
/// As [`add_alias`].
pub async fn remove_alias(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let (customer, alias) = (request::customer(&request)?, request::alias(&request)?);
    let admitted = services.dispatch.admit(Priority::Event)?;
    let removed = actors::identity::remove_alias(&admitted, &customer, &alias).await??;
    Ok(aliased(&removed, &alias))
}

fn aliased(aliased: &Aliased, alias: &CustomerId) -> HttpResponse {
    let answer = AliasAnswer {
        customer: aliased.answer.customer.as_str().to_owned(),
        alias: alias.as_str().to_owned(),
        applied: aliased.applied,
    };
    reply::of_customer(Origin::from(&aliased.answer), &answer)
}

/// `POST /v1/customers/{id}/merge`
///
/// # Errors
/// 400 `bad_request`, those of the request and the call, and a refusal of either customer's.
pub async fn merge(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let body: MergeBody = request::json(payload, &services).await?;
    let (from, merge_id) = body.into_merge().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let admitted = services.dispatch.admit(Priority::Event)?;
    let merged = actors::identity::merge(&admitted, &customer, &from, merge_id.clone()).await??;
    Ok(merge_answer(&merged, merge_id))
}

/// `POST /v1/customers/{id}/unmerge`
///
/// # Errors
/// As [`merge`].
pub async fn unmerge(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let body: UnmergeBody = request::json(payload, &services).await?;
    let merge_id = body.into_merge_id().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let admitted = services.dispatch.admit(Priority::Event)?;
    let parted = actors::identity::unmerge(&admitted, &customer, merge_id.clone()).await??;
    Ok(merge_answer(&parted, merge_id))
}

fn merge_answer(outcome: &MergeOutcome, merge_id: Name) -> HttpResponse {
    let answer = MergeAnswer {
        customer: outcome.answer.customer.as_str().to_owned(),
        from: outcome.from.as_str().to_owned(),
        merge_id,
        applied: outcome.applied,
    };
    reply::of_customer(Origin::from(&outcome.answer), &answer)
}

/// `DELETE /v1/customers/{id}`
///
/// # Errors
/// Those of the call.
pub async fn erase(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let admitted = services.dispatch.admit(Priority::Event)?;
    let answer = actors::identity::erase(&admitted, &customer).await??;
    let origin = Origin::from(&answer);
    match answer.reply {
        Reply::Erased(receipt) => Ok(reply::of_customer(origin, &ReceiptAnswer::from(receipt))),
        _ => Err(reply::out_of_place()),
    }
}
