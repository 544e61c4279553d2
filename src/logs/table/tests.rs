use crate::logs::test_support::records;

const RAW: &str = "HTTPS request from 10.1.2.3:50123 to www.example.com:443. Action: Deny. ";

#[test]
fn columns_in_any_order_and_with_any_separator_are_told_by_their_titles() {
    let titles =
        ["Receive Time", "URL", "Source address", "Destination address", "Application", "Action"];
    let cells =
        ["2025/11/26 04:15:00", "www.example.com/a", "10.1.2.3", "203.0.113.9", "ssl", "block-url"];
    let expected =
        "columns deny http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00";
    for separator in [",", "\t", ";", "|"] {
        for turn in 0..titles.len() {
            for quote in ["", "\""] {
                let row = |cells: &[&str]| {
                    let mut cells: Vec<String> =
                        cells.iter().map(|cell| format!("{quote}{cell}{quote}")).collect();
                    cells.rotate_left(turn);
                    cells.join(separator)
                };
                let text = format!("{}\n{}\n", row(&titles), row(&cells));
                assert_eq!(records(&text), [format!("2 {expected}")], "{text}");
            }
        }
    }
}

#[test]
fn raw_lines_are_read_as_the_log_that_they_are_wherever_their_column_stands() {
    let expected =
        "azure-firewall deny tls - 10.1.2.3#50123 -#443 www.example.com 2025-11-26T04:15:00Z";
    let time = "2025-11-26T04:15:00.000+0000";
    for text in [
        format!("\"_time\",\"host\",\"_raw\"\n\"{time}\",\"fw\",\"{RAW}\"\n"),
        format!("_raw,_time,host\n\"{RAW}\",{time},fw\n"),
        format!("timestamp\tmessage\n{time}\t{RAW}\n"),
    ] {
        assert_eq!(records(&text), [format!("2 {expected}")], "{text}");
    }
    let quoted = "\"_time\",\"_raw\"\n\"x\",\"<189>date=2025-11-26 time=04:15:00 devname=\"\"fw\"\" devid=\"\"F\"\" logid=\"\"0316013056\"\" type=\"\"utm\"\" subtype=\"\"webfilter\"\" tz=\"\"+0000\"\" srcip=10.1.2.3 dstip=203.0.113.9 dstport=443 proto=6 hostname=\"\"www.example.com\"\" action=\"\"blocked\"\"\"\n";
    let found = records(quoted);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("2 fortigate deny http tcp 10.1.2.3"), "{found:?}");
}

#[test]
fn what_was_done_is_the_gravest_of_all_that_a_row_says() {
    let of = |status: &str, action: &str| {
        let text = format!(
            "Time,Client IP,Domain,Action,Security Action\n2025-11-26T04:15:00Z,10.1.2.3,www.example.com,{status},{action}\n"
        );
        records(&text)[0].split(' ').nth(2).unwrap().to_owned()
    };
    for (first, second, expected) in [
        ("allowed", "blocked", "deny"),
        ("Blocked", "", "deny"),
        ("accept", "passed", "allow"),
        ("reset-both", "allow", "reset"),
        ("Not allowed to browse this category", "", "deny"),
        ("not blocked", "", "allow"),
        ("something", "", "other"),
    ] {
        assert_eq!(of(first, second), expected, "{first} {second}");
    }
}

#[test]
fn titles_need_not_be_the_first_line_and_rows_may_be_cut() {
    let text = "\"Weblogs\"\n\"Request Criteria\"\n\"No.\",\"Logged Time\",\"URL\",\"Policy Action\",\"Client IP\",\"Request Method\",\"Response Code\"\n\
                \"1\",\"Wednesday, November 26, 2025 4:15:00 AM GMT\",\"www.example.com/\",\"Allowed\",\"10.1.2.3\",\"CONNECT\",\"403\"\n\
                \"2\",\"Wed\n";
    assert_eq!(
        records(text),
        ["4 columns allow http - 10.1.2.3 -#443 www.example.com 2025-11-26T04:15:00Z proxy_denied"]
    );
}

#[test]
fn questions_are_told_by_their_type_or_their_column() {
    let umbrella = "Date,Time,Policy Identity,Action,Destination,Categories,Record Type,Internal IP,External IP\n\
                    2025-11-26,04:15:00,pc1,Blocked,www.example.com,Business,A,10.1.2.3,203.0.113.9\n";
    assert_eq!(
        records(umbrella),
        ["2 columns deny dns - 10.1.2.3 - www.example.com 2025-11-26T04:15:00"]
    );
    let code = "time,client,qname,rcode\n2025-11-26T04:15:00Z,10.1.2.3,www.example.com,NXDOMAIN\n";
    assert_eq!(
        records(code),
        ["2 columns other dns - 10.1.2.3 - www.example.com 2025-11-26T04:15:00Z dns_nxdomain"]
    );
}

#[test]
fn objects_are_told_by_their_keys_and_those_around_them() {
    let record = "columns deny dns - 10.1.2.3 - www.example.com 2025-11-26T04:15:00Z";
    for text in [
        r#"{"queries":[{"id":1,"time":1764130500.25,"type":"A","domain":"www.example.com","status":"GRAVITY","client":{"ip":"10.1.2.3","name":"pc"},"reply":{"type":"IP"}}]}"#,
        r#"{"data":[{"client":"10.1.2.3","question":{"class":"IN","name":"www.example.com","type":"A"},"reason":"FilteredBlackList","status":"NOERROR","time":"2025-11-26T04:15:00.25Z"}],"oldest":"x"}"#,
    ] {
        assert_eq!(records(text), [format!("1 {record}")], "{text}");
    }
    let ecs = r#"{"took":5,"hits":{"total":{"value":1},"hits":[{"_index":"a","_source":{"@timestamp":"2025-11-26T04:15:00.000Z","event":{"action":"url_filtering","outcome":"success","type":["denied"]},"source":{"ip":"10.1.2.3"},"destination":{"ip":"203.0.113.9","port":443},"url":{"domain":"www.example.com"}}}]}}"#;
    assert_eq!(
        records(ecs),
        ["1 columns deny http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z"]
    );
    let live = r#"[{"rulenr":"12","interface":"igb1","reason":"match","action":"block","dir":"in","protoname":"tcp","src":"10.1.2.3","dst":"203.0.113.9","srcport":"50123","dstport":"443","tcpflags":"S","__timestamp__":"2025-11-26T04:15:00+00:00","label":"Default deny"}]"#;
    assert_eq!(
        records(live),
        ["1 columns deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z"]
    );
}

#[test]
fn columns_and_rows_may_stand_apart() {
    let text = r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"SourceIp"},{"name":"SourcePort"},{"name":"DestinationPort"},{"name":"Fqdn"},{"name":"Action"}],"rows":[["2025-11-26T04:15:00.1Z","10.1.2.3",50123,443,"www.example.com","Deny"],["2025-11-26T04:15:01Z","10.1.2.3",50124,443,"b.example.com","Allow"]]}]}"#;
    assert_eq!(
        records(text),
        [
            "1 columns deny http - 10.1.2.3#50123 -#443 www.example.com 2025-11-26T04:15:00Z",
            "1 columns allow http - 10.1.2.3#50124 -#443 b.example.com 2025-11-26T04:15:01Z",
        ]
    );
}

#[test]
fn what_is_no_export_is_none() {
    for text in [
        "name,age\nwww.example.com,7\n",
        "Category,Step,Status,Description\nConnectivity,Services,Failed,https://www.example.com/ could not be reached\n",
        "host,action\nfw1,restart\n",
        "one line\nanother line\n",
        r#"{"user":"a","status":"ok"}"#,
        r#"{"time":"2025-11-26T04:15:00Z","level":"info","status":"200"}"#,
    ] {
        assert_eq!(records(text), Vec::<String>::new(), "{text}");
    }
}
