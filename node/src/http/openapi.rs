//! The OpenAPI 3.1 description, written from the table of routes and the types of the wire.

use crate::http::reply::{EPOCH, REPEATED, REVISION, SHARD};
use crate::http::routes::{ROUTES, Route};
use crate::wire::problem::ProblemAnswer;
use actix_web::http::StatusCode;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};
use std::sync::LazyLock;

/// The description of everything a node answers.
#[must_use]
pub fn document() -> &'static Json {
    static DOCUMENT: LazyLock<Json> = LazyLock::new(write);
    &DOCUMENT
}

fn write() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ProblemAnswer>();
    let mut paths = Map::new();
    for route in ROUTES {
        let described = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.word().to_ascii_lowercase()] = described;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Customer state and the next best action. Errors are RFC 9457 problem+json with a code."
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": {
                "Problem": {
                    "description": "What went wrong and what to do",
                    "content": {"application/problem+json": {"schema": problem}}
                }
            }
        }
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Json {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": parameters(route, generator),
        "responses": responses(route, generator),
    });
    if !route.takes.is_empty() {
        let content: Map<String, Json> = route
            .takes
            .iter()
            .map(|(kind, shape)| (kind.to_string(), json!({"schema": shape(generator)})))
            .collect();
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

fn parameters(route: &Route, generator: &mut SchemaGenerator) -> Vec<Json> {
    let in_path = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Json> = in_path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if let Some(query) = route.query {
        parameters.extend(query_parameters(&query(generator), generator));
    }
    parameters
}

/// One parameter for each field of the query's type.
fn query_parameters(schema: &schemars::Schema, generator: &SchemaGenerator) -> Vec<Json> {
    let name = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next());
    let fields = name.and_then(|name| generator.definitions().get(name)?.get("properties")?.as_object());
    let parameter = |(name, schema): (&String, &Json)| json!({"name": name, "in": "query", "schema": schema});
    fields.into_iter().flatten().map(parameter).collect()
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Json {
    let mut success = json!({"description": "Done"});
    if let Some((kind, shape)) = route.gives {
        success["content"] = json!({kind: {"schema": shape(generator)}});
    }
    if route.path.starts_with("/v1/customers/") {
        success["headers"] = [&SHARD, &EPOCH, &REVISION, &REPEATED]
            .into_iter()
            .filter(|name| **name != REPEATED || route.operation == "decide")
            .map(|name| (name.to_string(), json!({"schema": {"type": "string"}})))
            .collect::<Map<_, _>>()
            .into();
    }
    let mut responses = Map::from_iter([("200".to_string(), success)]);
    for status in route.errors {
        let title = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let problem = json!({
            "description": title.unwrap_or("Error"),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
        });
        responses.insert(status.to_string(), problem);
    }
    responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
    Json::Object(responses)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` in the document.
    fn references(json: &Json, found: &mut Vec<String>) {
        match json {
            Json::Object(map) => map.iter().for_each(|(key, value)| match (key.as_str(), value) {
                ("$ref", Json::String(path)) => found.push(path.clone()),
                _ => references(value, found),
            }),
            Json::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_route_is_described_and_every_reference_leads_somewhere() {
        let document = document();
        for route in ROUTES {
            let described = &document["paths"][route.path][route.method.word().to_ascii_lowercase()];
            assert_eq!(described["operationId"], route.operation);
        }
        let mut found = Vec::new();
        references(document, &mut found);
        assert!(found.len() > ROUTES.len());
        for path in found {
            let pointer = path.strip_prefix('#').unwrap_or_else(|| panic!("{path} is outside"));
            assert!(document.pointer(pointer).is_some(), "{path} leads nowhere");
        }
        let mut names: Vec<_> = ROUTES.iter().map(|route| route.operation).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROUTES.len(), "each operation has its own name");
    }

    #[test]
    fn query_parameters_come_from_the_type_that_reads_them() {
        let parameters = &document()["paths"]["/v1/customers/{id}/contacts"]["get"]["parameters"];
        let mut names: Vec<_> =
            parameters.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["cursor", "from", "id", "limit", "to"]);
    }
}
