//! Display filters that show an attempt in Wireshark.

use crate::evidence::AttemptKey;
use crate::observe::{Address, Channel};

/// The filter for the attempts of a key from one client port; addresses and ports alone, so
/// nothing of what traffic says gets into it.
pub(super) fn filter(key: &AttemptKey, client_port: u16) -> String {
    let client = address(key.client);
    match key.channel {
        Channel::Dns(_) => {
            format!("dns && {client} && (udp.port=={client_port} || tcp.port=={client_port})")
        }
        Channel::Quic | Channel::Dtls | Channel::Udp => {
            format!("{client} && udp.port=={client_port}")
        }
        Channel::Tcp | Channel::Tls | Channel::Http | Channel::Connect => {
            format!("{client} && tcp.port=={client_port}")
        }
    }
}

fn address(address: Address) -> String {
    let family = if address.is_v4() { "ip" } else { "ipv6" };
    format!("{family}.addr=={address}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Outcome, SocketAddress};

    fn key(client: &str, channel: Channel) -> AttemptKey {
        AttemptKey {
            bucket: 0,
            name: None,
            client: client.parse::<std::net::IpAddr>().unwrap().into(),
            server: SocketAddress::default(),
            target_port: 443,
            channel,
            outcome: Outcome::Answered,
            decider: None,
            unit: 0,
            chain: None,
        }
    }

    #[test]
    fn filters_name_the_client_and_its_port() {
        assert_eq!(
            filter(&key("10.77.0.2", Channel::Tls), 41_834),
            "ip.addr==10.77.0.2 && tcp.port==41834"
        );
        assert_eq!(
            filter(&key("2001:db8::2", Channel::Quic), 50_000),
            "ipv6.addr==2001:db8::2 && udp.port==50000"
        );
    }
}
