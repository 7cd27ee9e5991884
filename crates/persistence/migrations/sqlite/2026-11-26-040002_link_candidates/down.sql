DROP TABLE link_candidates;
