-- Whether a large file may be one that was read before is asked by its size, before it is looked through.
create index file_large on file (bytes) where bytes >= 16777216;
