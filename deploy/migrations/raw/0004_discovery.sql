-- Why a path is left alone, in words; and where the bytes of a file went that was done.
alter table sighting add column detail text;
create index sighting_left_alone on sighting (path) where file_id is null;
alter table file add column archived_as text;         -- a path; with the ending .gz, compressed
