//! Link types and tunnels: from the bytes of a packet to its IP header.
