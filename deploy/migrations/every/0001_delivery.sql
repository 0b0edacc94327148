-- Design §5: no transaction spans two databases, so each holds what it still has to say (outbox) and how far it has heard (consumer_offset).
create schema delivery;

create table delivery.outbox (
    id            bigint generated always as identity primary key,
    service       text        not null,
    order_key     text        not null,               -- rows of one key go out in the order of their ids
    topic         text        not null,
    message_key   bytea,
    partition_key text        not null,               -- chooses the partition; often, not always, the key
    value         bytea,                              -- null: a tombstone, or a unit
    headers       json        not null default '{}',
    unit          json,                               -- "publish unit U": the service reads its records, immutable and ordered
    place         bigint      not null default 0,     -- the unit's last record acknowledged together with all before it
    created_at    timestamptz not null default now(),
    sent_at       timestamptz
);
create index outbox_unsent on delivery.outbox (service, id) where sent_at is null;
create index outbox_sent on delivery.outbox (sent_at) where sent_at is not null;

create table delivery.relay_lease (
    service    text primary key,
    holder     text        not null,
    epoch      bigint      not null,
    expires_at timestamptz not null
);

create table delivery.consumer_offset (
    consumer    text        not null,
    topic       text        not null,
    partition   int         not null,
    next_offset bigint      not null,                 -- the next message to read
    epoch       bigint      not null,                 -- raised by each new owner; the former one's writes then match no row
    topic_id    text        not null,
    cluster_id  text        not null,
    updated_at  timestamptz not null default now(),
    primary key (consumer, topic, partition)
);

create table delivery.fence (
    name        text primary key,
    holder      text        not null,
    backend_pid int         not null,                 -- a new owner terminates this backend before its first write
    since       timestamptz not null default now()
);
