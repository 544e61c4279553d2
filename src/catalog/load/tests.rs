use super::*;

const HEAD: &str = "[catalog]\nname = \"t\"\nedition = \"1\"\n";

fn parse(rest: &str) -> Result<Catalog, CatalogError> {
    Catalog::parse("t.toml", &format!("{HEAD}{rest}"))
}

fn complaint(rest: &str) -> String {
    parse(rest).unwrap_err().to_string()
}

#[test]
fn the_least_catalog_applies_to_everyone() {
    let catalog =
        parse("[[endpoint]]\npattern = \"*.Example.com\"\nprotocol = \"https\"\n").unwrap();
    let [endpoint] = catalog.endpoints() else { panic!() };
    assert_eq!(endpoint.id, "https:*.example.com");
    assert_eq!(endpoint.clouds(), super::super::Clouds::all());
    assert_eq!(endpoint.scenarios(), super::super::Scenarios::all());
    assert_eq!(catalog.name(), "t");
    assert_eq!(catalog.sha256().len(), 64);
}

#[test]
fn an_occurrence_takes_what_it_does_not_say_from_its_section() {
    let catalog = parse(
        r#"
        [[section]]
        id = "s"
        title = "S"
        clouds = ["gcc"]
        [[endpoint]]
        pattern = "a.b"
        protocol = "http"
        occurrences = [{ section = "s" }, { section = "s", use = "U", clouds = ["dod"] }]
        [[alternative]]
        endpoint = "http:a.b"
        patterns = ["c.d"]
        [[inbound]]
        service-tag = "LogicApps"
        "#,
    )
    .unwrap();
    let clouds: Vec<_> =
        catalog.endpoints()[0].occurrences.iter().map(|o| o.clouds.to_string()).collect();
    assert_eq!(clouds, ["gcc", "dod"]);
    assert_eq!(catalog.alternatives()[0].patterns[0].as_str(), "c.d");
    assert_eq!(catalog.inbound()[0].service_tag, "LogicApps");
}

#[test]
fn the_same_pattern_on_two_protocols_is_two_endpoints() {
    let both = "[[endpoint]]\npattern=\"a.b\"\nprotocol=\"https\"\n[[endpoint]]\npattern=\"a.b\"\nprotocol=\"http\"";
    assert_eq!(parse(both).unwrap().endpoints().len(), 2);
}

#[test]
fn every_complaint_has_the_line_and_says_what_to_do() {
    let endpoint = "[[endpoint]]\npattern = \"a.b\"\nprotocol = \"https\"\n";
    for (rest, expected) in [
        ("", "t.toml:1:1: the catalog has no endpoint; add at least one"),
        ("[[endpoint]]\npattern = \"*\"\nprotocol = \"https\"", "t.toml:5:11: the rightmost label"),
        (
            "[[endpoint]]\npattern = \"a.b\"\nprotocol = \"tcp\"",
            "t.toml:6:12: unknown protocol \"tcp\"; write one of https, http",
        ),
        ("[[endpoint]]\npattern = \"a.b\"", "t.toml:4:1: missing field `protocol`; add it"),
        ("[[endpoint]]\npatern = \"a.b\"", "t.toml:5:1: unknown field `patern`"),
        (
            &format!("{endpoint}clouds = [\"moon\"]"),
            "t.toml:7:11: unknown cloud \"moon\"; write one of public, gcc",
        ),
        (&format!("{endpoint}clouds = []"), "t.toml:7:10: the list names no cloud"),
        (&format!("{endpoint}scenarios = [\"mobile\", \"mobile\"]"), "t.toml:7:24: listed twice"),
        (&format!("{endpoint}section = \"x\""), "t.toml:7:11: there is no section \"x\""),
        (&format!("{endpoint}use = \" \""), "t.toml:7:7: the text is empty"),
        (&format!("{endpoint}use = \"\\u001b[2J\""), "t.toml:7:7: the text holds control"),
        (&format!("{endpoint}use = \"a\"\noccurrences = [{{ use = \"b\" }}]"), "move its own keys"),
        (&format!("{endpoint}occurrences = []"), "`occurrences` is empty"),
        (
            &format!("{endpoint}{endpoint}"),
            "t.toml:8:11: endpoint https:a.b is already in line 5; merge",
        ),
        (
            &format!("{endpoint}[[alternative]]\nendpoint = \"a.b\""),
            "t.toml:8:12: there is no endpoint \"a.b\"",
        ),
        (
            &format!("{endpoint}[[inbound]]\nservice-tag = \"a b\""),
            "t.toml:8:15: this cannot be typed",
        ),
        (&format!("{endpoint}name = "), "t.toml:7:"),
        (
            "[[section]]\nid=\"s\"\ntitle=\"S\"\n[[section]]\nid=\"s\"\ntitle=\"S\"",
            "section \"s\" is already in line 5",
        ),
    ] {
        let text = complaint(rest);
        assert!(text.contains(expected), "{rest}\n=> {text}");
        assert!(text.lines().all(|line| line.contains(';')), "{text}");
    }
}

#[test]
fn a_missing_header_and_a_date_without_quotes_are_explained() {
    let text = Catalog::parse("t.toml", "[[endpoint]]\n").unwrap_err().to_string();
    assert!(text.contains("missing field"), "{text}");
    let text = Catalog::parse("t.toml", "[catalog]\nname = \"t\"\nedition = 2026-01-01\n");
    let text = text.unwrap_err().to_string();
    assert!(text.starts_with("t.toml:3:11: ") && text.contains("put the date in quotes"), "{text}");
}

#[test]
fn all_problems_are_told_at_once_up_to_a_limit() {
    let bad = "[[endpoint]]\npattern = \"*\"\nprotocol = \"x\"\n".repeat(30);
    let error = parse(&bad).unwrap_err();
    assert_eq!(error.problems().len(), MAX_PROBLEMS);
    assert!(error.to_string().ends_with("t.toml: and 40 more"));
    let lines: Vec<_> = error.problems().iter().map(|p| p.line).collect();
    assert!(lines.is_sorted());
}

#[test]
fn what_a_hostile_file_says_cannot_disturb_the_terminal() {
    let error = Catalog::parse("a\u{1b}[2J.toml", "\"\\u001b[2J\\u202e\" = 1").unwrap_err();
    let text = error.to_string();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    let text = complaint("[[endpoint]]\npattern = \"a\\u001b\"\nprotocol = \"\\u202e\"");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}

#[test]
fn files_beyond_the_limits_are_refused() {
    let long = "#".repeat(usize::try_from(MAX_FILE_SIZE).unwrap() + 1);
    assert!(complaint(&long).contains("larger than 4 MiB"));
    let mut many = String::new();
    for number in 0..=MAX_ENDPOINTS {
        many.push_str(&format!("[[endpoint]]\npattern = \"n{number}.b\"\nprotocol = \"https\"\n"));
    }
    assert!(complaint(&many).contains("more than 20000 endpoints"));
}

#[test]
fn broad_patterns_are_warned_of() {
    let catalog = parse("[[endpoint]]\npattern = \"*.com\"\nprotocol = \"https\"").unwrap();
    let [warning] = catalog.warnings() else { panic!() };
    assert!(warning.to_string().starts_with("5:11: *.com covers a whole"), "{warning}");
}

#[test]
fn bytes_that_are_no_text_are_placed() {
    let error = Catalog::parse_bytes("t.toml", b"# x\n# \xff").unwrap_err();
    assert_eq!(error.to_string(), "t.toml:2:3: the file is not UTF-8; save it as UTF-8");
}

#[test]
fn catalogs_are_read_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    std::fs::write(&path, format!("{HEAD}[[endpoint]]\npattern=\"a.b\"\nprotocol=\"http\""))
        .unwrap();
    let catalog = Catalog::resolve(path.to_str().unwrap()).unwrap();
    assert_eq!(catalog.endpoints()[0].protocol.port(), 80);
    assert!(Catalog::from_path(folder.path()).unwrap_err().to_string().contains("cannot be read"));
}
