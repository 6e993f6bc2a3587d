"""The case table: what may be known of a case, a row for every case found, and reasons of rejects by kind."""
