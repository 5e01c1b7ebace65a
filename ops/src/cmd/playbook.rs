//! `rapport playbook`: check here, compare, activate, go back.

mod files;
mod diff;
mod preflight;

use crate::cli::{PlaybookCommand, PreflightArgs, Talk};
use crate::client::{CallError, Client, Problem, escaped};
use crate::error::Failure;
use crate::output::{Shape, Table, field, list, moment, print, print_json, say};
use actors::playbook::{Dictionary, Mistake, Severity, compile};
use diff::Changes;
use files::Files;
use serde_json::{Value, json};
use std::path::Path;

/// Runs one verb.
pub fn run(command: PlaybookCommand) -> Result<(), Failure> {
    match command {
        PlaybookCommand::Validate { dir, json } => {
            validate(&dir, if json { Shape::Json } else { Shape::Text })
        }
        PlaybookCommand::Diff { dir, talk } => compare(&dir, &talk),
        PlaybookCommand::Schema => {
            print(&node::wire::schema::PLAYBOOK.trim_end());
            Ok(())
        }
        PlaybookCommand::Preflight(args) => {
            let (client, shape) = super::open(&args.talk);
            preflight::run(&client, &as_json(&files::read(&args.dir)?), &args, shape)
        }
        PlaybookCommand::Apply { dir, at, preflight, talk } => {
            if preflight {
                look_first(&dir, &talk)?;
            }
            apply(&dir, at.as_deref(), &talk)
        }
        PlaybookCommand::List { talk } => enumerate(&talk),
        PlaybookCommand::Rollback { id, talk } => rollback(&id, &talk),
    }
}

/// Every mistake on stdout, then a sentence; fails when one of them is more than a warning.
fn validate(dir: &Path, shape: Shape) -> Result<(), Failure> {
    let files = files::read(dir)?;
    let (playbook, findings) = match compile::compile(&files, &Dictionary::default()) {
        Ok(compiled) => (Some(compiled.playbook), compiled.warnings),
        Err(mistakes) => (None, mistakes),
    };
    match shape {
        Shape::Json => print_json(&json!({
            "valid": playbook.is_some(), "id": playbook.as_ref().map(|it| it.id.as_ref()), "findings": findings,
        })),
        Shape::Text => findings.iter().for_each(|mistake| print(mistake)),
    }
    match playbook {
        Some(playbook) => {
            say(&format_args!(
                "valid{}: {} tags, {} events, {} offers; playbook {}",
                with_warnings(&findings),
                playbook.tags.len(),
                playbook.events.len(),
                playbook.offers.len(),
                playbook.id
            ));
            Ok(())
        }
        None => {
            say(&format_args!(
                "{} in {} files; nothing was activated",
                count_of_errors(&findings),
                files.len()
            ));
            Err(Failure::Told)
        }
    }
}

fn with_warnings(findings: &[Mistake]) -> String {
    match findings.len() {
        0 => String::new(),
        1 => " with 1 warning".to_owned(),
        n => format!(" with {n} warnings"),
    }
}

fn count_of_errors(findings: &[Mistake]) -> String {
    match findings.iter().filter(|mistake| mistake.severity == Severity::Error).count() {
        1 => "1 mistake".to_owned(),
        n => format!("{n} mistakes"),
    }
}

fn compare(dir: &Path, talk: &Talk) -> Result<(), Failure> {
    let (client, shape) = super::open(talk);
    let changes = plan(&files::read(dir)?, &client)?;
    match shape {
        Shape::Json => print_json(&changes.to_json()),
        Shape::Text => print(&changes),
    }
    Ok(())
}

/// What these files would change at the node.
fn plan(files: &Files, client: &Client) -> Result<Changes, Failure> {
    let compiled = compile::compile(files, &Dictionary::default()).map_err(|mistakes| {
        mistakes.iter().for_each(|mistake| print(mistake));
        say(&format_args!("{}; nothing was activated", count_of_errors(&mistakes)));
        Failure::Told
    })?;
    let ours = diff::document(&compiled.playbook.canonical)?;
    let theirs = match client.get("/v1/playbooks/active") {
        Ok(active) => Some(active),
        Err(CallError::Refused(problem)) if problem.status == 404 => None,
        Err(error) => return Err(error.into()),
    };
    Ok(diff::against(theirs.as_ref(), &compiled.playbook.id, &ours))
}

/// Prints the plan on stderr, does it, and prints the outcome on stdout.
fn apply(dir: &Path, at: Option<&str>, talk: &Talk) -> Result<(), Failure> {
    let at = at.map(|text| super::time_flag("--at", text)).transpose()?;
    let (client, shape) = super::open(talk);
    let files = files::read(dir)?;
    let changes = plan(&files, &client)?;
    say(&changes);
    let mut upload = json!({ "files": as_json(&files), "activate": true });
    if let Some(at) = at {
        upload["at"] = at.to_string().into();
    }
    let outcome = client.post("/v1/playbooks", &upload).map_err(tell_mistakes)?;
    told(&outcome, shape, if outcome["active"] == true { "is active" } else { "is stored" });
    Ok(())
}

/// A preflight whose findings are talk: what is printed on stdout is the outcome of the activation.
fn look_first(dir: &Path, talk: &Talk) -> Result<(), Failure> {
    let (client, _) = super::open(talk);
    let args = PreflightArgs {
        dir: dir.to_owned(),
        customers_max: None,
        customers_per_second: None,
        strict: false,
        talk: talk.clone(),
    };
    let ended = preflight::look(&client, &as_json(&files::read(dir)?), &args)?;
    preflight::tell(&ended);
    preflight::judge(&ended, &args)
}

fn as_json(files: &Files) -> Vec<Value> {
    files.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect()
}

fn tell_mistakes(error: CallError) -> Failure {
    match error {
        CallError::Refused(problem) if problem.more.contains_key("mistakes") => {
            mistakes_of(&problem).iter().for_each(|mistake| print(mistake));
            say(&format_args!("{problem}; nothing was activated"));
            Failure::Told
        }
        other => Failure::Call(other),
    }
}

fn mistakes_of(problem: &Problem) -> Vec<Mistake> {
    problem
        .more
        .get("mistakes")
        .and_then(|list| serde_json::from_value(list.clone()).ok())
        .unwrap_or_default()
}

fn told(outcome: &Value, shape: Shape, what: &str) {
    match shape {
        Shape::Json => print_json(outcome),
        Shape::Text => print(&format_args!("playbook {} {what}", field(outcome, "id"))),
    }
}

fn enumerate(talk: &Talk) -> Result<(), Failure> {
    let (client, shape) = super::open(talk);
    let answer = client.get("/v1/playbooks")?;
    match shape {
        Shape::Json => print_json(&answer),
        Shape::Text => print(&table(&answer)),
    }
    Ok(())
}

fn table(answer: &Value) -> Table {
    let mut table = Table::new(&["playbook", "stored", "state"]);
    for playbook in list(answer, "playbooks").iter().rev() {
        let state = if playbook["active"] == true { "active" } else { "" };
        table.row([field(playbook, "id"), moment(&playbook["stored_at"]), state.to_owned()]);
    }
    table
}

/// The id may be given by its first characters, as `list` is read by people.
fn rollback(id: &str, talk: &Talk) -> Result<(), Failure> {
    let (client, shape) = super::open(talk);
    let answer = client.get("/v1/playbooks")?;
    let ids: Vec<&str> =
        list(&answer, "playbooks").iter().filter_map(|playbook| playbook["id"].as_str()).collect();
    let full = the_one(&ids, id)?;
    let outcome = client.post(&format!("/v1/playbooks/{}/activate", escaped(full)), &json!({}))?;
    told(&outcome, shape, "is active again");
    Ok(())
}

fn the_one<'a>(ids: &[&'a str], begin: &str) -> Result<&'a str, Failure> {
    let fitting: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with(begin)).collect();
    match fitting[..] {
        [one] => Ok(one),
        [] => Err(Failure::Usage(format!("no playbook begins with {begin}; see `rapport playbook list`"))),
        _ => Err(Failure::Usage(format!(
            "{} playbooks begin with {begin}; give more of the id",
            fitting.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_is_found_by_the_beginning_of_its_id() {
        let ids = ["abc1", "abd2"];
        assert_eq!(the_one(&ids, "abc").expect("one"), "abc1");
        assert!(the_one(&ids, "ab").expect_err("two").to_string().contains("2 playbooks begin"));
        assert!(the_one(&ids, "x").expect_err("none").to_string().contains("no playbook begins"));
    }
}
