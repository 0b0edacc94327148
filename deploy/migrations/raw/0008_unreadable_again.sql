-- Of a request's unreadable records those that stand in an earlier batch of the source, to the byte: they are not stored again,
-- and a request that brings nothing else makes no batch.
alter table api_request add column unreadable_again bigint not null default 0;
