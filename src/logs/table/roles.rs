//! What the columns of exports are called, and what they hold.
//!
//! The names are those of Elastic's Common Schema, Splunk's Common Information Model, Microsoft's ASIM and
//! Log Analytics, CEF, Panorama, FortiAnalyzer, SmartConsole, Zscaler, Defender, Umbrella, NextDNS, Pi-hole,
//! AdGuard Home and OPNsense, and the plain words that people choose. They are compared without case,
//! blanks and punctuation, and without what a store appends to them (`_s`, `[UTC]`).

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Role {
    /// A raw line of the log that was exported.
    Raw,
    Time,
    Date,
    /// A name or address of the client; a name is none of interest.
    Client,
    ClientPort,
    /// A name or address of the server.
    Server,
    ServerPort,
    Protocol,
    /// A name that was asked for by DNS.
    Question,
    /// The name of the server, whatever shows it.
    Name,
    /// A name out of a TLS hello.
    Sni,
    Url,
    /// What was done; the status of a resolver or of an HTTP response too.
    Action,
    /// Whether it was blocked.
    IsBlocked,
    Rule,
    Policy,
    Category,
    Reason,
    BytesBack,
    Method,
    Status,
    QueryType,
    ControlBits,
    /// What the device took the traffic for, such as `ssl` or `HTTPS`.
    Application,
}

/// The names of each role, the surest first.
const NAMES: &[(Role, &[&str])] = &[
    (
        Role::Raw,
        &[
            "raw",
            "message",
            "syslogmessage",
            "msg",
            "rawlog",
            "rawmessage",
            "rawevent",
            "eventoriginal",
            "logline",
            "fullmessage",
            "originalmessage",
            "rawdata",
        ],
    ),
    (
        Role::Time,
        &[
            "time",
            "timestamp",
            "datetime",
            "timegenerated",
            "receivetime",
            "generatetime",
            "generatedtime",
            "timereceived",
            "eventtime",
            "loggedtime",
            "logtime",
            "starttime",
            "eventstarttime",
            "createdat",
            "eventcreated",
            "utctime",
            "timelogged",
            "firstseen",
            "dateandtime",
            "timeutc",
            "requesttime",
            "querytime",
            "eventdate",
        ],
    ),
    (Role::Date, &["date", "logdate", "day"]),
    (
        Role::Client,
        &[
            "clientip",
            "sourceip",
            "srcip",
            "sourceaddress",
            "srcaddr",
            "srcipaddr",
            "sourceipaddress",
            "clientipaddress",
            "clientaddress",
            "cip",
            "internalip",
            "internalipaddress",
            "localip",
            "localaddress",
            "localipaddress",
            "source",
            "src",
            "client",
            "sourceaddresses",
            "sourcenetworkaddress",
            "userip",
            "requestip",
            "origsrc",
            "sourceips",
            "clientpublicip",
            "srchost",
            "deviceip",
            "ip",
        ],
    ),
    (
        Role::ClientPort,
        &["sourceport", "srcport", "spt", "sport", "clientport", "localport", "srcportnumber"],
    ),
    (
        Role::Server,
        &[
            "destinationip",
            "destip",
            "dstip",
            "destinationaddress",
            "dstaddr",
            "dstipaddr",
            "destipaddr",
            "destinationipaddress",
            "serverip",
            "serveripaddress",
            "serveraddress",
            "remoteip",
            "remoteaddress",
            "remoteipaddress",
            "destination",
            "dest",
            "dst",
            "remote",
            "server",
            "sip",
            "destaddress",
            "target",
        ],
    ),
    (
        Role::ServerPort,
        &[
            "destinationport",
            "destport",
            "dstport",
            "dpt",
            "dport",
            "serverport",
            "remoteport",
            "targetport",
            "port",
            "destinationportnumber",
        ],
    ),
    (
        Role::Protocol,
        &[
            "protocol",
            "proto",
            "ipprotocol",
            "transport",
            "networktransport",
            "transportprotocol",
            "networkprotocol",
            "protoname",
            "layer4protocol",
            "l4proto",
        ],
    ),
    (
        Role::Question,
        &[
            "queryname",
            "qname",
            "question",
            "questionname",
            "dnsquery",
            "dnsquestionname",
            "query",
            "querydomain",
            "dnsrequest",
        ],
    ),
    (
        Role::Sni,
        &[
            "sni",
            "tlssni",
            "tlsservername",
            "tlsclientservername",
            "sslsni",
            "servername",
            "sslservername",
            "tlshost",
        ],
    ),
    (
        Role::Name,
        &[
            "fqdn",
            "domain",
            "domainname",
            "urldomain",
            "urlhostname",
            "urlhost",
            "destinationhostname",
            "destinationdomain",
            "destinationfqdn",
            "destinationhost",
            "desthostname",
            "destdomain",
            "dsthost",
            "dsthostname",
            "dstdomain",
            "dstfqdn",
            "dhost",
            "desthost",
            "httphost",
            "remotehost",
            "remotehostname",
            "remotedomain",
            "requesthost",
            "host",
            "hostname",
            "site",
            "website",
            "webdomain",
            "destinationdnsdomain",
            "rootdomain",
        ],
    ),
    (
        Role::Url,
        &[
            "url",
            "uri",
            "requesturl",
            "targeturl",
            "remoteurl",
            "httpurl",
            "urlfull",
            "urloriginal",
            "request",
            "requestedurl",
            "resource",
            "webaddress",
            "destinationurl",
            "fullurl",
            "link",
        ],
    ),
    (Role::IsBlocked, &["blocked", "isblocked", "isfiltered", "filtered"]),
    (
        Role::Action,
        &[
            "action",
            "act",
            "policyaction",
            "disposition",
            "deviceaction",
            "securityaction",
            "decision",
            "verdict",
            "eventaction",
            "eventtype",
            "eventoutcome",
            "filteraction",
            "ruleaction",
            "firewallaction",
            "actiontaken",
            "actiontype",
            "filterresult",
            "dvcaction",
            "result",
            "outcome",
            "panwpanosaction",
            "fortinetfirewallaction",
            "responsestatus",
            "querystatus",
            "networkaction",
            "utmaction",
            "scfilterresult",
        ],
    ),
    (
        Role::Rule,
        &[
            "rule",
            "rulename",
            "ruleid",
            "firewallrule",
            "matchedrule",
            "accessrule",
            "networkrulename",
            "policyid",
            "rulelabel",
            "label",
            "ruleset",
            "filter",
            "rulenumber",
            "rulenr",
        ],
    ),
    (
        Role::Policy,
        &["policy", "policyname", "profile", "policytype", "securityprofile", "rulecollection"],
    ),
    (
        Role::Category,
        &[
            "category",
            "urlcategory",
            "categories",
            "webcategory",
            "blockedcategories",
            "urlcategorylist",
            "contentcategory",
            "sitecategory",
            "categoryname",
            "catdesc",
            "threatcategory",
        ],
    ),
    (
        Role::Reason,
        &[
            "reason",
            "actionreason",
            "blockreason",
            "denyreason",
            "reasons",
            "eventreason",
            "filterreason",
            "sessionendreason",
        ],
    ),
    (
        Role::BytesBack,
        &[
            "bytesreceived",
            "receivedbytes",
            "rcvdbyte",
            "rcvdbytes",
            "bytesrcvd",
            "serverbytes",
            "responsebytes",
            "destinationbytes",
            "dstbytes",
            "bytestoclient",
            "responsesize",
        ],
    ),
    (Role::Method, &["requestmethod", "method", "httpmethod", "csmethod", "httprequestmethod"]),
    (
        Role::Status,
        &[
            "status",
            "responsecode",
            "statuscode",
            "httpstatus",
            "httpstatuscode",
            "scstatus",
            "httpresponsestatuscode",
            "httpresponsecode",
            "rcode",
            "dnsresponsecode",
            "responsecodename",
            "dnsrcode",
            "dnsresponsecodename",
            "eventresultdetails",
        ],
    ),
    (
        Role::QueryType,
        &[
            "querytype",
            "qtype",
            "recordtype",
            "questiontype",
            "dnsquestiontype",
            "dnsquerytypename",
            "dnsquerytype",
            "type",
            "qtypename",
        ],
    ),
    (Role::ControlBits, &["tcpflags", "flags"]),
    (
        Role::Application,
        &[
            "application",
            "app",
            "service",
            "servicename",
            "applicationprotocol",
            "appprotocol",
            "appname",
        ],
    ),
];

/// What is left of a title: its letters and digits in lower case, without what a store appends.
pub(super) fn plain(title: &str) -> String {
    let title = title.split(['[', '(']).next().unwrap_or(title).trim();
    let typed = ["_s", "_d", "_t", "_g", "_b"];
    let title = typed.iter().find_map(|suffix| title.strip_suffix(suffix)).unwrap_or(title);
    title.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What a column of this title holds, and how sure that is among the columns of the same role: 0 is the
/// surest.
pub(super) fn role_of(title: &str) -> Option<(Role, usize)> {
    let plain = plain(title);
    NAMES.iter().find_map(|(role, names)| {
        names.iter().position(|name| *name == plain).map(|rank| (*role, rank))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_means_two_things() {
        let mut seen = BTreeSet::new();
        for (_, names) in NAMES {
            for name in *names {
                assert!(seen.insert(*name), "{name} stands twice");
                assert_eq!(plain(name), *name, "{name} is not plain");
            }
        }
    }

    #[test]
    fn titles_are_read_without_case_blanks_and_suffixes() {
        for (title, role) in [
            ("TimeGenerated [UTC]", Role::Time),
            ("Source IP", Role::Client),
            ("destination.port", Role::ServerPort),
            ("url.domain", Role::Name),
            ("dns.question.name", Role::Question),
            ("msg_s", Role::Raw),
            ("_raw", Role::Raw),
            ("Policy Action", Role::Action),
        ] {
            assert_eq!(role_of(title).map(|(role, _)| role), Some(role), "{title}");
        }
        for title in ["Source User", "From Zone", "", "splunk_server"] {
            assert_eq!(role_of(title), None, "{title}");
        }
    }
}
