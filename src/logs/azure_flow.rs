//! Flow logs of Azure's network security groups and virtual networks: several flows to a record.
//!
//! ```text
//! {"time":"2025-11-26T04:16:00Z","category":"NetworkSecurityGroupFlowEvent","properties":{"Version":2,"flows":[{"rule":"DefaultRule_DenyAllOutBound","flows":[{"mac":"000D3A000001","flowTuples":["1764130500,10.1.2.3,203.0.113.9,50123,443,T,O,D,B,,,,"]}]}]}}
//! {"time":"2025-11-26T04:16:00Z","category":"FlowLogFlowEvent","flowRecords":{"flows":[{"aclID":"00000000-1234-abcd-ef00-c1c2c3c4c5c6","flowGroups":[{"rule":"UserRule_deny","flowTuples":["1764130500000,10.1.2.3,203.0.113.9,50123,443,6,O,D,NX,0,0,0,0"]}]}]}}
//! ```
//!
//! A security group's tuple says `A` or `D`; a virtual network's has the state, of which `D` is
//! the denial and every other a flow that passed. The record's own time is that of writing; the
//! flow's stands in the tuple. Pipelines that flatten JSON write the tuples as `flow.0`, `flow.1`.
//!
//! What it witnesses: Packets and bytes from the server are those of whole frames, so only more than
//! opening and closing a connection takes is an answer; flows of security groups in version 1 have
//! none. Control bits are not logged.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Kind, Party, Protocol, Record};
use super::stamp::Stamp;
use super::value;

/// Flow logs of network security groups.
pub(super) struct AzureNsgFlow;

/// Flow logs of virtual networks.
pub(super) struct AzureVnetFlow;

impl Format for AzureNsgFlow {
    fn about(&self) -> &'static About {
        &About {
            id: "azure-nsg-flow",
            product: "Azure network security group flow logs",
            reference: "Flow logging for network security groups",
            recognised_by: "JSON objects with flowTuples in properties.flows, or flow.0 and the \
                            operation NetworkSecurityGroupFlowEvents",
            literals: &[],
        }
    }

    fn read_json(&self, json: Json<'_>, _: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let is_named = |key: &str| {
            let name = json.get(key).and_then(Json::text);
            name.is_some_and(|name| name.starts_with("NetworkSecurityGroupFlowEvent"))
        };
        let flows = json.path(&["properties", "flows"]).filter(|flows| flows.is_array());
        if flows.is_none() && !is_named("category") && !is_named("operationName") {
            return Reading::NotMine;
        }
        let mut count = Count::default();
        for rule in flows.into_iter().flat_map(Json::elements) {
            for flow in rule.get("flows").into_iter().flat_map(Json::elements) {
                count.tuples(flow, rule.get("rule"), nsg, emit);
            }
        }
        count.flattened(json, nsg, emit);
        count.reading()
    }
}

impl Format for AzureVnetFlow {
    fn about(&self) -> &'static About {
        &About {
            id: "azure-vnet-flow",
            product: "Azure virtual network flow logs",
            reference: "Virtual network flow logs",
            recognised_by: "JSON objects with flowTuples in flowRecords, or flow.0 and the \
                            operation FlowLogFlowEvent",
            literals: &[],
        }
    }

    fn read_json(&self, json: Json<'_>, _: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let is_named = |key: &str| {
            json.get(key).and_then(Json::text).is_some_and(|name| name == "FlowLogFlowEvent")
        };
        let flows = json.path(&["flowRecords", "flows"]);
        if flows.is_none() && !is_named("category") && !is_named("operationName") {
            return Reading::NotMine;
        }
        let mut count = Count::default();
        for list in flows.into_iter().flat_map(Json::elements) {
            for group in list.get("flowGroups").into_iter().flat_map(Json::elements) {
                count.tuples(group, group.get("rule"), vnet, emit);
            }
        }
        count.flattened(json, vnet, emit);
        count.reading()
    }
}

/// Reads a tuple.
type Read = for<'t> fn(&[&'t [u8]; 13]) -> Option<Record<'t>>;

/// How many tuples were read, and how many were not.
#[derive(Default)]
struct Count {
    read: usize,
    damaged: usize,
}

impl Count {
    fn tuples(&mut self, flow: Json<'_>, rule: Option<Json<'_>>, read: Read, emit: Emit<'_>) {
        let tuples = flow.get("flowTuples").into_iter().flat_map(Json::elements);
        for tuple in tuples.filter_map(Json::text) {
            self.tuple(tuple, rule, read, emit);
        }
    }

    fn flattened(&mut self, json: Json<'_>, read: Read, emit: Emit<'_>) {
        let tuples = json.entries().filter(|(key, _)| key.starts_with("flow."));
        for tuple in tuples.filter_map(|(_, value)| value.text()) {
            self.tuple(tuple, json.get("rule"), read, emit);
        }
    }

    fn tuple(&mut self, tuple: &str, rule: Option<Json<'_>>, read: Read, emit: Emit<'_>) {
        let mut columns = [&b""[..]; 13];
        for (column, text) in columns.iter_mut().zip(tuple.as_bytes().split(|byte| *byte == b',')) {
            *column = text;
        }
        match read(&columns) {
            Some(mut record) => {
                let rule = rule.and_then(Json::text);
                record.decider.rule = rule.map(|rule| Cow::Borrowed(rule.as_bytes()));
                emit(&record);
                self.read += 1;
            }
            None => self.damaged += 1,
        }
    }

    fn reading(&self) -> Reading {
        match (self.read, self.damaged) {
            (0, 0) => Reading::NoRecord,
            (0, _) => Reading::Damaged,
            _ => Reading::Records,
        }
    }
}

/// `time,source,destination,source port,destination port,T|U,I|O,A|D,state,packets,bytes` to
/// the destination, and the same two back.
fn nsg<'t>(columns: &[&'t [u8]; 13]) -> Option<Record<'t>> {
    let [.., protocol, _, decision, _, _, _, _, _] = columns;
    let protocol = match *protocol {
        b"T" => Some(Protocol::TCP),
        b"U" => Some(Protocol::UDP),
        _ => None,
    };
    let action = match *decision {
        b"A" => Action::Allow,
        b"D" => Action::Deny,
        _ => return None,
    };
    flow(columns, protocol, action)
}

/// The same with the number of the protocol, the state and what encryption there was.
fn vnet<'t>(columns: &[&'t [u8]; 13]) -> Option<Record<'t>> {
    let [.., protocol, _, state, _, _, _, _, _] = columns;
    let action = match *state {
        b"B" | b"C" | b"E" => Action::Allow,
        b"D" => Action::Deny,
        _ => return None,
    };
    flow(columns, value::protocol(protocol), action)
}

fn flow<'t>(
    columns: &[&'t [u8]; 13],
    protocol: Option<Protocol>,
    action: Action,
) -> Option<Record<'t>> {
    let [time, source, destination, source_port, destination_port, .., packets_back, bytes_back] =
        columns;
    let mut record = Record::new(Kind::Traffic);
    record.stamp = Stamp::Instant(value::epoch(time)?);
    record.client = Party::parse(Some(source), Some(source_port));
    record.server = Party::parse(Some(destination), Some(destination_port));
    record.client.address.and(record.server.address)?;
    record.protocol = protocol;
    record.action = action;
    record.bytes_back = value::number(bytes_back);
    record.packets_back = value::number(packets_back);
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn each_tuple_is_a_record() {
        let lines = r#"{"records":[{"time":"2025-11-26T04:16:00Z","category":"NetworkSecurityGroupFlowEvent","properties":{"Version":2,"flows":[{"rule":"DenyAll","flows":[{"flowTuples":["1764130500,10.1.2.3,203.0.113.9,50123,443,T,O,D,B,,,,","1764130501,10.1.2.3,203.0.113.10,50124,53,U,O,A,E,1,60,1,120"]}]}]}}]}
{"time":"2025-11-26T04:16:00Z","flowRecords":{"flows":[{"aclID":"x","flowGroups":[{"rule":"UserRule","flowTuples":["1764130500000,10.1.2.3,203.0.113.9,50123,443,6,O,D,NX,0,0,0,0","cut"]}]}]}}
{"operationName":"FlowLogFlowEvent","rule":"r","flow.0":"1764130500000,10.1.2.3,203.0.113.9,50123,443,6,O,E,NX,3,767,2,1580"}"#;
        assert_eq!(
            records(lines),
            [
                "1 azure-nsg-flow deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "1 azure-nsg-flow allow traffic udp 10.1.2.3#50124 203.0.113.10#53 - 2025-11-26T04:15:01Z",
                "2 azure-vnet-flow deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "3 azure-vnet-flow allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
            ]
        );
    }
}
