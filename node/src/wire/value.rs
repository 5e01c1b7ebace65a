//! Loose values: JSON to [`actors::Value`] and back.

use actors::Value;
use serde_json::{Number, Value as Json};

/// A JSON value as the actors know it. Whole numbers that do not fit 64 bits with a sign become other numbers.
#[must_use]
pub fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => number.as_f64().map_or(Value::Null, Value::Number),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(list) => Value::List(list.into_iter().map(from_json).collect()),
        Json::Object(map) => Value::Map(map.into_iter().map(|(key, json)| (key, from_json(json))).collect()),
    }
}

/// The JSON for a value.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(whole) => Json::from(*whole),
        Value::Number(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::from(text.as_str()),
        Value::List(list) => Json::Array(list.iter().map(to_json).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.clone(), to_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_come_back_as_they_went() {
        let check = |json: Json| assert_eq!(to_json(&from_json(json.clone())), json);
        check(json!(null));
        check(json!([1, -2.5, 1e300, i64::MIN, i64::MAX, true, "a\u{0}b", {"": {"x": []}}]));
        assert_eq!(from_json(json!(u64::MAX)), Value::Number(u64::MAX as f64));
        assert_eq!(from_json(json!(1.0)), Value::Number(1.0));
        assert_eq!(from_json(json!(7)), Value::Int(7));
    }
}
