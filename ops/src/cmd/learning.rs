//! `rapport learning`: what decisions know from responses.

use crate::cli::LearningCommand;
use crate::error::Failure;
use crate::output::{Shape, Table, field, print, print_json};
use serde_json::Value;

/// Runs one verb.
pub fn run(command: &LearningCommand) -> Result<(), Failure> {
    let LearningCommand::Show { offer, limit, talk } = command;
    let (client, shape) = super::open(talk);
    let mut path = format!("/v1/learning?limit={limit}");
    if let Some(offer) = offer {
        path.push_str(&format!("&offer={}", crate::client::escaped(offer)));
    }
    let learned = client.get(&path)?;
    match shape {
        Shape::Json => print_json(&learned),
        Shape::Text => print(&render(&learned)),
    }
    Ok(())
}

fn render(learned: &Value) -> String {
    let head = match learned["enabled"] == true {
        true => format!("priors learn, strength {}", field(learned, "strength")),
        false => "priors stay as they are written".to_owned(),
    };
    let mut table =
        Table::new(&["offer", "channel", "shown>", "clicked>", "accepted>", "prior>", "learned>"]);
    for item in learned["items"].as_array().into_iter().flatten() {
        table.row([
            field(item, "offer"),
            field(item, "channel"),
            field(item, "shown"),
            field(item, "clicked"),
            field(item, "accepted"),
            percent(&item["prior"]),
            percent(&item["learned"]),
        ]);
    }
    let more =
        if learned["truncated"] == true { "\n\nThere are more; ask for them with --limit." } else { "" };
    format!(
        "{head}; {} outcomes counted, {} of them not used yet\n\n{table}{more}",
        field(learned, "counted"),
        field(learned, "waiting"),
    )
}

fn percent(probability: &Value) -> String {
    format!("{:.2} %", probability.as_f64().unwrap_or_default() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn priors_are_shown_beside_what_moved_them() {
        let learned = json!({
            "enabled": true, "strength": 200.0, "evidence": "ab", "counted": 130, "waiting": 3, "truncated": false,
            "items": [{"offer": "data-xl", "channel": "app", "prior": 0.03, "shown": 100, "clicked": 20,
                       "accepted": 10, "learned": 0.0533333}],
        });
        let expected = "priors learn, strength 200; 130 outcomes counted, 3 of them not used yet\n\n\
            offer    channel  shown  clicked  accepted   prior  learned\n\
            data-xl  app        100       20        10  3.00 %   5.33 %";
        assert_eq!(render(&learned), expected);
    }
}
