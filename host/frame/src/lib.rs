//! Framing of messages over Tox lossless packets.
