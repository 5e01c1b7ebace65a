//! What channels ask for: the next best action, and to hear what became of it.

use crate::admission::Priority;
use crate::http::customers::view;
use crate::http::error::Problem;
use crate::http::history::History;
use crate::http::{Services, reply, request};
use crate::wire::decision::{DecisionAnswer, DecisionQuestion};
use crate::wire::response::{ClearanceAnswer, ResponseAnswer, ResponseReport};
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, web};
use actors::call::{Command, CustomerId, Reply};
use actors::decision::log::LoggedDecision;

/// The channel whose questions come before all others: somebody talks to the customer.
const CARE_CHANNEL: &str = "desk";

/// `POST /v1/customers/{id}/decisions`
///
/// # Errors
/// Those of the request, the call, and a refusal of the customer's.
pub async fn decide(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let question: DecisionQuestion = request::json(payload, &services).await?;
    let question = question.into_request().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let priority = if &*question.channel == CARE_CHANNEL { Priority::Care } else { Priority::Decision };
    let answer = services.dispatch.call(&customer, Command::Decide(Box::new(question)), priority).await?;
    let origin = (&answer).into();
    let customer = answer.customer;
    match answer.reply {
        Reply::Decision(decision) => {
            Ok(reply::of_customer(origin, &DecisionAnswer::of(&customer, &decision)))
        }
        Reply::DecidedBefore { decision_id } => {
            let (_, view) = view(&services, &customer).await?;
            let (_, logged) = logged(&services, &History::of(&view), &decision_id).await?;
            let mut response = reply::of_customer(origin, &DecisionAnswer::of(&customer, &logged.decision));
            response.headers_mut().insert(reply::REPEATED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(reply::out_of_place()),
    }
}

/// A decision from the log, and the id it was taken for.
///
/// # Errors
/// 404 `unknown_decision`, and those of the store.
pub async fn logged(
    services: &Services,
    history: &History,
    decision_id: &str,
) -> Result<(CustomerId, LoggedDecision), Problem> {
    let found = history.decision(&*services.store, decision_id).await?;
    let (customer, row) =
        found.ok_or_else(|| Problem::missing("unknown_decision", "the customer has no such decision"))?;
    Ok((customer, LoggedDecision::decode(&row.body)?))
}

/// `POST /v1/customers/{id}/responses`
///
/// # Errors
/// Those of the request, the call, and a refusal of the customer's.
pub async fn respond(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let report: ResponseReport = request::json(payload, &services).await?;
    let response = report.into_response().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let answer = services.dispatch.call(&customer, Command::Respond(response), Priority::Event).await?;
    let origin = (&answer).into();
    match answer.reply {
        Reply::Response(outcome) => Ok(reply::of_customer(origin, &ResponseAnswer::from(outcome))),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(reply::out_of_place()),
    }
}

/// `POST /v1/customers/{id}/contacts/{contact_id}/clearance`
///
/// # Errors
/// Those of the call, and a refusal of the customer's: `unknown_contact`.
pub async fn clearance(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let contact_id = request.match_info().query("contact_id").to_owned();
    let command = Command::Clearance(contact_id.clone());
    let answer = services.dispatch.call(&customer, command, Priority::Event).await?;
    let origin = (&answer).into();
    match answer.reply {
        Reply::Clearance(objections) => {
            Ok(reply::of_customer(origin, &ClearanceAnswer::of(contact_id, &objections)))
        }
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(reply::out_of_place()),
    }
}
