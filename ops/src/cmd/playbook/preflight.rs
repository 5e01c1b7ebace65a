//! `rapport playbook preflight`: the node looks at a playbook with its stored customers; here its progress and its
//! findings.

use crate::cli::PreflightArgs;
use crate::client::Client;
use crate::error::Failure;
use crate::output::{Shape, Table, field, list, print, print_json, say};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::Duration;

const PATH: &str = "/v1/playbooks/preflight";
/// How often the node is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Looks at the files, prints what was found, and fails when it should keep the playbook from becoming active.
pub fn run(client: &Client, files: &[Value], args: &PreflightArgs, shape: Shape) -> Result<(), Failure> {
    let ended = look(client, files, args)?;
    match shape {
        Shape::Json => print_json(&ended),
        Shape::Text => {
            print(&offers(&ended["report"]));
            findings(&ended).for_each(|finding| print(&line(finding)));
        }
    }
    say(&summary(&ended));
    judge(&ended, args)
}

/// Looks at the files; fails when that did not come to an end.
pub fn look(client: &Client, files: &[Value], args: &PreflightArgs) -> Result<Value, Failure> {
    let question = json!({
        "files": files, "customers_max": args.customers_max, "customers_per_second": args.customers_per_second,
    });
    let begun = client.post(PATH, &question).map_err(super::tell_mistakes)?;
    let ended = wait(client, &begun["preflight"])?;
    if ended["state"] != "done" {
        let why = ended["detail"].as_str().unwrap_or("somebody stopped it");
        return Err(Failure::Failed(format!("the preflight did not come to its end: {why}")));
    }
    Ok(ended)
}

/// Fails when what was found should keep the playbook from becoming active.
pub fn judge(ended: &Value, args: &PreflightArgs) -> Result<(), Failure> {
    let strictly = args.strict && findings(ended).any(|finding| finding["severity"] == "warn");
    if ended["report"]["passed"] == true && !strictly {
        return Ok(());
    }
    Err(Failure::Told)
}

/// Says what was found on stderr.
pub fn tell(ended: &Value) {
    findings(ended).filter(|finding| finding["severity"] == "fail").for_each(|finding| say(&line(finding)));
    say(&summary(ended));
}

fn findings(ended: &Value) -> impl Iterator<Item = &Value> {
    list(&ended["report"], "findings").iter()
}

/// Waits for the end of this preflight and no other.
fn wait(client: &Client, preflight: &Value) -> Result<Value, Failure> {
    let bar = ProgressBar::new_spinner().with_prefix("looking at customers");
    loop {
        let answer = client.get(PATH)?;
        if answer["preflight"] != *preflight {
            return Err(Failure::Failed("another preflight took its place; begin again".to_owned()));
        }
        bar.set_message(field(&answer, "customers"));
        bar.tick();
        if answer["state"] != "walking" {
            bar.finish_and_clear();
            return Ok(answer);
        }
        sleep(ASK_EVERY);
    }
}

fn offers(report: &Value) -> Table {
    let columns = ["offer", "audience>", "eligible>", "applicable>", "suitable>", "shown>", "first>"];
    let mut table = Table::new(&columns);
    for offer in list(report, "offers") {
        table.row(columns.map(|column| field(offer, column.trim_end_matches('>'))));
    }
    table
}

/// `fail unreachable data-xl: nobody can get it: ..`
fn line(finding: &Value) -> String {
    let about = finding["offer"].as_str().map_or_else(String::new, |offer| format!(" {offer}"));
    format!("{} {}{about}: {}", field(finding, "severity"), field(finding, "code"), field(finding, "text"))
}

fn summary(ended: &Value) -> String {
    let report = &ended["report"];
    let count = |severity: &str| findings(ended).filter(|finding| finding["severity"] == severity).count();
    let whole = if report["complete"] == true { "all stored customers" } else { "not all stored customers" };
    let unreadable = match ended["unreadable"].as_u64() {
        None | Some(0) => String::new(),
        Some(n) => format!(" ({n} unreadable)"),
    };
    format!(
        "{} {} customers{unreadable}, which is {whole}; {} decisions of {:.0} us on average, {} without an offer; \
         {} failures, {} warnings",
        if report["passed"] == true { "passed with" } else { "failed with" },
        field(ended, "customers"),
        field(report, "decisions"),
        report["decision_us_mean"].as_f64().unwrap_or(0.0),
        field(report, "empty_decisions"),
        count("fail"),
        count("warn"),
    )
}
