//! What a cap counts together: a customer's contacts over all lines or those of each line, and what one provider carries.

use crate::fixture::{Subject, playbook_with, request};
use actors::call::{Direction, ResponseKind};
use actors::timestamp::HOUR_MS;

const LINES: [Option<&str>; 3] = [Some("mobile"), Some("fixed"), Some("broadband")];

/// How many of these contacts, one after the other, are possible.
fn possible(subject: &mut Subject, lines: &[Option<&str>], channel: &str) -> usize {
    let mut sent = 0;
    for line in lines {
        let mut question = request(channel, Direction::Outbound);
        question.purpose = Some("marketing".into());
        question.line = line.map(Into::into);
        let decision = subject.ask(question);
        assert_eq!(decision.line.as_deref(), *line);
        if let Some(contact) = decision.items.first().and_then(|item| item.contact_id.clone()) {
            subject.receipt(&contact, ResponseKind::Sent);
            sent += 1;
        }
        subject.wait(HOUR_MS / 4);
    }
    sent
}

fn with_cap(subject: &str, matches: &str, limit: u32) -> Subject {
    let cap = format!(
        "caps:\n  - {{id: tested, match: \"{matches}\", subject: {subject}, limit: {limit}, window: {{calendar: month}}}}"
    );
    Subject::consenting(playbook_with(&[("caps:", &cap), ("limit: 4", "limit: 99")]))
}

#[test]
fn a_customers_cap_counts_over_all_lines_and_a_lines_cap_apart() {
    let check = |subject: &str, lines: &[Option<&str>], expected: usize| {
        let mut ann = with_cap(subject, "c.purpose == 'marketing'", 2);
        assert_eq!(possible(&mut ann, lines, "sms"), expected, "{subject} {lines:?}");
    };
    let nine: Vec<_> = LINES.into_iter().cycle().take(9).collect();
    check("customer", &nine, 2);
    check("line", &nine, 6);
    check("line", &[Some("mobile"); 5], 2);
    // A contact without a line may have gone to any: it counts for each, and needs room on each.
    check("line", &[None, None, None], 2);
    check("line", &[None, Some("mobile"), Some("mobile"), Some("fixed")], 3);
    check("line", &[Some("mobile"), Some("mobile"), None, Some("fixed")], 3);
}

#[test]
fn a_cap_can_be_about_one_line() {
    let mut ann = with_cap("customer", "c.line == 'fixed'", 1);
    assert_eq!(possible(&mut ann, &[Some("fixed"), Some("fixed"), Some("mobile"), None], "sms"), 3);
}

#[test]
fn a_providers_quota_holds_over_all_channels_that_it_carries() {
    let cap = "caps:\n  - {id: chatter, match: \"c.provider == 'chatter'\", limit: 3, window: {rolling: 2d}}";
    let channels = "family_max: 3\nchannels:\n  chat: {kind: webhook, url: \"http://127.0.0.1:1/\", provider: chatter}\n  \
                    miniapp: {kind: webhook, url: \"http://127.0.0.1:1/\", provider: chatter}\n  \
                    sms: {kind: webhook, url: \"http://127.0.0.1:1/\"}\n  app: {kind: inbound}\n  web: {kind: inbound}\n  \
                    desk: {kind: inbound}";
    let changes = [("caps:", cap), ("limit: 4", "limit: 99"), ("family_max: 3", channels)];
    let mut ann = Subject::consenting(playbook_with(&changes));
    assert_eq!(possible(&mut ann, &[None; 2], "chat"), 2);
    assert_eq!(possible(&mut ann, &[None; 2], "miniapp"), 1, "one was left");
    assert_eq!(possible(&mut ann, &[None; 2], "sms"), 2, "another provider");
    ann.wait(49 * HOUR_MS);
    assert_eq!(possible(&mut ann, &[None], "chat"), 1);
}

#[test]
fn a_channel_without_a_provider_stands_for_itself() {
    let mut ann = with_cap("customer", "c.provider == 'sms'", 1);
    assert_eq!(possible(&mut ann, &[None; 3], "sms"), 1);
    assert_eq!(possible(&mut ann, &[None; 3], "email"), 3);
}

#[test]
fn a_partners_offers_are_told_by_their_owner() {
    let mut ann = with_cap("customer", "c.owner == 'partner:cafe'", 1);
    assert_eq!(possible(&mut ann, &[None; 3], "sms"), 1);
}
