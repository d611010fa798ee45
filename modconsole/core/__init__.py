"""The words and rules of moderation: plain data, standard library only, no I/O, no clock."""
