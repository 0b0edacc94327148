-- What a file says that the source's file before it did not, where that is little: then who reads its batches may read
-- only this.
alter table file add column compared_with bigint references file;   -- null: read all of its rows

create table changed_row (
    file_id  bigint not null,
    batch_id bigint not null,                         -- of this file
    row_num  bigint not null,                         -- a row that the file before had not
    primary key (batch_id, row_num)
);

create table gone_row (
    file_id  bigint not null,
    batch_id bigint not null,                         -- of the file before, or of whose rows that has
    row_num  bigint not null,                         -- a row of it that this file has no more
    primary key (file_id, batch_id, row_num)
);
