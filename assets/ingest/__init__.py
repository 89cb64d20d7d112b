"""From a venue's history into our tables: fetch, judge, publish, record."""
