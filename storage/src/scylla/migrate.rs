//! The schema: files applied in order, each noted once it is whole, none ever taken back.
//!
//! Every statement can be repeated, so a migration that was cut short is simply run again. Leaves out moving data:
//! cells say their own form.

use super::link::Link;
use super::outcome;
use crate::{ScyllaOptions, StoreError};

/// The files, in the order of their versions: the first one makes version 1.
const FILES: [(&str, &str); 5] = [
    ("0001_customers", include_str!("schema/0001_customers.cql")),
    ("0002_ownership", include_str!("schema/0002_ownership.cql")),
    ("0003_evidence", include_str!("schema/0003_evidence.cql")),
    ("0004_due", include_str!("schema/0004_due.cql")),
    ("0005_totals", include_str!("schema/0005_totals.cql")),
];

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS ks.schema_versions (one text, version int, name text, \
    PRIMARY KEY ((one), version))";

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version found, 0 when there was none.
    pub from: u32,
    /// The version now.
    pub to: u32,
    /// The files that were applied.
    pub applied: Vec<&'static str>,
}

/// Brings the keyspace to this program's schema, making it with `replicas` copies of everything when it is not there. An
/// existing keyspace keeps its replication. Running it again changes nothing.
///
/// Errors: [`Unavailable`](StoreError::Unavailable) when no server answers or the role may not;
/// [`Corrupt`](StoreError::Corrupt) when the keyspace is newer than this program.
pub async fn migrate(options: &ScyllaOptions, replicas: u32) -> Result<Migrated, StoreError> {
    let link = Link::connect(options).await?;
    if !keyspace_exists(&link).await? {
        let replication = format!("{{'class': 'NetworkTopologyStrategy', 'replication_factor': {replicas}}}");
        let text =
            format!("CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {replication}", link.keyspace);
        run(&link, &text).await?;
    }
    run(&link, VERSIONS).await?;
    let from = version(&link).await?.unwrap_or(0);
    refuse_newer(&link, from)?;
    let mut applied = Vec::new();
    for (number, (name, text)) in (1..).zip(FILES).filter(|(number, _)| *number > from) {
        for statement in statements(text) {
            run(&link, &with_keyspace(&statement)).await?;
        }
        run(&link, &noted(number, name)).await?;
        applied.push(name);
    }
    Ok(Migrated { from, to: FILES.len() as u32, applied })
}

/// Refuses a keyspace that is not as this program knows it.
pub(super) async fn check(link: &Link) -> Result<(), StoreError> {
    let found = version(link).await?;
    let keyspace = &link.keyspace;
    let Some(found) = found else {
        return Err(StoreError::Unavailable(format!(
            "keyspace {keyspace} has no tables of ours: run `rapport store migrate --keyspace {keyspace}` first"
        )));
    };
    refuse_newer(link, found)?;
    match found == FILES.len() as u32 {
        true => Ok(()),
        false => Err(StoreError::Unavailable(format!(
            "keyspace {keyspace} has schema version {found}, this program needs {}: run `rapport store migrate \
             --keyspace {keyspace}`",
            FILES.len()
        ))),
    }
}

fn refuse_newer(link: &Link, found: u32) -> Result<(), StoreError> {
    match found > FILES.len() as u32 {
        true => Err(StoreError::Corrupt(format!(
            "keyspace {} has schema version {found}, this program knows {}: use the program that migrated it",
            link.keyspace,
            FILES.len()
        ))),
        false => Ok(()),
    }
}

/// The highest version noted; `None` when nothing was ever migrated here.
async fn version(link: &Link) -> Result<Option<u32>, StoreError> {
    let answer = match link.plain("SELECT version FROM ks.schema_versions WHERE one = 'all'").await {
        Ok(answer) => answer,
        Err(error) if is_missing(&error.to_string()) => return Ok(None),
        Err(error) => return Err(outcome::of_read(&error)),
    };
    let rows = answer.into_rows_result().map_err(|error| outcome::of_shape(&error))?;
    let rows = rows.rows::<(i32,)>().map_err(|error| outcome::of_shape(&error))?;
    let versions = rows.collect::<Result<Vec<_>, _>>().map_err(|error| outcome::of_shape(&error))?;
    Ok(versions.into_iter().map(|(version,)| version.unsigned_abs()).max())
}

/// Cassandra and ScyllaDB each have their own words for it.
fn is_missing(text: &str) -> bool {
    ["unconfigured table", "does not exist", "Can't find a keyspace"].iter().any(|words| text.contains(words))
}

async fn keyspace_exists(link: &Link) -> Result<bool, StoreError> {
    let text = format!(
        "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = '{}'",
        link.keyspace
    );
    let answer = link.plain(&text).await.map_err(|error| outcome::of_read(&error))?;
    let rows = answer.into_rows_result().map_err(|error| outcome::of_shape(&error))?;
    Ok(rows.rows_num() > 0)
}

async fn run(link: &Link, statement: &str) -> Result<(), StoreError> {
    link.plain(statement).await.map(drop).map_err(|error| outcome::of_write(&error))
}

fn noted(version: u32, name: &str) -> String {
    format!("INSERT INTO ks.schema_versions (one, version, name) VALUES ('all', {version}, '{name}')")
}

/// The statements of a file, without its comments.
fn statements(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("--"));
    let code = code.collect::<Vec<_>>().join("\n");
    code.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

fn with_keyspace(statement: &str) -> String {
    statement.replace("CREATE TABLE IF NOT EXISTS ", "CREATE TABLE IF NOT EXISTS ks.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_of_the_schema_can_be_repeated() {
        for (name, text) in FILES {
            let statements = statements(text);
            assert!(!statements.is_empty(), "{name}");
            for statement in statements {
                assert!(statement.starts_with("CREATE TABLE IF NOT EXISTS "), "{name}: {statement}");
                assert!(with_keyspace(&statement).contains(" ks."), "{name}: {statement}");
            }
        }
    }
}
