//! Names in rules: `t.*`, `c.*`, `data.*` and `event.time`, looked up and typed.

use super::{Checker, Type};
use crate::playbook::dictionary::{TagKind, TagNumber};
use crate::playbook::rules::expr::Expr;
use crate::playbook::text::nearest;

/// Fields of `c` that are always text.
const TEXT_FIELDS: [&str; 11] = [
    "purpose",
    "channel",
    "placement",
    "direction",
    "line",
    "provider",
    "owner",
    "offer",
    "family",
    "group",
    "kind",
];

impl Checker<'_> {
    pub(super) fn operand(&mut self, path: &[String]) -> Option<(Expr, Type)> {
        match path {
            [root, id] if root == "t" => {
                let (tag, kind) = self.tag(id)?;
                let found = match kind {
                    TagKind::Int | TagKind::Number => Type::Number,
                    TagKind::Bool => Type::Bool,
                    TagKind::Text => Type::Text,
                    TagKind::Time => Type::Time,
                    TagKind::Enum => Type::Enum(tag),
                };
                Some((Expr::Tag(tag, kind), found))
            }
            [root, rest @ ..] if root == "c" && !rest.is_empty() => {
                let found = match rest {
                    [field] if TEXT_FIELDS.contains(&field.as_str()) => Type::Text,
                    _ => Type::Any,
                };
                Some((Expr::Context(rest.join(".").into()), found))
            }
            [root, field] if root == "event" && field == "time" && self.scope.data.is_some() => {
                Some((Expr::EventTime, Type::Time))
            }
            [root, field] if root == "data" => {
                let found = self.field(field)?;
                Some((Expr::Data(field.as_str().into()), found))
            }
            _ => {
                let what = format!("{} is not known", path.join("."));
                let fix = match self.scope.data {
                    Some(_) => "write t.<tag>, c.<path>, data.<field> or event.time, and text in quotes",
                    None => "write t.<tag> or c.<path>, and text in quotes",
                };
                self.fault(what, fix)
            }
        }
    }

    pub(super) fn presence(&mut self, path: &[String]) -> Option<(Expr, Type)> {
        let asked = match self.operand(path)?.0 {
            Expr::Tag(tag, _) => Expr::HasTag(tag),
            Expr::Context(path) => Expr::HasContext(path),
            Expr::Data(field) => Expr::HasData(field),
            _ => return self.fault(format!("has({}) is always true", path.join(".")), "leave it out"),
        };
        Some((asked, Type::Bool))
    }

    fn tag(&mut self, id: &str) -> Option<(TagNumber, TagKind)> {
        if let Some(found) = self.scope.tags.get(id) {
            return Some(*found);
        }
        let fix = match nearest(id, self.scope.tags.keys().copied()) {
            Some(near) => format!("did you mean t.{near}?"),
            None => "declare it under tags".into(),
        };
        self.fault(format!("unknown tag t.{id}"), fix)
    }

    fn field(&mut self, name: &str) -> Option<Type> {
        let Some(fields) = self.scope.data else {
            return self.fault(format!("data.{name} is read outside an event"), "use a tag");
        };
        match fields.get(name).map(|field| field.kind) {
            Some(TagKind::Int | TagKind::Number) => Some(Type::Number),
            Some(TagKind::Bool) => Some(Type::Bool),
            Some(TagKind::Text | TagKind::Enum) => Some(Type::Text),
            Some(TagKind::Time) => Some(Type::Time),
            None => {
                let fix = match nearest(name, fields.keys().map(|key| &**key)) {
                    Some(near) => format!("did you mean data.{near}?"),
                    None => "declare it under the event's data".into(),
                };
                self.fault(format!("the event has no field data.{name}"), fix)
            }
        }
    }
}
