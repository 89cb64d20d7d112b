"""Whatever speaks a venue's or a vendor's language: codecs, REST, websockets, health."""
