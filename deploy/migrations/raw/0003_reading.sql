-- How a file was read and what validation found in it; where a large one may be cut; every state it was in.
alter table file
    add column encoding_how   text,
    add column delimiter_how  text,
    add column header_how     text,
    add column header_line    int,                    -- 0: the file has no header
    add column repair         json,                   -- where surplus cells go, if the source allows that
    add column expected_rows  bigint,                 -- records that the plan counted; null: no plan
    add column one_reader     text,                   -- why a large file has no plan
    add column started_at     timestamptz,            -- its first batch
    add column duplicates     bigint,                 -- rows that repeat an earlier row of the file; null: not counted
    add column known_rows     bigint,                 -- rows that the source's file before had too; null: not compared
    add column let_go_after   bigint,                 -- quarantined and let go: counts as younger than this sequence
    add column let_go_at      timestamptz;
update file set encoding = 'utf-8', encoding_how = 'byte order mark' where encoding = 'utf-8-sig';
create index file_age on file (source, (coalesce(let_go_after, sequence)), let_go_at);

create index file_set_aside on file (state, file_id desc) where state <> 'done';
create index file_of_source on file (source, file_id desc);
create index file_discovered on file (discovered_at);
create index file_changed_at on file (changed_at);
create index sighting_file on sighting (file_id);

alter table batch add column profile json;            -- blank cells, cells to clean, repaired rows: see domain/profile.py

comment on column raw_row.row_num is 'number of the record in the file, unreadable ones counted, the header not; of a request 1..';

create table file_range (
    file_id    bigint not null references file on delete cascade,
    number     int    not null,                       -- of the batch it becomes
    byte_start bigint not null,
    bytes      bigint not null,
    line_start bigint not null,
    lines      bigint not null,
    first_row  bigint not null,
    records    bigint not null,
    sha256     bytea  not null,
    primary key (file_id, number)
);

create table file_finding (
    file_id     bigint not null references file on delete cascade,
    number      int    not null,
    kind        text   not null,                      -- a code of docs/reason-codes.md
    severity    text   not null check (severity in ('error', 'warning', 'information')),
    column_name text,
    detail      text   not null,
    primary key (file_id, number)
);

create table file_change (
    file_id bigint      not null references file on delete cascade,
    at      timestamptz not null default clock_timestamp(),
    state   text        not null,
    reason  text,
    detail  text
);
create index file_change_of on file_change (file_id, at);

-- Written here, so that no way of changing a file can forget it.
create function note_file_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into file_change (file_id, at, state) values (new.file_id, new.discovered_at, 'discovered');
    elsif new.state = old.state and new.reason is not distinct from old.reason then
        return null;
    end if;
    insert into file_change (file_id, state, reason, detail) values (new.file_id, new.state, new.reason, new.detail);
    return null;
end $$;
create trigger file_changed after insert or update of state on file for each row execute function note_file_change();
