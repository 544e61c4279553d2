use super::*;

fn rows(catalog: &Catalog) -> Vec<String> {
    let row = |endpoint: &crate::catalog::Endpoint| {
        format!("{} [{}] [{}]", endpoint.id, endpoint.clouds(), endpoint.scenarios())
    };
    let mut rows: Vec<String> = catalog.endpoints().iter().map(row).collect();
    rows.sort();
    rows
}

const PAGE: &str = "---\ntitle: Endpoints\nms.service: power-automate\nms.date: 04/17/2023\n---\n\n# Endpoints\n\n\
## Required services\n\n| Domains | Protocols | Uses |\n|---|---|---|\n\
| login.example.com<br />*.flow.example.com | https | Sign-in. |\n\
| \\*.api.example.com | https | Several APIs. |\n\
| *.api.example.us | https | Several APIs (U.S. Government - GCC only). |\n\
| *.dynamics.example.com | https | Tables. |\n\n\
### Endpoints needed to use the mobile app\n\n| Domains | Protocols | Uses |\n|--|--|--|\n| m.example.com | https | Telemetry.\n\n\
## Desktop flows\n\n### Public endpoints\n\n| Domains | Protocols | Uses |\n|--|--|--|\n| ocsp.example.com | http | Revocation. |\n\
| \\*.bus.example.net | https | Relay. |\n\n> [!NOTE]\n> If you don't want **\\*.bus.example.net**, allow the namespaces individually: [list](limits.md#x).\n\n\
## Inbound\n\n| Service tag | Required? |\n|--|--|\n| **LogicApps** | yes |\n\n\
## Prose\n\n| Domain | Notes |\n|--|--|\n| odd.example.com | no protocol |\n| https://own.example.com/a | with one |\n";

#[test]
fn a_page_becomes_a_catalog_with_clouds_and_scenarios() {
    let imported = import("pages/my-page.md", PAGE.as_bytes()).unwrap();
    let catalog = &imported.catalog;
    assert_eq!((catalog.name(), catalog.edition()), ("power-automate", "2023-04-17"));
    let all = "public, gcc, gcc-high, dod, china";
    assert_eq!(
        rows(catalog),
        [
            "http:ocsp.example.com [public] [desktop-flows]".to_owned(),
            "https:*.api.example.com [public] [service]".to_owned(),
            "https:*.api.example.us [gcc] [service]".to_owned(),
            "https:*.bus.example.net [public] [desktop-flows]".to_owned(),
            format!("https:*.dynamics.example.com [{all}] [service]"),
            format!("https:*.flow.example.com [{all}] [service]"),
            format!("https:login.example.com [{all}] [service]"),
            format!("https:m.example.com [{all}] [mobile]"),
            format!("https:own.example.com [{all}] [service]"),
        ]
    );
    assert_eq!(catalog.inbound().len(), 1);
    assert_eq!(catalog.inbound()[0].service_tag, "LogicApps");
    assert_eq!(catalog.alternatives().len(), 1);
    assert_eq!(catalog.alternatives()[0].source.as_deref(), Some("limits.md"));
    let provenance = catalog.provenance().unwrap();
    assert_eq!(provenance.file, "my-page.md");
    assert_eq!(provenance.sha256, sha256_hex(PAGE.as_bytes()));
    assert!(
        imported
            .remarks
            .iter()
            .any(|remark| remark.contains("odd.example.com") && remark.contains("no protocol")),
        "{:?}",
        imported.remarks
    );
    assert_eq!(Catalog::parse("again.toml", &imported.text).unwrap().sha256(), catalog.sha256());
}

#[test]
fn the_list_of_microsoft_365_becomes_a_catalog() {
    let text = r#"[{"id":1,"serviceArea":"Exchange","serviceAreaDisplayName":"Exchange Online","urls":["outlook.example.com","*.protection.example.com"],"ips":["203.0.113.0/24"],"tcpPorts":"80,443","category":"Optimize","required":true},
        {"id":2,"serviceArea":"Exchange","urls":["smtp.example.com"],"tcpPorts":"587","required":true},
        {"id":3,"serviceArea":"Skype","ips":["203.0.113.0/24"],"udpPorts":"3478","required":true},
        {"id":4,"serviceArea":"Common","urls":["cdn.example.com"],"tcpPorts":"443","required":false,"notes":"optional"}]"#;
    let imported = import("list.json", text.as_bytes()).unwrap();
    let ids: Vec<&str> = imported.catalog.endpoints().iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert!(
        ids.contains(&"http:outlook.example.com")
            && ids.contains(&"https:*.protection.example.com")
    );
    assert_eq!(imported.remarks.len(), 3, "{:?}", imported.remarks);
    assert_eq!(imported.catalog.sections()[0].title, "Exchange Online");
}

#[test]
fn plain_lists_and_csv_become_catalogs() {
    let plain = "# ours\nlogin.example.com\nhttps://api.example.com:443/v1  # the API\n\n*.example.net\nhttp://crl.example.com/a.crl\nnot a name!\n";
    let imported = import("ours.txt", plain.as_bytes()).unwrap();
    let ids: Vec<&str> = imported.catalog.endpoints().iter().map(|e| e.id.as_str()).collect();
    for id in [
        "https:login.example.com",
        "https:api.example.com",
        "https:*.example.net",
        "http:crl.example.com",
    ] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    assert_eq!(imported.catalog.name(), "ours");
    let csv = "Name;Protocol;Purpose\na.example.com;https;Sign-in\nb.example.com;http;Lists\n";
    let imported = import("l.csv", csv.as_bytes()).unwrap();
    assert_eq!(
        rows(&imported.catalog)
            .iter()
            .map(|row| row.split(' ').next().unwrap())
            .collect::<Vec<_>>(),
        ["http:b.example.com", "https:a.example.com"]
    );
    assert_eq!(imported.catalog.endpoints()[0].uses(), ["Sign-in"]);
}

#[test]
fn what_holds_no_endpoint_says_so() {
    for text in
        ["", "just a sentence of words\n", "[1,2]", "{}", "| a | b |\n|---|---|\n| c | d |\n"]
    {
        let error = import("x", text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("holds no endpoint"), "{text:?}: {error}");
    }
    assert!(matches!(import("x", b"\x00\xff\xfe"), Err(ImportError::NotText(..))));
}
