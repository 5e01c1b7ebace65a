//! The table of routes: one row each, from which routes are registered and the OpenAPI document is written, so that
//! the two cannot differ.

use crate::http::error::Problem;
use crate::http::{
    admin, channel, customers, events, export, identity, imports, playbooks, preflights, results,
};
use crate::wire::consent::{ConsentNote, ConsentsAnswer, ConsentsNoted};
use crate::wire::customer::{CustomerAnswer, ReceiptAnswer, TagsAnswer, TagsPatch};
use crate::wire::decision::{DecisionAnswer, DecisionQuestion};
use crate::wire::event::{CloudEvent, EventsAnswer, ImportAnswer, TagLine};
use crate::wire::explanation::ExplanationAnswer;
use crate::wire::identity::{AliasAnswer, AliasBody, MergeAnswer, MergeBody, UnmergeBody};
use crate::wire::past::{ContactsPage, DecisionsPage, ExportAnswer, OfferQuery, PageQuery};
use crate::wire::playbook::{
    ClusterAnswer, PlaybookAnswer, PlaybookSummary, PlaybookUpload, PlaybooksAnswer, StatusAnswer,
    UploadQuery,
};
use crate::wire::preflight::{PreflightAnswer, PreflightQuestion};
use crate::wire::response::{ClearanceAnswer, ResponseAnswer, ResponseReport};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "HTTP's own words")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As in the request line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Writes the schema of a type.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// One route.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path; `{name}` stands for a segment.
    pub path: &'static str,
    /// Its name in the description.
    pub operation: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Its query parameters.
    pub query: Option<Shape>,
    /// What it takes, by content type.
    pub takes: &'static [(&'static str, Shape)],
    /// What it gives on success.
    pub gives: Option<(&'static str, Shape)>,
    /// Errors of its own, beside those of every route.
    pub errors: &'static [u16],
    handler: fn() -> actix_web::Route,
}

const JSON: &str = "application/json";

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const fn gives<T: JsonSchema>() -> Option<(&'static str, Shape)> {
    Some((JSON, shape::<T>))
}

const PLAIN: Route = Route {
    method: Method::Get,
    path: "",
    operation: "",
    summary: "",
    query: None,
    takes: &[],
    gives: None,
    errors: &[],
    handler: web::get,
};

/// All routes. Of two that fit a path, the first is taken.
pub const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/v1/events",
        operation: "postEvents",
        summary: "Hear events: one, a batch, or a stream of lines. Answered when durable.",
        takes: &[
            ("application/cloudevents+json", shape::<CloudEvent>),
            ("application/cloudevents-batch+json", shape::<Vec<CloudEvent>>),
            ("application/x-ndjson", shape::<CloudEvent>),
            (JSON, shape::<CloudEvent>),
        ],
        gives: gives::<EventsAnswer>(),
        errors: &[400, 413, 415, 429, 503],
        handler: || web::post().to(events::post),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/imports/tags",
        operation: "importTags",
        summary: "Set tags of many customers: a stream of lines. Answered when durable.",
        takes: &[("application/x-ndjson", shape::<TagLine>)],
        gives: gives::<ImportAnswer>(),
        errors: &[400, 429, 503],
        handler: || web::post().to(imports::tags),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/customers/{id}/decisions",
        operation: "decide",
        summary: "The next best action: the number one and up to 12 more, explained.",
        takes: &[(JSON, shape::<DecisionQuestion>)],
        gives: gives::<DecisionAnswer>(),
        errors: &[400, 413, 422, 429, 503],
        handler: || web::post().to(channel::decide),
        ..PLAIN
    },
    Route {
        path: "/v1/customers/{id}/decisions",
        operation: "listDecisions",
        summary: "Decisions taken for a customer, newest first.",
        query: Some(shape::<PageQuery>),
        gives: gives::<DecisionsPage>(),
        errors: &[400, 429, 503],
        handler: || web::get().to(results::decisions),
        ..PLAIN
    },
    Route {
        path: "/v1/customers/{id}/decisions/{decision_id}",
        operation: "explainDecision",
        summary: "A decision, taken again from the log, with what became of every offer, or of one.",
        query: Some(shape::<OfferQuery>),
        gives: gives::<ExplanationAnswer>(),
        errors: &[400, 404, 429, 503],
        handler: || web::get().to(results::explain),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/customers/{id}/responses",
        operation: "postResponse",
        summary: "Hear what became of a contact or an offer.",
        takes: &[(JSON, shape::<ResponseReport>)],
        gives: gives::<ResponseAnswer>(),
        errors: &[400, 413, 422, 429, 503],
        handler: || web::post().to(channel::respond),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/customers/{id}/contacts/{contact_id}/clearance",
        operation: "clearContact",
        summary: "Whether a reserved contact may leave now: consent, refusals, calendar, caps, quiet hours.",
        gives: gives::<ClearanceAnswer>(),
        errors: &[400, 422, 429, 503],
        handler: || web::post().to(channel::clearance),
        ..PLAIN
    },
    Route {
        method: Method::Put,
        path: "/v1/customers/{id}/consents",
        operation: "putConsents",
        summary: "Note consents.",
        takes: &[(JSON, shape::<Vec<ConsentNote>>)],
        gives: gives::<ConsentsNoted>(),
        errors: &[400, 413, 422, 429, 503],
        handler: || web::put().to(customers::put_consents),
        ..PLAIN
    },
    Route {
        path: "/v1/customers/{id}/consents",
        operation: "getConsents",
        summary: "Consents with their history.",
        gives: gives::<ConsentsAnswer>(),
        errors: &[400, 429, 503],
        handler: || web::get().to(customers::consents),
        ..PLAIN
    },
    Route {
        method: Method::Patch,
        path: "/v1/customers/{id}/tags",
        operation: "patchTags",
        summary: "Set and unset tags.",
        takes: &[(JSON, shape::<TagsPatch>)],
        gives: gives::<TagsAnswer>(),
        errors: &[400, 413, 422, 429, 503],
        handler: || web::patch().to(customers::patch_tags),
        ..PLAIN
    },
    Route {
        path: "/v1/customers/{id}/contacts",
        operation: "listContacts",
        summary: "Contacts with a customer, newest first.",
        query: Some(shape::<PageQuery>),
        gives: gives::<ContactsPage>(),
        errors: &[400, 429, 503],
        handler: || web::get().to(results::contacts),
        ..PLAIN
    },
    Route {
        path: "/v1/customers/{id}/export",
        operation: "exportCustomer",
        summary: "Everything known of a customer, in one document.",
        gives: gives::<ExportAnswer>(),
        errors: &[400, 429, 503],
        handler: || web::get().to(export::export),
        ..PLAIN
    },
    Route {
        method: Method::Put,
        path: "/v1/customers/{id}/aliases/{alias}",
        operation: "addAlias",
        summary: "Make an id another id of a customer. Repeated, it does nothing more.",
        takes: &[(JSON, shape::<AliasBody>)],
        gives: gives::<AliasAnswer>(),
        errors: &[400, 413, 422, 429, 503],
        handler: || web::put().to(identity::add_alias),
        ..PLAIN
    },
    Route {
        method: Method::Delete,
        path: "/v1/customers/{id}/aliases/{alias}",
        operation: "removeAlias",
        summary: "End an alias: its id is nobody's afterwards.",
        gives: gives::<AliasAnswer>(),
        errors: &[400, 422, 429, 503],
        handler: || web::delete().to(identity::remove_alias),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/customers/{id}/merge",
        operation: "mergeCustomer",
        summary: "Take another customer in: its id is an id of this one afterwards. One effect for one merge_id.",
        takes: &[(JSON, shape::<MergeBody>)],
        gives: gives::<MergeAnswer>(),
        errors: &[400, 413, 422, 429, 503],
        handler: || web::post().to(identity::merge),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/customers/{id}/unmerge",
        operation: "unmergeCustomer",
        summary: "Undo a merge: both customers go on, and both keep what protects them.",
        takes: &[(JSON, shape::<UnmergeBody>)],
        gives: gives::<MergeAnswer>(),
        errors: &[400, 413, 422, 429, 503],
        handler: || web::post().to(identity::unmerge),
        ..PLAIN
    },
    Route {
        path: "/v1/customers/{id}",
        operation: "showCustomer",
        summary: "The 360-degree view.",
        gives: gives::<CustomerAnswer>(),
        errors: &[400, 429, 503],
        handler: || web::get().to(customers::show),
        ..PLAIN
    },
    Route {
        method: Method::Delete,
        path: "/v1/customers/{id}",
        operation: "eraseCustomer",
        summary: "Forget everything about a customer.",
        gives: gives::<ReceiptAnswer>(),
        errors: &[400, 429, 503],
        handler: || web::delete().to(identity::erase),
        ..PLAIN
    },
    Route {
        path: "/v1/cluster",
        operation: "showCluster",
        summary: "The cluster as this node sees it.",
        gives: gives::<ClusterAnswer>(),
        handler: || web::get().to(admin::cluster),
        ..PLAIN
    },
    Route {
        path: "/v1/playbooks",
        operation: "listPlaybooks",
        summary: "All playbooks ever accepted, and which was in force when.",
        gives: gives::<PlaybooksAnswer>(),
        errors: &[503],
        handler: || web::get().to(playbooks::list),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/playbooks",
        operation: "postPlaybook",
        summary: "Store a valid playbook, and put it in force if asked to.",
        query: Some(shape::<UploadQuery>),
        takes: &[(JSON, shape::<PlaybookUpload>)],
        gives: gives::<PlaybookAnswer>(),
        errors: &[400, 413, 422, 503],
        handler: || web::post().to(playbooks::post),
    },
    Route {
        path: "/v1/playbooks/active",
        operation: "showActivePlaybook",
        summary: "The playbook in force, in short.",
        gives: gives::<PlaybookSummary>(),
        errors: &[404, 503],
        handler: || web::get().to(playbooks::active),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/playbooks/preflight",
        operation: "beginPreflight",
        summary: "Look at a playbook with the stored customers before it is in force; answers at once.",
        takes: &[(JSON, shape::<PreflightQuestion>)],
        gives: gives::<PreflightAnswer>(),
        errors: &[400, 409, 413, 422, 503],
        handler: || web::post().to(preflights::begin),
        ..PLAIN
    },
    Route {
        path: "/v1/playbooks/preflight",
        operation: "showPreflight",
        summary: "How far the preflight is, or what the last one found.",
        gives: gives::<PreflightAnswer>(),
        errors: &[404],
        handler: || web::get().to(preflights::show),
        ..PLAIN
    },
    Route {
        method: Method::Delete,
        path: "/v1/playbooks/preflight",
        operation: "stopPreflight",
        summary: "Stop the preflight at work.",
        gives: gives::<PreflightAnswer>(),
        errors: &[404],
        handler: || web::delete().to(preflights::stop),
        ..PLAIN
    },
    Route {
        path: "/v1/playbooks/schema",
        operation: "showPlaybookSchema",
        summary: "JSON Schema of a playbook's files.",
        gives: Some(("application/schema+json", shape::<serde_json::Value>)),
        handler: || web::get().to(playbooks::schema),
        ..PLAIN
    },
    Route {
        path: "/v1/playbooks/{id}",
        operation: "showPlaybook",
        summary: "A playbook in short.",
        gives: gives::<PlaybookSummary>(),
        errors: &[404, 503],
        handler: || web::get().to(playbooks::show),
        ..PLAIN
    },
    Route {
        method: Method::Post,
        path: "/v1/playbooks/{id}/activate",
        operation: "activatePlaybook",
        summary: "Put a stored playbook in force, from the next turn on.",
        gives: gives::<PlaybookSummary>(),
        errors: &[404, 503],
        handler: || web::post().to(playbooks::activate),
        ..PLAIN
    },
    Route {
        path: "/v1/learning",
        operation: "showLearning",
        summary: "What responses have taught: priors as written, what was counted, priors as decisions use them.",
        query: Some(shape::<crate::wire::learning::LearningQuery>),
        gives: gives::<crate::wire::learning::LearningAnswer>(),
        errors: &[400, 404],
        handler: || web::get().to(crate::http::learning::show),
        ..PLAIN
    },
    Route {
        path: "/healthz",
        operation: "health",
        summary: "The process answers.",
        gives: gives::<StatusAnswer>(),
        handler: || web::get().to(admin::healthz),
        ..PLAIN
    },
    Route {
        path: "/readyz",
        operation: "ready",
        summary: "Customers are served.",
        gives: gives::<StatusAnswer>(),
        errors: &[503],
        handler: || web::get().to(admin::readyz),
        ..PLAIN
    },
    Route {
        path: "/metrics",
        operation: "metrics",
        summary: "Metrics in the text format of Prometheus.",
        gives: Some(("text/plain", shape::<String>)),
        handler: || web::get().to(admin::metrics),
        ..PLAIN
    },
    Route {
        path: "/openapi.json",
        operation: "openapi",
        summary: "This description.",
        gives: gives::<serde_json::Value>(),
        handler: || web::get().to(admin::openapi),
        ..PLAIN
    },
];

/// Registers every route of the table. Another method on a known path is answered 405.
pub fn register(app: &mut web::ServiceConfig) {
    for path in paths() {
        let routes = || ROUTES.iter().filter(|route| route.path == path);
        let resource =
            routes().fold(web::resource(pattern(path)), |resource, route| resource.route((route.handler)()));
        let allowed = routes().map(|route| route.method.word()).collect::<Vec<_>>().join(", ");
        app.service(resource.default_service(web::to(move |request| other_method(request, allowed.clone()))));
    }
}

/// Every path once, in the order of the table.
pub fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES
        .iter()
        .enumerate()
        .filter(|(at, route)| !ROUTES[..*at].iter().any(|other| other.path == route.path))
        .map(|(_, route)| route.path)
}

/// The path of the table behind a registered pattern: the label of its metrics.
#[must_use]
pub fn label(pattern: &str) -> Option<&'static str> {
    static LABELS: LazyLock<HashMap<String, &str>> =
        LazyLock::new(|| paths().map(|path| (self::pattern(path), path)).collect());
    LABELS.get(pattern).copied()
}

/// An id may be empty, so that it is refused as a bad one and not as an unknown route.
fn pattern(path: &str) -> String {
    path.replace("/{id}", "/{id:[^/]*}")
}

async fn other_method(request: HttpRequest, allowed: String) -> HttpResponse {
    let detail = format!("{} is not for {}; {allowed} is", request.method(), request.path());
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
