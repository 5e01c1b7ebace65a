//! `rapport customer alias|merge|unmerge`: which ids are one customer.

use super::path;
use crate::cli::{AliasCommand, Talk};
use crate::client::escaped;
use crate::error::Failure;
use crate::output::{Shape, field, print, print_json};
use serde_json::{Value, json};

/// Adds or removes an alias.
pub fn alias(command: AliasCommand) -> Result<(), Failure> {
    let (answer, shape, done) = match command {
        AliasCommand::Add { id, alias, line, talk } => {
            let (client, shape) = crate::cmd::open(&talk);
            (client.put(&alias_path(&id, &alias)?, &json!({ "line": line }))?, shape, "is")
        }
        AliasCommand::Remove { id, alias, talk } => {
            let (client, shape) = crate::cmd::open(&talk);
            (client.delete(&alias_path(&id, &alias)?)?, shape, "is no longer")
        }
    };
    match shape {
        Shape::Json => print_json(&answer),
        Shape::Text => print(&words(&answer, done)),
    }
    Ok(())
}

/// Takes another customer in.
pub fn merge(id: &str, from: &str, merge_id: &str, talk: &Talk) -> Result<(), Failure> {
    let (client, shape) = crate::cmd::open(talk);
    let answer = client.post(&path(id, "/merge")?, &json!({ "from": from, "merge_id": merge_id }))?;
    match shape {
        Shape::Json => print_json(&answer),
        Shape::Text => print(&merge_words(&answer, "is merged into")),
    }
    Ok(())
}

/// Undoes a merge.
pub fn unmerge(id: &str, merge_id: &str, talk: &Talk) -> Result<(), Failure> {
    let (client, shape) = crate::cmd::open(talk);
    let answer = client.post(&path(id, "/unmerge")?, &json!({ "merge_id": merge_id }))?;
    match shape {
        Shape::Json => print_json(&answer),
        Shape::Text => print(&merge_words(&answer, "is no longer merged into")),
    }
    Ok(())
}

fn merge_words(answer: &Value, done: &str) -> String {
    let before = if answer["applied"] == false { ", as before" } else { "" };
    let [from, customer, merge_id] = ["from", "customer", "merge_id"].map(|key| field(answer, key));
    format!("merge {merge_id}: customer {from} {done} customer {customer}{before}")
}

fn words(answer: &Value, done: &str) -> String {
    let done = if answer["applied"] == false { "was not" } else { done };
    format!("{} {done} an id of customer {}", field(answer, "alias"), field(answer, "customer"))
}

fn alias_path(id: &str, alias: &str) -> Result<String, Failure> {
    path(id, &format!("/aliases/{}", escaped(alias)))
}
