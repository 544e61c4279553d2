use super::*;

fn entries(rows: &[(&str, Protocol)]) -> Vec<Entry> {
    let entry = |(pattern, protocol): &(&str, Protocol)| Entry {
        pattern: Pattern::parse(pattern).unwrap(),
        protocol: *protocol,
        comment: "Sign-in".to_owned(),
    };
    rows.iter().map(entry).collect()
}

const ROWS: &[(&str, Protocol)] = &[
    ("login.example.com", Protocol::Https),
    ("*.flow.example.com", Protocol::Https),
    ("emea.flow.example.com", Protocol::Https),
    ("*mobile.events.example.net", Protocol::Https),
    ("crl.example.com", Protocol::Http),
];

#[test]
fn every_entry_is_written_or_linted_for_every_device() {
    for (word, device) in Device::ALL {
        let exported = export(&entries(ROWS), *device, "test-1");
        for (pattern, _) in ROWS {
            let domain = pattern.trim_start_matches('*').trim_start_matches('.');
            let escaped = domain.replace('.', "\\.");
            let is_written = exported.text.contains(domain) || exported.text.contains(&escaped);
            let is_linted = exported.lints.iter().any(|lint| lint.pattern == *pattern);
            assert!(is_written || is_linted, "{word}: {pattern}\n{}", exported.text);
        }
        assert_eq!(export(&entries(ROWS), *device, "test-1"), exported, "{word}");
        let mut turned = entries(ROWS);
        turned.reverse();
        assert_eq!(export(&turned, *device, "test-1"), exported, "{word}");
    }
}

#[test]
fn what_is_more_than_was_meant_is_said() {
    let linted = |device: Device, pattern: &str| {
        let exported = export(&entries(ROWS), device, "test-1");
        exported.lints.into_iter().find(|lint| lint.pattern == pattern).map(|lint| lint.why)
    };
    assert_eq!(linted(Device::PanosEdl, "*.flow.example.com"), None);
    assert!(
        linted(Device::PanosEdl, "*mobile.events.example.net").unwrap().contains("whole token")
    );
    assert!(linted(Device::Squid, "*.flow.example.com").unwrap().contains("itself too"));
    assert!(linted(Device::Squid, "emea.flow.example.com").unwrap().contains("covers it already"));
    assert_eq!(linted(Device::AzureFirewall, "*mobile.events.example.net"), None);
    assert!(linted(Device::Pfsense, "*.flow.example.com").unwrap().contains("no wildcards"));
    assert!(linted(Device::ProbeSh, "*.flow.example.com").unwrap().contains("names no host"));
    assert_eq!(linted(Device::Plain, "*mobile.events.example.net"), None);
}

#[test]
fn a_rule_collection_is_json_with_a_rule_for_each_protocol() {
    let text = export(&entries(ROWS), Device::AzureFirewall, "test-1").text;
    let collection: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rules = collection["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[1]["targetFqdns"], serde_json::json!(["crl.example.com"]));
    assert_eq!(rules[1]["protocols"][0]["port"], 80);
}
