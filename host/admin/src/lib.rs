//! The web API, dashboard, metrics and events.
