//! The POP3 server.
