//! IP and transport headers. The only file that knows etherparse.
