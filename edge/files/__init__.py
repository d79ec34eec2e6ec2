"""Files of records at an agent: taken in, kept, noted in the outbox, sent to the media store."""
