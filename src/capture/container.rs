//! The capture file: records out of pcap and pcapng. The only file that knows pcap-parser.
