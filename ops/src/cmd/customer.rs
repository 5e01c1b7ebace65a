//! `rapport customer`: one customer, as the node that owns it sees it.

mod show;
mod decide;
mod history;
mod identity;
pub mod words;

pub use decide::fate_of;

use crate::cli::{CustomerCommand, DecideArgs, Direction, Talk};
use crate::client::{Client, customer_path};
use crate::error::Failure;
use crate::output::{Shape, field, print, print_json};
use actors::call::CustomerId;
use serde_json::{Map, Value, json};

/// Runs one verb.
pub fn run(command: CustomerCommand) -> Result<(), Failure> {
    match command {
        CustomerCommand::Show { id, talk } => show(&id, &talk),
        CustomerCommand::Decide(args) => decide(&args),
        CustomerCommand::Events { id, limit, talk } => history(&id, limit, &talk),
        CustomerCommand::Export { id, talk } => export(&id, &talk),
        CustomerCommand::Alias(command) => identity::alias(command),
        CustomerCommand::Merge { id, from, merge_id, talk } => identity::merge(&id, &from, &merge_id, &talk),
        CustomerCommand::Unmerge { id, merge_id, talk } => identity::unmerge(&id, &merge_id, &talk),
        CustomerCommand::Erase { id, yes, talk } => erase(&id, yes, &talk),
    }
}

fn show(id: &str, talk: &Talk) -> Result<(), Failure> {
    let (client, shape) = super::open(talk);
    let view = client.get(&path(id, "")?)?;
    match shape {
        Shape::Json => print_json(&view),
        Shape::Text => print(&show::render(&view)),
    }
    Ok(())
}

/// With `--why-not` the explanation of that offer comes after the decision; as JSON both are one document.
fn decide(args: &DecideArgs) -> Result<(), Failure> {
    let (client, shape) = super::open(&args.talk);
    let request_id = format!("cli-{}-{:x}", std::process::id(), crate::clock::now().ms());
    let decision = client.post(&path(&args.id, "/decisions")?, &question(args, &request_id))?;
    let explanation = match &args.why_not {
        Some(offer) => Some(explain(&client, &args.id, &decision, offer)?),
        None => None,
    };
    match (shape, explanation) {
        (Shape::Json, None) => print_json(&decision),
        (Shape::Json, Some(explanation)) => {
            print_json(&json!({ "decision": decision, "explanation": explanation }));
        }
        (Shape::Text, explanation) => {
            print(&decide::render(&decision));
            if let Some((offer, explanation)) = args.why_not.as_ref().zip(explanation) {
                print(&decide::render_why(&explanation, offer));
            }
        }
    }
    Ok(())
}

/// The request id lets the node hear a repeated call once: an outbound decision reserves a contact.
fn question(args: &DecideArgs, request_id: &str) -> Value {
    let direction = match args.direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    };
    let mut question = Map::new();
    question.insert("channel".to_owned(), args.channel.as_str().into());
    question.insert("direction".to_owned(), direction.into());
    question.insert("request_id".to_owned(), request_id.into());
    for (key, value) in [("placement", &args.placement), ("purpose", &args.purpose)] {
        if let Some(value) = value {
            question.insert(key.to_owned(), value.as_str().into());
        }
    }
    Value::Object(question)
}

/// Why an offer was chosen in a decision, or why not.
fn explain(client: &Client, id: &str, decision: &Value, offer: &str) -> Result<Value, Failure> {
    let decision_id = crate::client::escaped(&field(decision, "decision_id"));
    let offer = crate::client::escaped(offer);
    Ok(client.get(&path(id, &format!("/decisions/{decision_id}?offer={offer}"))?)?)
}

fn history(id: &str, limit: u32, talk: &Talk) -> Result<(), Failure> {
    let (client, shape) = super::open(talk);
    let contacts = client.get(&path(id, &format!("/contacts?limit={limit}"))?)?;
    let decisions = client.get(&path(id, &format!("/decisions?limit={limit}"))?)?;
    match shape {
        Shape::Json => {
            print_json(&json!({ "contacts": contacts["contacts"], "decisions": decisions["decisions"] }));
        }
        Shape::Text => print(&history::render(&contacts, &decisions)),
    }
    Ok(())
}

fn export(id: &str, talk: &Talk) -> Result<(), Failure> {
    let (client, _) = super::open(talk);
    print_json(&client.get(&path(id, "/export")?)?);
    Ok(())
}

fn erase(id: &str, yes: bool, talk: &Talk) -> Result<(), Failure> {
    if !yes {
        let what =
            "this forgets the customer for good: tags, consents, contacts, decisions. Say --yes to do it";
        return Err(Failure::Usage(what.to_owned()));
    }
    let (client, shape) = super::open(talk);
    let receipt = client.delete(&path(id, "")?)?;
    match shape {
        Shape::Json => print_json(&receipt),
        Shape::Text => print(&show::render_receipt(&receipt)),
    }
    Ok(())
}

fn path(id: &str, rest: &str) -> Result<String, Failure> {
    match CustomerId::new(id) {
        Some(_) => Ok(customer_path(id, rest)),
        None => Err(Failure::Usage("a customer id has 1 to 128 bytes and no control characters".to_owned())),
    }
}

#[cfg(test)]
mod tests;
