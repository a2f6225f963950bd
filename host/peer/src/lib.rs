//! The protocol between two gateways.
