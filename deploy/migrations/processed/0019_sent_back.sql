-- A rejected row that somebody exported, mended and sent back, and as which row it came. What became of that one stands where
-- it stands of every row; the rejected one is no longer to be mended. It is what the file says, so a replay changes nothing.
create table sent_back (
    source       text   not null,
    batch_id     bigint not null,
    row_num      bigint not null,
    by_batch_id  bigint not null,
    by_row_num   bigint not null,
    primary key (source, batch_id, row_num, by_batch_id, by_row_num)
);
