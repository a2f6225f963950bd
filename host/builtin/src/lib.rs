//! The default components, compiled by the build script.
