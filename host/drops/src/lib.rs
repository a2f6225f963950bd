//! Drop relays: cells, client, server.
